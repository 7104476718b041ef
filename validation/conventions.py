"""Trajectory files against the CF conventions, by an independent reader: cfdm, which knows CF 1.13 and UGRID.

Writes a small file of each kind (circle, box, sphere, signed sphere, particles), lets cfdm build the fields of its data
model, and tells what it finds not to conform. Needs cfdm, pip install 'wgflow[conventions]', and its C library
UDUNITS-2 (libudunits2-0 of Debian, udunits2 of conda).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wgflow import run
from wgflow.app.validation import Row, Setting, agrees
from wgflow.errors import MissingExtraError

SHORT = {"solver": {"t_end": 0.1}, "output": {"snapshots": 3}}
QUADRATIC = {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]}
SPATIAL = {"kind": "quadratic", "target": [[1.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.2]]}
PLANE_TEACHER = {
    "kind": "two_layer",
    "data": "gaussian_teacher",
    "teacher": {"angles": [0.5, 2.0], "weights": [1.0, -1.0]},
}
SPACE_TEACHER = {
    **PLANE_TEACHER,
    "teacher": {"directions": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "weights": [1.0, -1.0]},
}
SIGNED_CIRCLE = {"kind": "circle", "cells": 32, "signed": True}
KINDS: dict[str, Mapping[str, Any]] = {
    "circle": {"problem": QUADRATIC, "domain": {"kind": "circle", "cells": 32}},
    "box": {
        "problem": QUADRATIC,
        "domain": {"kind": "box", "bounds": [[-3.0, 3.0], [-3.0, 3.0]], "shape": [16, 16]},
        "initial": {"kind": "gaussian", "covariance": 0.3},
    },
    "sphere": {"problem": SPATIAL, "domain": {"kind": "sphere", "cells": 42}},
    "signed_sphere": {"problem": SPACE_TEACHER, "domain": {"kind": "sphere", "cells": 42, "signed": True}},
    "particles": {
        "problem": PLANE_TEACHER,
        "domain": SIGNED_CIRCLE,
        "solver": {"kind": "particles", "t_end": 0.1},
        "particles": {"count": 20},
    },
}


def write_files(folder: Path) -> Iterator[Path]:
    """A small file of each kind."""
    for name, sections in KINDS.items():
        path = folder / f"{name}.nc"
        run({**SHORT, **sections}, path)
        yield path


def complaints(path: Path) -> tuple[int, list[str]]:
    """How many variables cfdm made fields of, and what it says of those that do not conform."""
    try:
        import cfdm
    except ModuleNotFoundError:
        raise MissingExtraError("cfdm", "conventions", "checking trajectories against the CF conventions") from None
    fields = cfdm.read(str(path), backend="netCDF4")
    found = [field.dataset_compliance() for field in fields]
    return len(fields), [str(reported) for reported in found if "non-conformance" in str(reported)]


def validate(setting: Setting, *, files: tuple[Path, ...] = ()) -> Iterator[Row]:
    """Check a file of each kind.

    Parameters
    ----------
    setting : Setting
        How to run.
    files : tuple of Path
        Trajectories to check instead.
    """
    fields, failed = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for path in files or write_files(Path(folder)):
            count, found = complaints(path)
            fields, failed = fields + count, failed + len(found)
            for text in found:
                setting.say(f"{path.name}: {text}")
            yield agrees(f"{path.name}: fields that do not conform", len(found), 0, f"of {count}")
    yield agrees("all trajectories: fields that do not conform to CF", failed, 0, f"of {fields}").quote()
