"""Cost of one second-order stage on boxes and the sphere, in seconds per cell over a triad of the same size.

The triad reads two arrays and writes one, on one core. Stage and triad are measured one after the other, several times;
the ratio is the median of such pairs, with the smallest and the largest. On the sphere a stage stands beside the one of
half spheres and of surfaces of any cells, which gathers the neighbours of each cell; what a stage and the memory of a
cell cost is told for grids from coarse to fine. OMP_PROC_BIND=true OMP_PLACES=threads pins threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from wgflow import Box, Sphere
from wgflow.app.validation import Row, Setting, measured
from wgflow.domains import Domain
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.kernels.limiters import BARTH_JESPERSEN
from wgflow.upwind.scheme import SpaceScheme
from wgflow.upwind.surface import SurfaceScheme

from ._timing import paired_seconds, ratio_row

LEVELS = (10_242, 40_962, 163_842, 655_362, 2_621_442)


def euler_stage(domain: Domain, velocity: str) -> Callable[[], object]:
    """One Euler stage on a rough state, to be called again and again."""
    return stage_of(domain, make_space_scheme(domain, transport=1.0, reaction=0.0, order=2, velocity=velocity))


def stage_of(domain: Domain, scheme: SpaceScheme) -> Callable[[], object]:
    """One Euler stage of a scheme on a rough state, to be called again and again."""
    generator = np.random.default_rng(0)
    density, potential = generator.random(domain.shape), generator.random(domain.shape)
    result = np.empty(domain.shape)
    step = 0.5 / scheme.loss_rate(potential)
    return lambda: scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result)


def triad(size: int) -> Callable[[], object]:
    """Adding two arrays into a third."""
    first, second, result = np.ones(size), np.ones(size), np.empty(size)
    return lambda: np.add(first, second, out=result)


def validate(setting: Setting) -> Iterator[Row]:
    """Time a stage on large grids; quick, a few times only."""
    domains: dict[str, tuple[Domain, str]] = {
        "2048^2 box": (Box([(0.0, 1.0)] * 2, (2048, 2048)), "two_point"),
        "192^3 box": (Box([(0.0, 1.0)] * 3, (192, 192, 192)), "two_point"),
        "sphere of 163842": (Sphere(163842), "two_point"),
        "sphere of 163842, midpoint velocities": (Sphere(163842), "midpoint"),
    }
    pairs, repetitions = (3, 3) if setting.quick else (7, 15)
    for name, (domain, velocity) in domains.items():
        cells = int(np.prod(domain.shape))
        found = paired_seconds(euler_stage(domain, velocity), triad(cells), pairs, repetitions)
        cost = f"{1e9 * np.median(found[:, 0]) / cells:.2f} ns per cell"
        yield ratio_row(f"a second-order stage, {name}: over a triad", found, cost).quote()
    yield from against_gathering(pairs, repetitions)
    yield from grids_of_spheres(LEVELS[:2] if setting.quick else LEVELS, pairs, repetitions)


def against_gathering(pairs: int, repetitions: int) -> Iterator[Row]:
    """The stage that gathers neighbours over the one in diamonds, in one run."""
    sphere = Sphere(163842)
    gathering = stage_of(sphere, SurfaceScheme(sphere, 1.0, 0.0, BARTH_JESPERSEN))
    found = paired_seconds(gathering, euler_stage(sphere, "two_point"), pairs, repetitions)
    costs = " and ".join(f"{1e9 * seconds / sphere.cells:.2f}" for seconds in np.median(found, axis=0))
    what = "a second-order stage that gathers neighbours, sphere of 163842: over one in diamonds"
    yield ratio_row(what, found, f"{costs} ns per cell").quote()


def grids_of_spheres(levels: tuple[int, ...], pairs: int, repetitions: int) -> Iterator[Row]:
    """Nanoseconds of a stage, and bytes that the mesh and the scheme keep, for each cell."""
    for cells in levels:
        sphere = Sphere(cells)
        before = time.perf_counter()
        mesh = sphere.mesh
        seconds = time.perf_counter() - before
        scheme = make_space_scheme(sphere, transport=1.0, reaction=0.0, order=2)
        found = paired_seconds(stage_of(sphere, scheme), triad(cells), pairs, repetitions)
        kept = (bytes_of(vars(mesh).values()) + bytes_of(vars(scheme).values())) / cells
        cost = f"{kept:.0f} bytes per cell; mesh in {seconds:.1f} s"
        yield measured(f"a second-order stage, sphere of {cells}, ns per cell", 1e9 * found[:, 0].min() / cells, cost)


def bytes_of(values: Iterable[object]) -> int:
    """Bytes of the arrays among some values, and in tuples of them."""
    total = 0
    for value in values:
        if isinstance(value, tuple):
            total += bytes_of(value)
        elif isinstance(value, np.ndarray):
            total += value.nbytes
    return total
