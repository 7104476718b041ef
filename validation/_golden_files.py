"""Small runs with files, for `golden.py`: written and read, interrupted, carried further, and such as fail."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import signal
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import wgflow
from wgflow import Trajectory

from ._golden_python import END, LINE, bump, cloud, drift
from ._golden_table import Run, described, merged

LAYOUT = "layout"  # attribute with what a file holds

# Rows of the table whose problems name no file: written, read, and resumed.
SAVED = (
    ("box 1-D", "well", "gaussian", "explicit"),
    ("box 1-D", "well and heat", "gaussian", "tr_bdf2"),
    ("box 2-D", "well and heat", "pair", "linearised"),
    ("box 3-D", "teacher", "gaussian", "sgd"),
    ("signed circle", "teacher", "uniform", "order_5"),
    ("signed circle", "teacher", "uniform", "adaptive"),
    ("signed circle", "teacher", "uniform", "characteristics"),
    ("signed circle", "teacher", "uniform", "jko_2"),
    ("signed circle", "teacher", "uniform", "jko_grid"),
    ("circle", "waves and heat", "focused", "langevin"),
    ("sphere", "quadratic", "angular", "explicit"),
)


def saved(row: tuple[str, str, str, str], folder: Path) -> Trajectory:
    """A run that is written and read, with the layout of the file."""
    wgflow.run(described(*row, folder), folder / "flow.h5")
    trajectory = wgflow.load(folder / "flow.h5")
    return replace(trajectory, attributes={**trajectory.attributes, LAYOUT: layout_of(folder / "flow.h5")})


def layout_of(path: Path) -> dict[str, str]:
    """What a file holds, by name: types, shapes, names of attributes and digests of values, but no times of the run."""
    import h5py

    found = {}

    def note(name: str, item: Any) -> None:
        found[name] = f"attributes {', '.join(sorted(item.attrs))}"
        if isinstance(item, h5py.Dataset):
            content = _state(item) if name == "checkpoint/state" else [np.ascontiguousarray(item[()])]
            values = hashlib.sha256(b"".join(array.tobytes() for array in content)).hexdigest()
            found[name] = f"{item.dtype} {item.shape} in {item.chunks}; {found[name]}; {values}"

    with h5py.File(path, "r") as file:
        file.visititems(note)
        found["/"] = ", ".join(sorted(file.attrs))
    return found


def _state(item: Any) -> list[Any]:
    """Arrays of a checkpoint but for what the run spent, which are seconds."""
    with np.load(io.BytesIO(item[:].tobytes())) as archive:
        return [archive[name] for name in sorted(archive.files) if not name.endswith("spent")]


def carried_further(row: tuple[str, str, str, str], folder: Path) -> Trajectory:
    """A run to half of the time that goes on to the end."""
    whole, file = described(*row, folder), folder / "flow.h5"
    wgflow.run(merged(whole, {"solver": {"t_end": 0.125}, "output": {"snapshots": 2}}), file)
    return wgflow.run(whole, file, resume=True)


def interrupted(row: tuple[str, str, str, str], folder: Path) -> Trajectory:
    """A run that a signal stops after two steps, between two outputs, and that goes on."""
    whole, file, seen = described(*row, folder), folder / "flow.h5", itertools.count(1)

    def stop(_: Any) -> None:
        if next(seen) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    try:
        wgflow.run(whole, file, observers=wgflow.Observers(step=[stop]))
    except KeyboardInterrupt:
        return wgflow.run(whole, file, resume=True)
    raise RuntimeError("the run was not interrupted")


def from_file(folder: Path) -> Trajectory:
    """A start from the end of another run, on a finer grid."""
    first = described("circle", "quadratic", "angular", "explicit", folder)
    wgflow.run(first, folder / "first.h5")
    start = {"kind": "file", "path": str(folder / "first.h5")}
    return wgflow.run({**first, "initial": start, "domain": {"kind": "circle", "cells": 48}})


def blow_up(file: Path) -> Trajectory:
    """Aggregation of too large a mass, which a grid does not follow."""
    problem = described("box 2-D", "chemotaxis", "gaussian", "explicit", file.parent)
    attraction = {"kind": "energy", "interaction": {"kind": "log", "strength": 8.0}, "internal": {"kind": "entropy"}}
    return wgflow.run(merged({**problem, "problem": attraction}, {"solver": {"t_end": 2.0}}), file)


def to_a_wall(file: Path) -> Trajectory:
    """A density that drifts to a wall."""
    return wgflow.solve(drift(4.0), LINE, bump(LINE), 2.0, times=[0.2, 1.0], wall_limit=0.2, output=file)


def particles_to_a_wall(file: Path) -> Trajectory:
    """Particles that drift to a wall."""
    options: dict[str, Any] = {"tolerance": 1e-8, "wall_limit": 0.2, "output": file}
    return wgflow.simulate(drift(20.0), cloud(LINE), END, times=[0.02, 0.1], **options)


def failed(run: Run, folder: Path) -> Trajectory:
    """What a run wrote before it failed; its message is given as a warning."""
    try:
        run(folder / "flow.h5")
    except wgflow.ComputationError as error:
        warnings.warn(f"{type(error).__name__}: {error}", wgflow.FlowWarning, stacklevel=2)
        return wgflow.load(folder / "flow.h5")
    raise RuntimeError("the run did not fail")


def file_runs() -> Iterator[tuple[str, Run]]:
    """Runs with files by name."""
    for row in SAVED:
        name = f"{row[0]}: {row[1]}, {row[3]}"
        yield f"written and read, {name}", partial(saved, row)
        yield f"carried further, {name}", partial(carried_further, row)
        yield f"interrupted, {name}", partial(interrupted, row)
    yield "start from a file", from_file
    yield "a blow-up ends a run", partial(failed, blow_up)
    yield "a wall ends a run", partial(failed, to_a_wall)
    yield "a wall ends a run of particles", partial(failed, particles_to_a_wall)


FILED = frozenset(name for name, _ in file_runs() if name != "start from a file")
