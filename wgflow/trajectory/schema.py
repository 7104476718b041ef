"""Names, dimensions and attributes of the variables in a trajectory file.

Files are netCDF-4: HDF5 with dimension scales and CF attributes. One unlimited dimension ``time``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SCHEMA_VERSION = 1

RUNNING, COMPLETE, INTERRUPTED, FAILED = "running", "complete", "interrupted", "failed"


@dataclass(frozen=True)
class Variable:
    """Dimensions after ``time`` and what a reader should know of a variable; units are "1" throughout."""

    dimensions: tuple[str, ...]
    long_name: str


SCALARS: Mapping[str, Variable] = {
    "step_size": Variable((), "size of the step that led to this time"),
    "energy": Variable((), "functional F, regularisation included"),
    "risk": Variable((), "risk R, regularisation left out"),
    "mass": Variable((), "total mass of the measure"),
    "min_potential": Variable((), "minimum of the first variation J"),
}

GRID = ("*grid",)  # stands for the dimensions of the domain

FIELDS: Mapping[str, Variable] = {
    "density": Variable(GRID, "cell average of the density"),
    "position": Variable(("particle", "component"), "position of each particle"),
    "weight": Variable(("particle",), "weight of each particle"),
    "growth": Variable(("particle",), "logarithm of weight over initial weight"),
}
