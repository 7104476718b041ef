"""The faces between cells as a list of pairs, for schemes that solve equations for all cells at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wgflow.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from wgflow.domains.base import Domain


@dataclass(frozen=True)
class Faces:
    """The inner faces of a domain; walls of a box have none.

    Parameters
    ----------
    cells : array, shape (E, 2)
        Indices of the two cells of each face into a flattened density.
    conductance : array, shape (E,)
        Size of each face over the distance of its two cell centres.
    """

    cells: IntArray
    conductance: FloatArray


def list_faces(domain: Domain) -> Faces:
    """List the faces of a grid, on each sheet if it is signed; raises InputError where there are no cells."""
    faces = domain.base.faces
    shifts = np.arange(domain.sheets) * (int(np.prod(domain.shape)) // domain.sheets)
    return Faces(
        np.concatenate([faces.cells + shift for shift in shifts]).astype(np.int64),
        np.tile(faces.conductance, domain.sheets),
    )
