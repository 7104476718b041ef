"""A small problem to write files of, and changing them on purpose."""

from __future__ import annotations

from pathlib import Path

from wgflow.trajectory.hdf5.appender import GrowingFile
from wgflow.trajectory.hdf5.integrity import put_seal

TEACHER = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
    },
    "domain": {"kind": "circle", "cells": 32, "signed": True},
    "solver": {"t_end": 1.0},
    "particles": {"count": 10},
    "output": {"snapshots": 5},
}


def with_solver(kind: str) -> dict:
    return {**TEACHER, "solver": {**TEACHER["solver"], "kind": kind}}


def reseal(path: Path) -> None:
    """Seal a file that was changed, so that the change is one of its writer and not of the disk."""
    file = GrowingFile(path)
    put_seal(file)
    file.close()
