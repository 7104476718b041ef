"""Names, dimensions and attributes of the variables in a trajectory file.

Files are netCDF-4: HDF5 with dimension scales and CF attributes. One unlimited dimension ``time``, and another one,
``step``, in the group ``steps``; files of earlier versions call that one ``time`` too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wgflow.former_names import with_former
from wgflow.typing import FloatArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

# 1 had neither steps nor checksums of scalars, and was written by the HDF5 library alone; 2 did not keep step control
# at outputs, where it began anew.
SCHEMA_VERSION = 3

INTERRUPTED_AT = "interrupted_at"  # number of the last snapshot, where a run stopped between two output times, or -1
SEAL = "seal"
INTERNAL = ("endings", SEAL)  # attributes that serve the file itself

STEPS = "steps"  # the group of what each step gives
STEP = "step"  # its dimension: were it ``time`` too, the group would hide the times of the snapshots
CHECKSUM = "checksum"


@dataclass(frozen=True)
class Variable:
    """Dimensions after ``time`` and what a reader should know of a variable; units are "1" throughout."""

    dimensions: tuple[str, ...]
    long_name: str


SCALARS = ("step_size", "energy", "risk", "mass", "min_potential")  # what they mean is said by the labels of solvers

GRID = ("*grid",)  # stands for the dimensions of the domain

ERRORS, ORDERS = "estimated_error", "observed_order"
QUANTITIES = ("energy", "risk", "mass", "density", "transport")  # along the dimension ``quantity``

FIELDS: Mapping[str, Variable] = {
    "density": Variable(GRID, "cell average of the density"),
    "position": Variable(("particle", "component"), "position of each particle"),
    "weight": Variable(("particle",), "weight of each particle"),
    "growth": Variable(("particle",), "logarithm of weight over initial weight"),
    "expansion": Variable(("particle",), "logarithm of the volume around each node over the initial one"),
    "node_density": Variable(("particle",), "density at each node"),
    "least_density": Variable((), "least density at a node"),
    "log_mass": Variable((), "logarithm of the mass of the measure whose normalised density is stored"),
    "margin": Variable((), "least margin of the normalised measure"),
    "scaled_log_time": Variable((), "logarithm of 1 + t over the mass; t is the time before it was rescaled"),
    "multipliers": Variable(("datum",), "weight of each datum in the last step, of sum 1"),
    ERRORS: Variable(
        ("quantity",), "estimated error of energy, risk, mass, density (L1), measure (W1); inf: not resolved"
    ),
    ORDERS: Variable(("quantity",), "order in the width of cells at which the errors fall; 0 where there is none"),
}


def row_checksums(columns: Sequence[FloatArray]) -> NDArray[np.uint64]:
    """Checksum of each row of a table.

    Parameters
    ----------
    columns : sequence of arrays, each of shape (n,)

    Returns
    -------
    array of unsigned 64-bit integers, shape (n,)
        The bits of the columns, times odd numbers of their own, summed modulo 2^64: it notices any change of one
        column, since odd numbers have inverses.
    """
    total = np.full(len(columns[0]), len(columns), dtype=np.uint64)
    for number, column in enumerate(columns, 1):
        bits = np.ascontiguousarray(column, dtype=np.float64).view(np.uint64)
        total += bits * np.uint64((number * 0x9E3779B97F4A7C15 | 1) % 2**64)
    return total
