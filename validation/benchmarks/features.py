"""Cost of ReLU features of data on grids in tiles of cells, beside that of their stored matrix, in turns.

A cost is that of the moments and the potential together, over the pairs of a cell and a data point. A step is one of
SSP(4,3) with all that belongs to it, by both ways on the same start. Threads are pinned to cores if the command begins
with ``OMP_PROC_BIND=true OMP_PLACES=threads``; seconds of all threads over those of the clock say whether they had
cores of their own: where they had not, the costs on one thread are to be trusted, and no others.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator

import numba
import numpy as np

from wgflow import Box, Circle, Features, Relu, Sphere
from wgflow.app.validation import Row, Setting, measured, within
from wgflow.domains import Domain
from wgflow.finite_volume.explicit import ExplicitFiniteVolume
from wgflow.functionals.dense import DenseMoments
from wgflow.functionals.moments import Moments
from wgflow.networks.product_moments import WeightBox
from wgflow.networks.relu_tiles import TiledRelu
from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray

from ._timing import cores_used, paired_seconds, ratio_row

DATA, MOST = 100, 0.1  # data, and nanoseconds for each pair of them and a cell on two threads
SMOOTHING = 0.1
PAIRS, REPETITIONS, QUICK_REPETITIONS = 5, 25, 2
STEPS = 8

GRIDS: dict[str, tuple[Domain, float]] = {
    "S^2, 10 242 cells": (Sphere(10242), 0.0),
    "S^2, 40 962 cells": (Sphere(40962), 0.0),
    "S^2, 10 242 cells, rounded": (Sphere(10242), SMOOTHING),
    "circle, 10 000 cells, rounded": (Circle(10000), SMOOTHING),
    "plane of input weights, 128^2": (WeightBox([(-1.0, 1.0)] * 2, (128, 128)), 0.0),
    "plane, 128^2": (Box([(-1.0, 1.0)] * 2, (128, 128)), 0.0),
    "space, 32^3": (Box([(-1.0, 1.0)] * 3, (32, 32, 32)), 0.0),
}
QUICK_GRIDS = {"S^2, 2562 cells": (Sphere(2562), 0.0)}
FEW = (12, 24, 48)  # data, around the break-even
SMALL = (642, 2562, 10242)  # cells


def data_on(domain: Domain, count: int) -> FloatArray:
    """Data in general position, with a bias."""
    inputs = np.random.default_rng(0).normal(size=(count, domain.points.shape[-1]))
    inputs[:, -1] = 1.0
    return inputs


def both_ways(relu: Relu, domain: Domain) -> tuple[Moments, Moments]:
    """Sums with a stored matrix, and in tiles."""
    points = domain.points.reshape(math.prod(domain.shape), -1)
    width = relu.smoothing * np.linalg.norm(relu.inputs, axis=1)
    return DenseMoments(relu(points), domain.base.partition), TiledRelu(domain, relu.inputs, width)


def evaluation(sums: Moments, domain: Domain, count: int) -> Callable[[], tuple[FloatArray, FloatArray]]:
    """Moments of masses and the potential of coefficients, ready to be found again and again."""
    generator, cells = np.random.default_rng(1), math.prod(domain.shape)
    mass, coefficients = generator.random(cells) / cells, generator.normal(size=count) / count
    potential = np.empty(cells)

    def evaluate() -> tuple[FloatArray, FloatArray]:
        moments = sums.moments(mass)
        sums.potential(coefficients, potential)
        return moments, potential

    return evaluate


def rows_of(name: str, domain: Domain, smoothing: float, threads: int, repetitions: int) -> Iterator[Row]:
    """Costs of both ways, and how far they are apart."""
    numba.set_num_threads(threads)
    matrix, tiles = (
        evaluation(sums, domain, DATA) for sums in both_ways(Relu(data_on(domain, DATA), smoothing), domain)
    )
    pairs = paired_seconds(matrix, tiles, PAIRS, repetitions)
    before, now = (1e9 * pairs.min(axis=0) / (math.prod(domain.shape) * DATA)).tolist()
    beside = f"{now:.3f} ns a pair, with the matrix {before:.3f}; CPU over clock {cores_used(tiles, repetitions):.2f}"
    what = f"{name}, {DATA} data, {threads} threads"
    yield ratio_row(f"{what}: matrix over tiles", pairs, beside).quote()
    if threads == 2 and name in GRIDS and name.startswith("S^2") and smoothing == 0.0:
        yield within(f"{what}: ns for a cell and a data point", now, MOST).quote()
    apart = [abs(mine - theirs).max() / abs(theirs).max() for mine, theirs in zip(tiles(), matrix(), strict=True)]
    yield measured(f"{what}: largest difference, relative", float(max(apart)))


def break_even(repetitions: int) -> Iterator[Row]:
    """The matrix over tiles where both are about as fast, on one thread."""
    numba.set_num_threads(1)
    for cells, count in itertools.product(SMALL, FEW):
        domain = Sphere(cells)
        relu = Relu(data_on(domain, count))
        matrix, tiles = (evaluation(sums, domain, count) for sums in both_ways(relu, domain))
        chosen = "tiles" if relu.in_tiles(cells, math.inf) else "the matrix"
        pairs = paired_seconds(matrix, tiles, 3, repetitions)
        yield ratio_row(f"S^2, {cells} cells, {count} data, 1 thread: matrix over tiles", pairs, f"chosen: {chosen}")


def run_of_steps(domain: Domain, relu: Relu, *, stored: bool) -> Callable[[], None]:
    """Some steps of a flow, with features that are stored as those of any function are, or not."""
    targets = np.sign(relu.inputs[:, 0])
    risk = Features((lambda points: relu(points)) if stored else relu, targets)
    bound, start = risk.on_grid(domain), np.full(domain.shape, 1.0 / (4.0 * np.pi * domain.sheets))
    evolution = ExplicitFiniteVolume(bound, start)

    def steps() -> None:
        for _ in range(STEPS):
            evolution.step()

    return steps


def seconds_of(steps: Callable[[], None]) -> float:
    """Duration of some steps: of the processor on one thread, which other processes hardly change."""
    clock = time.process_time if numba.get_num_threads() == 1 else time.perf_counter
    started = clock()
    steps()
    return clock() - started


def rows_of_steps(cells: int, threads: int, repetitions: int) -> Iterator[Row]:
    """Cost of steps on the sphere."""
    numba.set_num_threads(threads)
    domain = Sphere(cells)
    relu = Relu(data_on(domain, DATA))
    matrix, tiles = (run_of_steps(domain, relu, stored=stored) for stored in (True, False))
    matrix(), tiles()
    pairs = np.array([(seconds_of(matrix), seconds_of(tiles)) for _ in range(max(repetitions // 4, 1))])
    before, now = (1e3 * pairs.min(axis=0) / STEPS).tolist()
    beside = f"{now:.3f} ms a step, with the matrix {before:.3f}; CPU over clock {cores_used(tiles, 1):.2f}"
    yield ratio_row(f"step on S^2, {cells} cells, {DATA} data, {threads} threads: matrix over tiles", pairs, beside)


def validate(setting: Setting) -> Iterator[Row]:
    """Time both ways on one and on all threads; quick, on a small sphere."""
    repetitions, most = QUICK_REPETITIONS if setting.quick else REPETITIONS, thread_count()
    for threads in sorted({1, most}):
        for name, (domain, smoothing) in (QUICK_GRIDS if setting.quick else GRIDS).items():
            yield from rows_of(name, domain, smoothing, threads, repetitions)
        for cells in SMALL[:1] if setting.quick else (10242, 40962):
            yield from rows_of_steps(cells, threads, repetitions)
    if not setting.quick:
        yield from break_even(repetitions)
    numba.set_num_threads(most)
