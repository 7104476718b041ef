"""What the cells of each kind of domain take, from a domain whose points and mesh need not be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain, HalfCircle, HalfSphere, Sphere
from wgflow.domains.mesh import DEGREE
from wgflow.domains.mesh_cache import is_cached
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.runs.memory.grids import Grid

ANGLES = 2  # arrays of a circle beside its points
CIRCLE_QUADRATURE, MESH_QUADRATURE, SPHERE_QUADRATURE = 44, 110, 45  # arrays of initial averages in closed form

Describe = Callable[[Any], Grid]


def describe_grid(domain: Domain, key: str = "the number of cells") -> Grid | None:
    """Describe the cells of a domain; None where it has none.

    Parameters
    ----------
    domain : Domain
        Where the density lives; neither its points nor its mesh are asked for.
    key : str
        What makes it smaller.
    """
    base = domain.base
    if not base.has_cells:
        return None
    return replace(GRIDS.on(base)(base), sheets=domain.sheets, key=key)


def _rows(base: Any) -> Grid:
    """Cells in rows."""
    components = base.geometry.components
    return Grid(
        base.kind,
        base.shape,
        base.geometry.dimension,
        components,
        periodic=base.lattice.periodic,
        centres=components,
        quadrature=3 * components + 4,
    )


def _arcs(circle: Circle) -> Grid:
    """Those of a circle, with their angles."""
    rows = _rows(circle)
    return replace(rows, centres=rows.centres + ANGLES, quadrature=CIRCLE_QUADRATURE, half_circles=True)


def _mesh(base: Any) -> Grid:
    """Cells with neighbours: each has six faces with neighbours, lengths, distances and midpoints, and two corners."""
    p = base.geometry.components
    numbers = 4 * DEGREE + DEGREE * p + 2 * p + 12 + p + 1
    return Grid(
        base.kind,
        base.shape,
        base.geometry.dimension,
        p,
        mesh=numbers,
        mesh_kept=False,
        quadrature=MESH_QUADRATURE,
    )


def _diamonds(sphere: Sphere) -> Grid:
    """Those of a sphere, known by the three edges and two corners of each; averages take some of them at a time."""
    numbers = 3 + 1 + 2 * 3 + 3 * 6
    kept = is_cached(sphere.level)
    return replace(_mesh(sphere), mesh=numbers, mesh_kept=kept, diamonds=True, quadrature=SPHERE_QUADRATURE)


def averaged_rank(domain: SymmetricDomain) -> int:
    """About the rank of the averaged kernel at its tolerance by default: 520 at d = 3, 26 and 128 at d = 1000."""
    shape, inputs = domain.shape[0], domain.inputs
    rank = 26.0 + 500.0 * (3.0 / inputs) ** 3 if domain.kept == 1 else 128.0 + 110.0 * (5.0 / inputs) ** 2
    return min(int(rank), shape)


def _with_kernel(half: SymmetricDomain, grid: Grid) -> Grid:
    """Cells of an averaged kernel, which have mirror images in each direction."""
    return replace(grid, kernel_rank=averaged_rank(half), images=2**half.kept)


def _half_sphere(half: HalfSphere) -> Grid:
    """Those of a half sphere; steps are those of the whole one."""
    return _with_kernel(half, replace(_mesh(half), mesh_kept=is_cached(half.level), whole=half.cells))


def _any(base: Any) -> Grid:
    """Cells of a domain that is not known here."""
    return _mesh(base) if base.lattice is None else _rows(base)


GRIDS = DomainTable[Describe](
    "an estimate of memory",
    {
        Box: _rows,
        Circle: _arcs,
        HalfCircle: lambda half: _with_kernel(half, _rows(half)),
        HalfSphere: _half_sphere,
        Sphere: _diamonds,
        object: _any,
    },
)
