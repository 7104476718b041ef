"""Carrying a density from one grid to another of the same kind, without loss of mass or sign."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains.base import Domain, total_mass
from wgflow.domains.box import Box
from wgflow.domains.circle import Circle
from wgflow.domains.half_circle import HalfCircle
from wgflow.domains.half_sphere import HalfSphere
from wgflow.domains.sphere import Sphere, tangent_coordinates, tangent_frames
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.typing import FloatArray

MARGIN = 4  # cells repeated beyond the seam of a periodic axis: more than the interpolation looks at
KEPT = 1.0 - 1e-6  # share of the mass that a smaller box must hold


def transfer(density: FloatArray, source: Domain, target: Domain) -> FloatArray:
    """Conservative, nonnegative interpolation of a density to another grid of the same kind.

    On circles and boxes the mass below each face is interpolated by a monotone cubic, axis by axis: second order,
    and exact in the mass of every union of whole cells. On spheres a limited linear reconstruction is averaged
    over the new cells and scaled to the same total mass.

    Parameters
    ----------
    density : array, shape ``source.shape``
        Nonnegative cell averages.
    source, target : Domain
        Both circles, boxes or spheres, both signed or both not; a box may be larger or smaller than the other.

    Returns
    -------
    array, shape ``target.shape``

    Raises
    ------
    InputError
        If the domains do not fit together, or a smaller box would lose mass.

    Examples
    --------
    >>> coarse, fine = wgflow.Circle(8), wgflow.Circle(16)
    >>> density = wgflow.transfer(np.arange(8.0), coarse, fine)
    >>> density.shape, round(float(density.mean()), 6)
    ((16,), 3.5)
    """
    if source.kind != target.kind or source.sheets != target.sheets:
        raise InputError(
            f"a density on the {_name(source)} cannot be carried to the {_name(target)}; give domains of one kind"
        )
    carry = TRANSFERS.on(source)
    sheets = density.reshape(source.sheets, *source.base.shape)
    carried = np.stack([carry(sheet, source.base, target.base) for sheet in sheets])
    return carried.reshape(target.shape)


def _name(domain: Domain) -> str:
    return f"signed {domain.kind}" if domain.sheets == 2 else domain.kind


def _transfer_circle(density: FloatArray, source: Circle, target: Circle) -> FloatArray:
    faces = [np.linspace(0.0, 2.0 * np.pi, circle.cells + 1) for circle in (source, target)]
    return _share(density * source.volumes, *faces, axis=0, periodic=True) / target.volumes


def _transfer_half_circle(density: FloatArray, source: HalfCircle, target: HalfCircle) -> FloatArray:
    _check_inputs(source, target)
    faces = [np.linspace(0.0, np.pi, half.cells + 1) for half in (source, target)]
    return _share(density * source.volumes, *faces, axis=0, periodic=False) / target.volumes


def _transfer_half_sphere(density: FloatArray, source: HalfSphere, target: HalfSphere) -> FloatArray:
    _check_inputs(source, target)
    return _transfer_sphere(density, source, target)


def _check_inputs(source: SymmetricDomain, target: SymmetricDomain) -> None:
    if source.inputs != target.inputs:
        raise InputError(f"a density of {source.inputs} inputs cannot be carried to one of {target.inputs}")


def _transfer_box(density: FloatArray, source: Box, target: Box) -> FloatArray:
    if len(source.shape) != len(target.shape) or source.periodic != target.periodic:
        raise InputError(
            f"a density cannot be carried from a box with {len(source.shape)} axes, periodic = "
            f"{list(source.periodic)}, to one with {len(target.shape)}, periodic = {list(target.periodic)}"
        )
    masses = density * source.volumes
    total = masses.sum()
    for axis, periodic in enumerate(source.periodic):
        if periodic and source.bounds[axis] != target.bounds[axis]:
            raise InputError(f"the bounds of the periodic axis {axis} differ; a period cannot change")
        faces = [np.linspace(*box.bounds[axis], box.shape[axis] + 1) for box in (source, target)]
        masses = _share(masses, *faces, axis=axis, periodic=periodic)
    if masses.sum() < KEPT * total:
        raise InputError(
            f"the box {list(map(list, target.bounds))} holds only {masses.sum() / total:.6f} of the mass; enlarge it"
        )
    return masses / target.volumes


def _share(masses: FloatArray, old: FloatArray, new: FloatArray, *, axis: int, periodic: bool) -> FloatArray:
    """Masses between new faces of a monotone interpolation of the mass below each old face."""
    from scipy.interpolate import PchipInterpolator

    masses = np.moveaxis(masses, axis, 0)
    if periodic:
        length, count = old[-1] - old[0], min(MARGIN, len(masses))
        old = np.concatenate([old[-count - 1 : -1] - length, old, old[1 : count + 1] + length])
        masses = np.concatenate([masses[-count:], masses, masses[:count]])
    below = np.concatenate([np.zeros((1, *masses.shape[1:])), np.cumsum(masses, axis=0)])
    carried = np.diff(PchipInterpolator(old, below)(new.clip(old[0], old[-1])), axis=0)
    return np.moveaxis(carried.clip(min=0.0), 0, axis)


def _transfer_sphere(density: FloatArray, source: Sphere | HalfSphere, target: Sphere | HalfSphere) -> FloatArray:
    from scipy.spatial import KDTree

    tree, slopes = KDTree(source.points), limited_gradients(source, density)

    def reconstructed(points: FloatArray) -> FloatArray:
        cells = tree.query(points)[1]
        return np.maximum(density[cells] + np.einsum("...i,...i->...", slopes[cells], points), 0.0)

    carried = target.averages(reconstructed)
    return carried * (total_mass(source, density) / total_mass(target, carried))


def limited_gradients(sphere: Sphere | HalfSphere, density: FloatArray) -> FloatArray:
    """Tangent gradient of a density in each cell, (N, 3), limited so that it stays within its neighbours' range."""
    mesh = sphere.mesh
    flat = tangent_coordinates(mesh.points, mesh.neighbour_points)
    normal = np.einsum("nki,nkj->nij", flat, flat)
    rise = density[mesh.neighbours] - density[:, None]
    slope = np.linalg.solve(normal, np.einsum("nki,nk->ni", flat, rise)[..., None])[..., 0]
    across = np.einsum("nki,ni->nk", tangent_coordinates(mesh.points, mesh.midpoints), slope)
    highest, lowest = rise.max(axis=1, initial=0.0), rise.min(axis=1, initial=0.0)
    steepest, shallowest = np.maximum(across.max(axis=1), 0.0), np.minimum(across.min(axis=1), 0.0)
    share = np.minimum(
        np.divide(highest, steepest, out=np.ones_like(highest), where=steepest > 0.0),
        np.divide(lowest, shallowest, out=np.ones_like(lowest), where=shallowest < 0.0),
    ).clip(max=1.0)
    return np.einsum("n,na,nai->ni", share, slope, tangent_frames(mesh.points))


TRANSFERS: DomainTable[Callable[..., FloatArray]] = DomainTable(
    "a transfer between grids",
    {
        Circle: _transfer_circle,
        Box: _transfer_box,
        Sphere: _transfer_sphere,
        HalfCircle: _transfer_half_circle,
        HalfSphere: _transfer_half_sphere,
    },
)
