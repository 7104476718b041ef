"""Coarser domains, and densities of fine domains on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain, HalfCircle, HalfSphere, Signed, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.sphere import cells_of_level
from wgflow.errors import InputError
from wgflow.runs.estimates.spheres import half_restriction, sphere_restriction
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Restriction = Callable[[FloatArray], FloatArray]

DEGREE = 5  # of the splines between cells that do not nest
MARGIN = 16  # cells that a periodic axis is repeated by: what a spline notices of its ends is then round-off


@dataclass(frozen=True)
class Coarsening:
    """How a kind of domain is made coarser.

    Parameters
    ----------
    halved : callable
        From a domain to the one with half the cells along each axis, rounded up; None where that has too few.
    restriction : callable
        From a fine and a coarse domain, and whether densities are values at the cell centres, to a function that takes
        densities of shape (sheets, *shape) from one to the other.
    """

    halved: Callable[[Any], UnsignedDomain | None]
    restriction: Callable[[Any, Any, bool], Restriction]


def halved(domain: Domain) -> Domain:
    """Domain with half the cells along each axis, rounded up; on spheres one subdivision less.

    Raises
    ------
    InputError
        If so few cells are not allowed, or the domain is of a kind that has no coarser cells.
    """
    known = COARSENINGS.get(domain)
    coarse = None if known is None else known.halved(domain.base)
    if coarse is None:
        raise InputError(f"the {domain.kind} has no coarser cells")
    return Signed(coarse) if domain.sheets == 2 else coarse


def restriction(fine: Domain, coarse: Domain, *, pointwise: bool = False) -> Restriction:
    """Give the function that takes densities of a fine domain to a coarser one of the same kind.

    Averages of cells that nest are averages of 2, 4 or 8 cells. Those of other cells are differences of a quintic
    spline through the masses below each face, point values are values of a quintic spline; both axis by axis, and
    without regard to signs. On spheres see `wgflow.runs.estimates.spheres.sphere_restriction`.

    Parameters
    ----------
    fine, coarse : Domain
        Domains of one kind.
    pointwise : bool
        Whether densities are values at the cell centres and not cell averages.

    Returns
    -------
    callable
        Arrays of shape ``fine.shape`` to arrays of shape ``coarse.shape``.
    """
    restrict = COARSENINGS.on(fine).restriction(fine.base, coarse.base, pointwise)
    rows = fine.sheets, *fine.base.shape
    return lambda density: restrict(density.reshape(rows)).reshape(coarse.shape)


def _by_axes(fine: UnsignedDomain, coarse: UnsignedDomain, pointwise: bool) -> Restriction:
    """Along one axis of cells in rows after the other."""
    along = interpolated_point_values if pointwise else averages
    periods = cast("Box", fine.lattice).periodic
    steps = [
        partial(along, count=new, axis=axis, periodic=periodic)
        for axis, (new, periodic) in enumerate(zip(coarse.shape, periods, strict=True), 1)
    ]

    def restrict(density: FloatArray) -> FloatArray:
        for step in steps:
            density = step(density)
        return density

    return restrict


def _by_quadrature(fine: Sphere, coarse: Sphere, _: bool) -> Restriction:
    return _by_matrix(sphere_restriction(fine, coarse))


def _by_mirrored_quadrature(fine: HalfSphere, coarse: HalfSphere, _: bool) -> Restriction:
    return _by_matrix(half_restriction(fine, coarse))


def _by_matrix(matrix: csr_array) -> Restriction:
    return lambda density: (matrix @ density.T).T


COARSENINGS = DomainTable[Coarsening](
    "a restriction to coarser cells",
    {
        Circle: Coarsening(lambda circle: Circle((circle.cells + 1) // 2), _by_axes),
        HalfCircle: Coarsening(lambda half: HalfCircle((half.cells + 1) // 2, half.inputs), _by_axes),
        Box: Coarsening(lambda box: Box(box.bounds, [(count + 1) // 2 for count in box.shape], box.periodic), _by_axes),
        Sphere: Coarsening(
            lambda sphere: Sphere(cells_of_level(sphere.level - 1)) if sphere.level > 0 else None, _by_quadrature
        ),
        HalfSphere: Coarsening(
            lambda half: HalfSphere(cells_of_level(half.level - 1), half.inputs) if half.level > 0 else None,
            _by_mirrored_quadrature,
        ),
    },
)


def averages(values: FloatArray, *, count: int, axis: int, periodic: bool) -> FloatArray:
    """Averages over fewer equal cells along an axis."""
    rows = np.moveaxis(values, axis, 0)
    if len(rows) == 2 * count:
        return np.moveaxis(0.5 * (rows[::2] + rows[1::2]), 0, axis)
    margin = min(MARGIN, len(rows)) if periodic else 0
    below = np.cumsum(_repeated(rows, margin), axis=0)
    below = np.concatenate([np.zeros_like(below[:1]), below])
    at_faces = _interpolated(
        np.arange(-float(margin), len(below) - margin), below, np.linspace(0.0, len(rows), count + 1)
    )
    return np.moveaxis(np.diff(at_faces, axis=0) * count / len(rows), 0, axis)


def interpolated_point_values(values: FloatArray, *, count: int, axis: int, periodic: bool) -> FloatArray:
    """Values at the centres of fewer equal cells along an axis."""
    rows = np.moveaxis(values, axis, 0)
    margin = min(MARGIN, len(rows)) if periodic else 0
    places = np.arange(0.5 - margin, len(rows) + margin)
    centres = np.arange(0.5, count) * (len(rows) / count)
    return np.moveaxis(_interpolated(places, _repeated(rows, margin), centres), 0, axis)


def _repeated(rows: FloatArray, margin: int) -> FloatArray:
    return np.concatenate([rows[len(rows) - margin :], rows, rows[:margin]])


def _interpolated(places: FloatArray, values: FloatArray, targets: FloatArray) -> FloatArray:
    from scipy.interpolate import make_interp_spline

    return np.asarray(make_interp_spline(places, values, k=min(DEGREE, len(places) - 1))(targets))
