"""The faces between cells as a list of pairs, for schemes that solve equations for all cells at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.domains.base import Domain
from wgflow.domains.box import Box
from wgflow.domains.circle import Circle
from wgflow.domains.sphere import Sphere
from wgflow.errors import InputError
from wgflow.typing import FloatArray, IntArray


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
    """List the faces of a circle, box or sphere, on each sheet if it is signed; raises InputError elsewhere."""
    base = domain.base
    if isinstance(base, Circle):
        base = as_box(base)
    if isinstance(base, Box):
        cells, conductance = _box_faces(base)
    elif isinstance(base, Sphere):
        mesh = base.mesh
        cells, first = mesh.edges, mesh.edges[:, 0]
        place = np.argmax(mesh.neighbours[first] == cells[:, 1, None], axis=1)
        conductance = mesh.lengths[first, place] / mesh.distances[first, place]
    else:
        raise InputError(f"the domain {domain.kind!r} has no cells; use a circle, a box or a sphere")
    shifts = np.arange(domain.sheets) * (int(np.prod(domain.shape)) // domain.sheets)
    return Faces(
        np.concatenate([cells + shift for shift in shifts]).astype(np.int64), np.tile(conductance, domain.sheets)
    )


def as_box(circle: Circle) -> Box:
    """The circle as a periodic interval [0, 2 pi] of angles, with the same cells."""
    return Box([(0.0, 2.0 * np.pi)], circle.cells, periodic=True)


def _box_faces(box: Box) -> tuple[IntArray, FloatArray]:
    numbers = np.arange(np.prod(box.shape)).reshape(box.shape)
    pairs, conductances = [], []
    for axis, (periodic, width) in enumerate(zip(box.periodic, box.spacing, strict=True)):
        ahead = np.roll(numbers, -1, axis=axis)
        inner = slice(None) if periodic else slice(box.shape[axis] - 1)
        chosen = (*(slice(None),) * axis, inner)
        pairs.append(np.stack([numbers[chosen].ravel(), ahead[chosen].ravel()], axis=1))
        conductances.append(np.full(len(pairs[-1]), float(np.prod(box.spacing)) / width**2))
    return np.concatenate(pairs), np.concatenate(conductances)
