"""Files that one version of HDF5 writes, for all others to read: `python -m tests.trajectory.hdf5.golden FOLDER`.

It was run with h5py 3.11.0 (HDF5 1.14.2) and 3.16.0 (HDF5 2.0.0).
"""

from __future__ import annotations

import lzma
import os
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np

import wgflow
from wgflow.system import file_locks

SOURCE = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
    },
    "domain": {"kind": "circle", "cells": 16, "signed": True},
    "solver": {"t_end": 1.0},
    "output": {"snapshots": 5},
}


def write_interrupted(path: Path) -> None:
    """Write the first part of a run."""

    def interrupt(evolution) -> None:
        if evolution.time > 0.6:
            os.kill(os.getpid(), 2)

    try:
        wgflow.run(SOURCE, path, observers=wgflow.Observers(step=[interrupt]))
    except KeyboardInterrupt:
        return


def write_foreign(path: Path, **options: str) -> None:
    """Write a file that looks like a trajectory, by the library alone, in its default format or another one."""
    with h5py.File(path, "w", **options) as file:
        file.attrs["schema_version"] = 3
        file.attrs["status"] = "complete"
        file["time"] = np.arange(3.0)
        file.create_dataset("density", data=np.ones((3, 4)), chunks=(1, 4), maxshape=(None, 4), fletcher32=True)


def main(folder: Path) -> None:
    """Write all files, compressed, into a folder."""
    version = h5py.version.hdf5_version
    sys.argv[:] = ["wgflow"]  # goes into the files
    write_foreign(folder / "default.h5")
    write_foreign(folder / "newest.h5", libver="latest")
    write_interrupted(folder / "appended.h5")
    file_locks.AVAILABLE = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wgflow.FlowWarning)
        write_interrupted(folder / "plain.h5")
    for name in ("default", "newest", "appended", "plain"):
        content = (folder / f"{name}.h5").read_bytes()
        (folder / f"hdf5-{version}-{name}.h5.xz").write_bytes(lzma.compress(content, preset=9))
        (folder / f"{name}.h5").unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
