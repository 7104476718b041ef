"""Memory of runs on grids: the cells, the density and its steps, the functional, sparse factorisations.

The factors are numbers of arrays as long as there are cells; they were measured at the peak of a run, where temporary
arrays of whole expressions count (`wgflow validate memory`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from wgflow.domains.partition import MOST_BLOCKS
from wgflow.runs.memory.estimate import DOUBLE, MIB, Item

MESH_READ, MESH_BUILT = 1.5, 3.0  # more of a mesh while it is read and compared with its checksum, or built
MESH_SCHEME = 64  # slopes and offsets at all faces
SPHERE_READ, SPHERE_BUILT = 0.25, 2.3  # the same of diamonds
SPHERE_WRITTEN = 56  # numbers for each cell while the corners of cells are put in order
SPHERE_SCHEME, SPHERE_SLOPES = 7, 43  # of diamonds, and more while its slopes are computed
CONTINUED, WHOLE_SLOPES = 4, 40  # for each entry on the whole of a half sphere, and more of slopes there
MIDPOINTS, MIDPOINT_FITS = 57, 48  # the same of velocities at midpoints
THIRD_ORDER, BENDS = 1.2, 10  # more of order 3, and while its second differences are computed
GIVEN, CORRECTED = 18.5, 10  # more of velocities from outside at faces, and of fluxes of whole steps with order 3
# For each entry of a density.
STATE = {"explicit": 20, "transport": 20, "implicit": 18, "linearised": 40, "normalised": 30, "jko": 30}
HIGH_ORDER = 16  # more of order 5
INTERNAL, INTERNAL_IMPLICIT = 28, 8  # of powers and logarithms of the density, in explicit and other steps
ENTRY = 40  # bytes of an entry of a sparse matrix with what assembles it
TILED, TILE_SUMS = 5, 3  # arrays of the cells in tiles, and of the features in each block of them
TILE_CELLS, KINDS = 64, 4  # cells of a tile, and bytes for each datum on it while its kinks are listed
FILLED = 15  # bytes of an entry of its factors
ROW_FACTORS = 24  # of a matrix of cells in a row, and of what it is made from, for each entry of a density
CHUNK = 3 * 16 * MIB  # of features that are computed anew each time
KERNEL_TABLE = 5  # arrays of the padded box while its kernel is tabulated, beside its displacements
TRANSFORMS = 8  # and in each convolution


@dataclass(frozen=True)
class Grid:
    """The cells of a domain, before it is built.

    Parameters
    ----------
    kind : str
        What the domain is called.
    shape : tuple of int
        Cells along each axis.
    dimension : int
        Dimension of the domain.
    components : int
        Number of coordinates of a point.
    sheets : int
        1, or 2 on signed domains.
    periodic : tuple of bool
        Of each axis of cells that stand in rows; empty where they do not.
    centres : int
        Numbers for each cell that stay beside the volumes; those of a mesh are counted there.
    mesh : int
        Numbers for each cell of a mesh; 0 where cells stand in rows.
    mesh_kept : bool
        Whether the mesh was built before, and is read.
    diamonds : bool
        Whether the cells of a mesh stand in diamonds, of which the scheme keeps less.
    whole : int
        Cells of the sphere whose scheme a half sphere has, 0 of others.
    quadrature : int
        Arrays of the averages of a density over the cells.
    half_circles : bool
        Whether ReLU features of data need not be stored: there are sums of them over half circles.
    kernel_rank : int
        About the rank of an averaged kernel, on half circles and half spheres.
    images : int
        Mirror images that share a row of the factor of that kernel.
    key : str
        What makes it smaller.
    """

    kind: str
    shape: tuple[int, ...]
    dimension: int
    components: int
    sheets: int = 1
    periodic: tuple[bool, ...] = ()
    centres: int = 0
    mesh: int = 0
    mesh_kept: bool = True
    diamonds: bool = False
    whole: int = 0
    quadrature: int = 0
    half_circles: bool = False
    kernel_rank: int = 0
    images: int = 1
    key: str = "the number of cells"

    @property
    def cells(self) -> int:
        """Number of cells of a sheet."""
        return math.prod(self.shape)

    @property
    def entries(self) -> int:
        """Number of entries of a density."""
        return self.cells * self.sheets

    def points(self, *, pairs: bool) -> int:
        """Number of points of features: the cells, or the input weights b of cells of pairs (a, b)."""
        return self.cells // self.shape[0] if pairs and len(self.shape) > 1 else self.cells

    @property
    def faces(self) -> int:
        """Faces between cells of a density, about: those of a mesh are hexagons."""
        return self.entries * (3 if self.mesh else self.dimension)

    @property
    def is_lattice(self) -> bool:
        """Whether cells stand in rows."""
        return bool(self.periodic)

    @property
    def is_flat(self) -> bool:
        """Whether the domain is a part of R^p."""
        return self.dimension == self.components


@dataclass(frozen=True)
class Terms:
    """What the functional keeps at the cells.

    Parameters
    ----------
    features : int
        Features stored or computed at each point; 0 where none are.
    memory_limit : float
        Bytes that stored ones may take.
    tiled : bool
        Whether they are summed in tiles of cells, and not stored.
    pairs : bool
        Whether points of a box are pairs (a, b), so that features are those of b alone.
    convolution : bool
        Whether a kernel acts by Fourier transforms of a box.
    internal : bool
        Whether there are entropies or powers of the density.
    kernel_rank : int
        Columns of the factor of an averaged kernel; 0 where there is none.
    """

    features: int = 0
    memory_limit: float = math.inf
    tiled: bool = False
    pairs: bool = False
    convolution: bool = False
    internal: bool = False
    kernel_rank: int = 0


def domain_items(grid: Grid) -> Iterator[Item]:
    """Memory of the cells; a mesh is read if it was built before."""
    if grid.mesh:
        mesh = grid.mesh * DOUBLE * grid.cells
        read, built = (SPHERE_READ, SPHERE_BUILT) if grid.diamonds else (MESH_READ, MESH_BUILT)
        yield Item(f"the mesh of the {grid.kind}", mesh, grid.key, built=True)
        yield Item("making the mesh", mesh * (read if grid.mesh_kept else built), grid.key, brief=True)
        if grid.diamonds:
            yield Item("the mesh in the output", SPHERE_WRITTEN * DOUBLE * grid.cells, grid.key, late=True)
        return
    yield Item("cell centres", grid.centres * DOUBLE * grid.cells, grid.key, built=True)
    yield Item("axes of the cell centres", grid.components * DOUBLE * grid.cells, grid.key, brief=True)


def start_items(grid: Grid, *, uniform: bool) -> Iterator[Item]:
    """Memory of the initial density, by quadrature where it is not uniform."""
    size = 0 if uniform else grid.quadrature * DOUBLE * grid.cells
    yield Item("averages of the initial measure", size, grid.key, brief=True)


def functional_items(grid: Grid, method: str, terms: Terms) -> Iterator[Item]:
    """Memory of the functional on the grid, in steps of a method."""
    if terms.features > 0:
        yield from _feature_items(grid, terms)
    if terms.kernel_rank > 0:
        factor, keys = DOUBLE * grid.cells * terms.kernel_rank / grid.images, f"{grid.key} or problem.kernel_tolerance"
        yield Item("the factor of the averaged kernel", factor, keys)
        yield Item("making the factor", 2.0 * factor, keys, brief=True)
    if terms.internal:
        arrays = INTERNAL if method == "explicit" else INTERNAL_IMPLICIT
        yield Item("powers and logarithms of the density", arrays * DOUBLE * grid.entries, grid.key, late=True)
    if terms.convolution:
        padded = DOUBLE * math.prod(n if wraps else 2 * n for n, wraps in zip(grid.shape, grid.periodic, strict=True))
        symbol = (KERNEL_TABLE + 2 * grid.components) * padded
        yield Item("the kernel on the padded box", symbol, grid.key, brief=True)
        yield Item("Fourier transforms of the padded box", TRANSFORMS * padded, grid.key, late=True)


def _feature_items(grid: Grid, terms: Terms) -> Iterator[Item]:
    points = grid.points(pairs=terms.pairs)
    stored = DOUBLE * points * terms.features
    if terms.tiled:
        sums = DOUBLE * TILE_SUMS * min(points, MOST_BLOCKS) * terms.features
        sums += KINDS * points * terms.features // TILE_CELLS
        yield Item("cells in tiles", DOUBLE * TILED * points + sums, grid.key)
    elif stored <= terms.memory_limit:
        keys = f"{grid.key}, problem.memory_limit or the number of data"
        yield Item("features at all cells", stored, keys)
        yield Item("computing the features", stored, keys, brief=True)
    else:
        yield Item("features of some cells at a time", CHUNK, "problem.memory_limit", brief=True)


def step_items(grid: Grid, method: str, *, order: int = 2, midpoint: bool = False) -> Iterator[Item]:
    """Memory of the density and its steps by a method, a key of ``STATE``, with velocities at midpoints or others."""
    arrays = STATE[method] + (HIGH_ORDER if order == 5 else 0)
    yield Item("the density and its steps", arrays * DOUBLE * grid.entries, grid.key, late=True)
    if grid.mesh and method in ("explicit", "normalised", "transport"):
        kept, made = _scheme_arrays(grid, method, third=order == 3, midpoint=midpoint)
        what, cells = f"slopes at the faces of the {grid.kind}", DOUBLE * (grid.whole or grid.cells)
        yield Item(what, kept * cells, grid.key, late=True)
        yield Item(f"computing the {what}", made * cells, grid.key, brief=True)
        continued = CONTINUED * DOUBLE * grid.whole * grid.sheets
        yield Item("densities on the whole sphere", continued, grid.key, late=True)
    if method == "implicit" and grid.dimension == 1:
        yield Item("the matrix and its factors", ROW_FACTORS * DOUBLE * grid.entries, grid.key, late=True)
    elif method in ("implicit", "linearised", "normalised"):
        yield Item("sparse matrices", ENTRY * (4 * grid.faces + grid.entries), grid.key, late=True)
        yield Item("the sparse factorisation (fill-in)", FILLED * _filled(grid), grid.key, late=True)


def _scheme_arrays(grid: Grid, method: str, *, third: bool, midpoint: bool) -> tuple[float, float]:
    """Arrays of cells that a scheme keeps on a mesh, and those that are there at the peak while it is made."""
    if not (grid.diamonds or grid.whole):
        return MESH_SCHEME, 0
    given = GIVEN + third * CORRECTED if method == "transport" else 0
    kept = SPHERE_SCHEME + midpoint * MIDPOINTS + third * THIRD_ORDER + given
    made = SPHERE_SLOPES + midpoint * MIDPOINT_FITS + third * BENDS + given
    return kept, made + (WHOLE_SLOPES if grid.whole else 0)


def _filled(grid: Grid) -> float:
    """Entries of the factors of a matrix of neighbours, in the order of minimum degree; measured."""
    cells = max(grid.cells, 64)
    if grid.dimension == 1:
        each = 4.0
    elif grid.dimension == 2:
        each = max(5.6 * math.log2(cells) - 36.5, 5.0)
    else:
        each = 67.0 * (cells / 1000.0) ** 0.564
    return each * grid.entries


def snapshot_items(entries: int, count: int, *, in_memory: bool, key: str) -> Iterator[Item]:
    """Memory of snapshots that are kept, and once more when they become one array."""
    kept = 2.0 * DOUBLE * entries * count if in_memory else 0.0
    yield Item("snapshots in memory", kept, f"output.snapshots or {key}, or give an output file", late=True)
