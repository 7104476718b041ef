"""Densities on the cells of surfaces and boxes from scattered nodes, whose mesh the flow deforms."""

from __future__ import annotations

from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np

from wgflow.characteristics.line_transport import RESOLVED
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import Geometry, UnitSphere, is_flat
from wgflow.functionals.laplacians import tangent_frames
from wgflow.measures import Particles
from wgflow.measures.deposit import deposit
from wgflow.typing import FloatArray, IntArray

DEGREES = {2: 3, 3: 2}  # of the polynomials, by the dimension
NEIGHBOURS = {2: 36, 3: 32}
NEAREST = 1e-6  # squared distance over that of the last neighbour below which a node alone counts
BEYOND, MOST_BEYOND = 0.25, 0.7  # of the range of logarithms around, by which they may leave it: peaks between nodes
VACUUM = 1e-30  # of the largest density: below it logarithms are those of this
MOST_PIECES = 8  # along the side of a triangle that is shared out
THIN = 1e-6  # size over that of the largest below which a triangle is none


class SurfaceTransport:
    """Carries densities from moved nodes to the cells of a sphere or of a box in two or three dimensions.

    Where all triangles of the nodes keep their orientation, the logarithm of the density is found at each cell centre
    by a polynomial through the nodes around it, of degree 3 in two dimensions and 2 in three. Where one is turned over,
    or the density does not hold the mass, the masses of the triangles are shared out to the cells that they cover.

    Parameters
    ----------
    base : UnsignedDomain
        One sheet of the domain.
    points : array, shape (n, p)
        The nodes at the start.
    """

    def __init__(self, base: UnsignedDomain, points: FloatArray) -> None:
        self._base, self._start = base, points
        self._centres = base.points.reshape(-1, points.shape[1])
        self._volumes = np.ascontiguousarray(base.volumes).ravel()

    @cached_property
    def _mesh(self) -> IntArray:
        return triangulated(self._base.geometry, self._start)

    def __call__(self, points: FloatArray, density: FloatArray, masses: FloatArray) -> FloatArray:
        """Density at the cell centres, shape (cells,), from that at moved nodes (n, p) and their masses (n,)."""
        sizes, mass = oriented_sizes(self._base.geometry, points, self._mesh), masses.sum()
        if sizes.min() > 0.0 and len(points) >= NEIGHBOURS[self._base.geometry.dimension]:
            found = self._interpolated(points, density)
            if abs(found @ self._volumes - mass) <= RESOLVED * mass:
                return found
        return self._shared_out(points, masses, np.abs(sizes))

    def _interpolated(self, points: FloatArray, density: FloatArray) -> FloatArray:
        fitted = np.log(np.maximum(density, VACUUM * density.max()))
        neighbours, offsets = self._around(points)
        nearby = fitted[neighbours]
        low, high = nearby.min(axis=1), nearby.max(axis=1)
        room = np.minimum(BEYOND * (high - low), MOST_BEYOND)
        found = np.exp(np.clip(_polynomial_values(offsets, nearby), low - room, high + room))
        return np.where(self._inside(neighbours, offsets), found, 0.0)

    def _inside(self, neighbours: IntArray, offsets: FloatArray) -> FloatArray:
        """Whether cell centres lie in the image of the domain: where each came from, between walls."""
        walls = getattr(self._base.geometry, "walls", ())
        inside = np.ones(len(neighbours), dtype=bool)
        for axis, wall in enumerate(walls):
            if wall is not None:
                origin, slack = _polynomial_values(offsets, self._start[neighbours, axis]), 1e-6 * (wall[1] - wall[0])
                inside &= (origin >= wall[0] - slack) & (origin <= wall[1] + slack)
        return inside

    def _around(self, points: FloatArray) -> tuple[IntArray, FloatArray]:
        """Nodes around each cell centre, (N, k), and their tangent coordinates there, (N, k, dimension)."""
        from scipy.spatial import KDTree

        geometry = self._base.geometry
        count, centres = NEIGHBOURS[geometry.dimension], self._centres
        box, shift = self._periods()
        sites = points - shift
        sites = np.where(box > 0.0, np.mod(sites, np.where(box > 0.0, box, 1.0)), sites)
        tree = KDTree(sites, boxsize=box if box.any() else None)
        neighbours: IntArray = np.asarray(tree.query(centres - shift, count)[1], dtype=np.int64)
        shape = (*neighbours.shape, points.shape[1])
        starts, ends = np.broadcast_to(centres[:, None, :], shape).reshape(-1, shape[-1]), points[neighbours.ravel()]
        offsets = geometry.displacement(starts, ends).reshape(shape)
        if not is_flat(geometry):
            frames = tangent_frames(geometry, centres)
            offsets = np.einsum("nki,nai->nka", offsets, frames)
        return neighbours, offsets

    def _periods(self) -> tuple[FloatArray, FloatArray]:
        """Lengths of periodic axes, 0 for others, and their lower ends."""
        ends = getattr(self._base.geometry, "periods", ()) or (None,) * self._start.shape[1]
        pairs = [(0.0, 0.0) if pair is None else (pair[1] - pair[0], pair[0]) for pair in ends]
        box, shift = np.array(pairs).T
        return box, shift

    def _shared_out(self, points: FloatArray, masses: FloatArray, sizes: FloatArray) -> FloatArray:
        """Density of the masses of nodes, spread over the triangles around each in proportion to their sizes."""
        mesh, corners = self._mesh, self._mesh.shape[1]
        sizes = sizes + THIN * sizes.mean() + np.finfo(np.float64).tiny
        around = np.bincount(mesh.ravel(), np.repeat(sizes, corners), len(points))
        part = masses[mesh] * sizes[:, None] / around[mesh]
        width = self._volumes.mean() ** (1.0 / self._base.geometry.dimension)
        sides = np.linalg.norm(points[mesh] - np.roll(points[mesh], 1, axis=1), axis=-1)
        shares = _pieces(corners, int(np.clip(np.ceil(1.5 * sides.max() / width), 1, MOST_PIECES)))
        spread = part @ (shares.T * corners / len(shares))
        places = np.einsum("ck,skp->scp", shares, points[mesh]).reshape(-1, points.shape[1])
        lonely = np.setdiff1d(np.arange(len(points)), mesh)  # a node in no triangle, as of two at one place
        places = self._put_back(np.concatenate([places, points[lonely]]))
        spread = np.concatenate([spread.ravel(), masses[lonely]])
        return deposit(Particles(places, spread), self._base).ravel()

    def _put_back(self, places: FloatArray) -> FloatArray:
        """Places on the domain: what has left a box is at its walls."""
        geometry = self._base.geometry
        if not is_flat(geometry):
            return geometry.project(places)
        ends = [(-np.inf, np.inf) if wall is None else wall for wall in geometry.walls]  # type: ignore[attr-defined]
        low, high = np.array(ends).T
        return np.clip(geometry.wrap(places), low, high)  # type: ignore[attr-defined]


def triangulated(geometry: Geometry, points: FloatArray) -> IntArray:
    """Triangles (s, 3) between points on S^2 or in the plane, tetrahedra (s, 4) in space, of positive orientation."""
    from scipy.spatial import ConvexHull, Delaunay

    mesh: IntArray = (Delaunay if is_flat(geometry) else ConvexHull)(points).simplices.astype(np.int64)
    sizes = oriented_sizes(geometry, points, mesh)
    mesh = np.where((sizes < 0.0)[:, None], mesh[:, [1, 0, *range(2, mesh.shape[1])]], mesh)
    return np.asarray(mesh[np.abs(sizes) > THIN * np.abs(sizes).max()])


def oriented_sizes(geometry: Geometry, points: FloatArray, mesh: IntArray) -> FloatArray:
    """Determinants (s,) of the corners of triangles, which change their sign where one is turned over."""
    corners = points[mesh]
    if is_flat(geometry):
        corners = corners[:, 1:] - corners[:, :1]
    return np.asarray(np.linalg.det(corners))


def _polynomial_values(offsets: FloatArray, values: FloatArray) -> FloatArray:
    """Values (N,) at 0 of the polynomials that fit values (N, k) at offsets (N, k, d), the nearest ones most of all."""
    dimension = offsets.shape[2]
    squared = (offsets**2).sum(axis=2)
    reach = squared.max(axis=1, keepdims=True)
    near = squared / reach
    weights = (1.0 - near + NEAREST) ** 2 / (near + NEAREST)
    scaled = offsets / np.sqrt(reach)[:, :, None]
    powers = [
        axes for n in range(DEGREES[dimension] + 1) for axes in combinations_with_replacement(range(dimension), n)
    ]
    terms = [np.prod(scaled[:, :, list(axes)], axis=2) for axes in powers]
    basis = np.stack(terms, axis=2)
    weighted = basis * weights[:, :, None]
    centred = values - values[:, :1]  # of the nearest node, so that constants are exact
    normal = np.einsum("nka,nkb->nab", weighted, basis)
    right = np.einsum("nka,nk->na", weighted, centred)
    return np.asarray(values[:, 0] + np.linalg.solve(normal, right[..., None])[:, 0, 0])


def _pieces(corners: int, count: int) -> FloatArray:
    """Barycentric coordinates (n, corners) of the middles of the upright parts of a triangle or tetrahedron."""
    grids = np.indices((count,) * (corners - 1)).reshape(corners - 1, -1).T
    inner = grids[grids.sum(axis=1) < count]
    first = (inner + 1.0 / corners) / count
    return np.column_stack([first, 1.0 - first.sum(axis=1)])


def is_surface(geometry: Geometry) -> bool:
    """Whether nodes have a mesh: on S^2, and in two and three dimensions."""
    return geometry.dimension in DEGREES and (is_flat(geometry) or isinstance(geometry, UnitSphere))
