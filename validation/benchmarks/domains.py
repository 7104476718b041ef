"""Cost of second-order stages and steps on boxes and the sphere, in seconds per cell over a triad of the same size.

The triad reads two arrays and writes one, on one core. Stage and triad are measured one after the other, several times;
the ratio is the median of such pairs, with the smallest and the largest. On the sphere a stage stands beside the one of
version 0.1, which gathers the neighbours of cells that lie in rings around the first one, and a whole step beside one
on a box of as many cells with the same functional. What a stage and the memory of a cell cost is told for grids from
coarse to fine, beside a box of as many cells: few of them wait for threads to start, many for memory.
OMP_PROC_BIND=true OMP_PLACES=threads pins threads; on one (NUMBA_NUM_THREADS=1) seconds are those of the processor.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from wgflow import Box, Features, Potential, Quadratic, Sphere
from wgflow.app.validation import Row, Setting, measured, within
from wgflow.domains import Domain
from wgflow.domains.mesh import SurfaceMesh
from wgflow.domains.rings import in_rings
from wgflow.finite_volume.explicit import ExplicitFiniteVolume
from wgflow.functionals import Functional
from wgflow.reductions.aligned import aligned, aligned_empty
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.kernels.limiters import BARTH_JESPERSEN
from wgflow.upwind.scheme import SpaceScheme
from wgflow.upwind.surface import SurfaceScheme

from ._timing import paired_seconds, ratio_row
from .steps import Timed, step_of

FUNCTIONALS: dict[str, Callable[[int], Functional]] = {
    "a potential": lambda _: Potential(lambda x: x[..., 0]),
    "one feature": lambda _: Features(lambda x: x[..., :1] ** 2, np.array([0.5])),
    "quadratic features": lambda components: Quadratic(np.diag([1.0, 0.5, 0.25][:components])),
}
CYCLES = 6  # of eight steps
MOST_OF_A_BOX = 5.0  # times what a step on a box costs
MOST_NANOSECONDS = 3.0  # of a stage, for each cell
LEAST_GAIN = 6.0  # over stages that gather neighbours
LEVELS = (10_242, 40_962, 163_842, 655_362, 2_621_442)


def euler_stage(domain: Domain, velocity: str) -> Callable[[], object]:
    """One Euler stage on a rough state, to be called again and again."""
    return stage_of(domain, make_space_scheme(domain, transport=1.0, reaction=0.0, order=2, velocity=velocity))


def stage_of(domain: Domain, scheme: SpaceScheme) -> Callable[[], object]:
    """One Euler stage of a scheme on a rough state, to be called again and again."""
    generator = np.random.default_rng(0)
    density, potential = aligned(generator.random(domain.shape)), aligned(generator.random(domain.shape))
    result = aligned_empty(domain.shape)
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
    yield from against_gathering(LEVELS[0] if setting.quick else LEVELS[2], pairs, repetitions)
    yield from steps_over_those_of_boxes(LEVELS[0] if setting.quick else LEVELS[2], 2 if setting.quick else CYCLES)
    yield from grids_of_spheres(LEVELS[:2] if setting.quick else LEVELS, pairs, repetitions)


class RingSphere(Sphere):
    """A sphere with its cells in rings, as they lay in version 0.1."""

    @cached_property
    def mesh(self) -> SurfaceMesh:
        """Cells with their faces and neighbours."""
        return in_rings(super().mesh, self.level)


def against_gathering(cells: int, pairs: int, repetitions: int) -> Iterator[Row]:
    """The stage of version 0.1 over the one in diamonds, in one run; of few cells nothing is asked.

    Each pair has arrays of its own: where they lie in memory changes the ratio by a fifth.
    """
    rings, diamonds, parts = RingSphere(cells), Sphere(cells), []
    for _ in range(pairs):
        gathering = stage_of(rings, SurfaceScheme(rings, 1.0, 0.0, BARTH_JESPERSEN))
        parts.append(paired_seconds(gathering, euler_stage(diamonds, "two_point"), 1, repetitions))
    found = np.concatenate(parts)
    former, ours = 1e9 * np.median(found, axis=0) / rings.cells
    beside = f"{former:.2f} and {ours:.2f} ns per cell"
    gain = ratio_row(f"a second-order stage of version 0.1, sphere of {cells}: over one in diamonds", found, beside)
    if cells < LEVELS[2]:
        yield gain.quote()
        return
    yield replace(gain, asked=f">= {LEAST_GAIN:g}", passed=float(gain.value) >= LEAST_GAIN).quote()
    yield within(f"a second-order stage, sphere of {cells}, ns per cell", ours, MOST_NANOSECONDS).quote()


def steps_over_those_of_boxes(cells: int, cycles: int) -> Iterator[Row]:
    """A step on the sphere over one on a box with as many cells, by transport alone; of few nothing is asked."""
    side = round(math.sqrt(cells))
    domains: tuple[Domain, ...] = (Sphere(cells), Box([(-1.0, 1.0)] * 2, (side, side)))
    for name, functional in FUNCTIONALS.items():
        timed = []
        for domain in domains:
            bound = functional(domain.geometry.components).on_grid(domain)
            timed.append(Timed(step_of(ExplicitFiniteVolume(bound, wave(domain), reaction=0.0))))
        for _ in range(cycles):
            for each in timed:
                each.go_on()
        costs = [1e9 * each.seconds / cells for each in timed]
        beside = f"{costs[0]:.1f} and {costs[1]:.1f} ns per cell"
        what = f"a whole step, {name}, sphere of {cells}: over one on a {side}^2 box"
        told = measured(what, costs[0] / costs[1], beside).quote()
        yield told if cells < LEVELS[2] else within(what, costs[0] / costs[1], MOST_OF_A_BOX, beside).quote()


def wave(domain: Domain) -> FloatArray:
    """A smooth density."""
    return np.exp(0.5 * domain.points[..., 0])


def grids_of_spheres(levels: tuple[int, ...], pairs: int, repetitions: int) -> Iterator[Row]:
    """Nanoseconds of a stage on spheres and boxes, and bytes that the mesh and the scheme keep, for each cell."""
    costs = []
    for cells in levels:
        sphere, side = Sphere(cells), round(math.sqrt(cells))
        before = time.perf_counter()
        mesh = sphere.mesh
        seconds = time.perf_counter() - before
        scheme = make_space_scheme(sphere, transport=1.0, reaction=0.0, order=2)
        box = euler_stage(Box([(-1.0, 1.0)] * 2, (side, side)), "two_point")
        found = paired_seconds(stage_of(sphere, scheme), box, pairs, repetitions)
        kept = (bytes_of(vars(mesh).values()) + bytes_of(vars(scheme).values())) / cells
        costs.append(1e9 * found.min(axis=0) / cells)
        beside = f"{side}^2 box {costs[-1][1]:.2f}; {kept:.0f} bytes per cell; mesh in {seconds:.1f} s"
        yield measured(f"a second-order stage, sphere of {cells}, ns per cell", costs[-1][0], beside).quote()
    spread = np.max(costs, axis=0) / np.min(costs, axis=0)
    what = f"a second-order stage, spheres of {levels[0]} to {levels[-1]}: dearest over cheapest cell"
    yield measured(what, spread[0], f"on boxes {spread[1]:.2f}").quote()


def bytes_of(values: Iterable[object]) -> int:
    """Bytes of the arrays among some values, and in tuples of them."""
    total = 0
    for value in values:
        if isinstance(value, tuple):
            total += bytes_of(value)
        elif isinstance(value, np.ndarray):
            total += value.nbytes
    return total
