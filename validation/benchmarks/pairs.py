"""Cost of the interactions of particles in the plane, value and gradient, over that of a plain NumPy loop.

The loop takes the pairs of one particle after the other with a Gaussian. Costs are per ordered pair of N particles, N^2
of them. Threads are pinned to cores if the command begins with ``OMP_PROC_BIND=true OMP_PLACES=threads``; seconds of
all threads over those of the clock say whether they had cores of their own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial

import numba
import numpy as np

from wgflow import (
    CompiledKernel,
    ExponentialKernel,
    GaussianKernel,
    Interaction,
    Particles,
    PowerKernel,
    ZonalInteraction,
)
from wgflow.app.validation import Row, Setting
from wgflow.functionals import Functional
from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray

from ._timing import paired_seconds, ratio_row

COUNT, QUICK_COUNT, SLOW_COUNT = 3000, 600, 600
WIDTH = 0.7


def own_gaussian(square: float) -> tuple[float, float]:
    """A Gaussian as users write it."""
    value = math.exp(-0.5 * square / WIDTH**2)
    return value, -0.5 * value / WIDTH**2


def gaussian(displacements: FloatArray) -> FloatArray:
    """The same for arrays."""
    return np.asarray(np.exp(-0.5 * (displacements**2).sum(axis=-1) / WIDTH**2))


def slope(displacements: FloatArray) -> FloatArray:
    """Its gradient."""
    return -displacements * gaussian(displacements)[:, None] / WIDTH**2


COMPILED: dict[str, Functional] = {
    "Gaussian": Interaction(GaussianKernel(1.0, WIDTH)),
    "energy distance": Interaction(PowerKernel(1.0, -1.0)),
    "fourth power": Interaction(PowerKernel(4.0)),
    "power 1.5": Interaction(PowerKernel(1.5)),
    "log": Interaction(PowerKernel(0.0, 1.0, 0.1)),
    "exp(beta x.y)": ZonalInteraction(ExponentialKernel(2.0)),
}
OTHERS: dict[str, Functional] = {
    "own Gaussian, compiled": Interaction(CompiledKernel(own_gaussian)),
    "NumPy Gaussian with gradient": Interaction(gaussian, gradient=slope),
}


def circle_of(count: int) -> Particles:
    """Particles on the unit circle, which all the kernels take."""
    angles = np.random.default_rng(0).uniform(0.0, 2.0 * np.pi, count)
    return Particles(np.stack([np.cos(angles), np.sin(angles)], axis=1), np.full(count, 1.0 / count))


def numpy_loop(particles: Particles) -> Callable[[], object]:
    """The plain loop, ready to be called again and again."""
    points, weights = particles.points, particles.weights

    def loop() -> FloatArray:
        found = np.empty((len(points), 3))
        for row, point in enumerate(points):
            steps = point - points
            values = weights * np.exp(-0.5 * (steps**2).sum(axis=1) / WIDTH**2)
            found[row, 0], found[row, 1:] = values.sum(), values @ steps / -(WIDTH**2)
        return found

    return loop


def row_of(what: str, functional: Functional, count: int, repetitions: int) -> Row:
    """Ratio of an evaluation to the loop."""
    particles = circle_of(count)
    evaluate = partial(functional.at_particles, particles)
    pairs = paired_seconds(evaluate, numpy_loop(particles), 3, repetitions)
    own, loop = (1e9 * seconds / count**2 for seconds in pairs.min(axis=0).tolist())
    started, used = time.perf_counter(), time.process_time()
    evaluate()
    share = (time.process_time() - used) / (time.perf_counter() - started)
    beside = f"{own:.3g} ns a pair, the loop {loop:.3g}; CPU over clock {share:.2f}"
    return ratio_row(f"{what}, N = {count}: over a NumPy loop", pairs, beside)


def validate(setting: Setting) -> Iterator[Row]:
    """Time all kernels on one and on all threads; quick, few particles."""
    count, repetitions = (QUICK_COUNT, 3) if setting.quick else (COUNT, 5)
    most = thread_count()
    for name, functional in COMPILED.items():
        for threads in sorted({1, most}):
            numba.set_num_threads(threads)
            row = row_of(f"{name}, {threads} threads", functional, count, repetitions)
            yield row.quote() if name == "Gaussian" else row
    for name, functional in OTHERS.items():
        yield row_of(name, functional, count, repetitions)
    yield row_of("NumPy Gaussian, differenced", Interaction(gaussian), SLOW_COUNT, 3)
