"""Cost of the interactions of particles in the plane, value and gradient, over that of a plain NumPy loop.

The loop takes the pairs of one particle after the other with a Gaussian. Costs are per ordered pair of N particles, N^2
of them. Threads are pinned to cores if the command begins with ``OMP_PROC_BIND=true OMP_PLACES=threads``; seconds of
all threads over those of the clock say whether they had cores of their own. Costs on one thread are its own seconds,
which others on the machine do not lengthen much. Where KeOps is installed (``pip install pykeops``; it needs a C++
compiler) it runs beside, on one thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import numba
import numpy as np

from wgflow import (
    CompiledKernel,
    ExponentialKernel,
    GaussianKernel,
    Interaction,
    KernelDiscrepancy,
    Particles,
    PowerKernel,
    Space,
    ZonalInteraction,
    simulate,
)
from wgflow.app.validation import Row, Setting, within
from wgflow.functionals import Functional
from wgflow.functionals.convolution import ScalarFunction
from wgflow.networks.arc_cosine import PairSums
from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray

from ._timing import paired_seconds, ratio_row

COUNT, QUICK_COUNT, SLOW_COUNT = 3000, 600, 600
SAMPLES, QUICK_SAMPLES, DISCREPANCY_END, MOST_SECONDS = 200, 50, 20.0, 2.0
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
    "periodic Gaussian": Interaction(GaussianKernel(1.0, WIDTH), [3.0, 3.0]),
    "Gaussian of chords": GaussianKernel(1.0, WIDTH).zonal(),
    "own Gaussian, compiled": Interaction(CompiledKernel(own_gaussian)),
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


def differenced_loop(particles: Particles) -> Callable[[], object]:
    """The plain loop without a gradient: differences of the fourth order along both axes."""
    points, weights = particles.points, particles.weights
    step = 1e-3

    def loop() -> FloatArray:
        found = np.empty((len(points), 3))
        for row, point in enumerate(points):
            found[row, 0] = weights @ gaussian(point - points)
            for axis, way in enumerate(step * np.eye(2)):
                near = gaussian(point + way - points) - gaussian(point - way - points)
                far = gaussian(point + 2.0 * way - points) - gaussian(point - 2.0 * way - points)
                found[row, 1 + axis] = weights @ (8.0 * near - far) / (12.0 * step)
        return found

    return loop


def keops(particles: Particles) -> Callable[[], object]:
    """The same Gaussian by KeOps, its values used for the gradient too."""
    from pykeops.numpy import Genred

    exponential = "Exp(-G * SqDist(X, Y)) * B"
    formula = f"Concat({exponential}, (X - Y) * ({exponential}))"
    summed = Genred(formula, ["G = Pm(1)", "X = Vi(2)", "Y = Vj(2)", "B = Vj(1)"], reduction_op="Sum", axis=1)
    rate, points, weights = np.array([0.5 / WIDTH**2]), particles.points, particles.weights[:, None]
    return lambda: summed(rate, points, points, weights, backend="CPU")


def processor_seconds(call: Callable[[], object], repetitions: int) -> float:
    """Least seconds of all threads together for a call, after one that warms up."""
    call()
    found = []
    for _ in range(repetitions):
        started = time.process_time()
        call()
        found.append(time.process_time() - started)
    return min(found)


def core_row(what: str, functional: Functional, other: str, count: int, repetitions: int) -> Row:
    """Ratio of the seconds of one core that an evaluation and something else take."""
    particles = circle_of(count)
    calls = partial(functional.at_particles, particles), OTHERS[other](particles)
    pairs = np.array([[processor_seconds(call, repetitions) for call in calls] for _ in range(3)])
    own, beside = (1e9 * seconds / count**2 for seconds in pairs.min(axis=0).tolist())
    costs = f"{own:.3g} ns a pair and core, {1.0 / own:.2f}e9 pairs a second; {other} {beside:.3g}"
    return ratio_row(f"{what}, N = {count}: over {other}", pairs, costs)


def thread_row(what: str, functional: Functional, count: int, repetitions: int) -> Row:
    """Ratio of the time that an evaluation takes on all threads to that on one."""
    evaluate = partial(functional.at_particles, circle_of(count))

    def on(threads: int) -> Callable[[], object]:
        def call() -> object:
            numba.set_num_threads(threads)
            return evaluate()

        return call

    most = thread_count()
    pairs = paired_seconds(on(most), on(1), 3, repetitions)
    on(most)()
    started, used = time.perf_counter(), time.process_time()
    evaluate()
    share = (time.process_time() - used) / (time.perf_counter() - started)
    cost = 1e9 * float(pairs[:, 0].min()) / count**2
    return ratio_row(f"{what}, {most} threads over one", pairs, f"{cost:.3g} ns a pair; CPU over clock {share:.2f}")


def arc_cosine_row(inputs: int, count: int) -> Row:
    """Sums of the arc-cosine kernel with gradients over the two products of matrices that they need at least."""
    vectors, masses = np.random.default_rng(0).normal(size=(count, inputs)), np.ones(count)
    sums, weights = PairSums(vectors, vectors), np.ones((count, count))

    def products() -> None:
        np.matmul(weights, vectors), np.matmul(vectors, vectors.T)

    calls = partial(sums.with_gradient, masses), products
    pairs = np.array([[processor_seconds(call, 3) for call in calls] for _ in range(3)])
    own, beside = (1e9 * pairs.min(axis=0) / count**2).tolist()
    what = f"arc-cosine kernel with gradient, {inputs} inputs, N = {count}: over its products by BLAS"
    return ratio_row(what, pairs, f"{own:.3g} ns a pair; two products {beside:.3g}")


def discrepancy_row(name: str, kernel: ScalarFunction, count: int) -> Row:
    """Seconds, of the processor on one thread, to bring particles to as many samples in the plane until t = 20."""
    generator = np.random.default_rng(0)
    weights = np.full(count, 1.0 / count)
    samples = Particles(generator.normal((1.0, 0.0), (1.0, 0.5), (count, 2)), weights)
    start = Particles(0.3 * generator.normal(size=(count, 2)), weights)
    discrepancy = KernelDiscrepancy(Interaction(kernel), samples)
    discrepancy.at_particles(start)  # compiled
    started = time.process_time()
    found = simulate(discrepancy, start, DISCREPANCY_END, domain=Space(2))
    used = time.process_time() - started
    distances = np.linalg.norm(found.position[-1][:, None] - samples.points, axis=-1)
    rest, share = int((distances == 0.0).any(axis=1).sum()), found.energy[-1] / found.energy[0]
    what = f"{count} particles to {count} samples until t = {DISCREPANCY_END:g}, {name}: seconds"
    return within(what, used, MOST_SECONDS, f"F at the end over that at the start {share:.3g}; {rest} at rest")


OTHERS: dict[str, Callable[[Particles], Callable[[], object]]] = {
    "a NumPy loop": numpy_loop,
    "a loop of differences": differenced_loop,
    "KeOps": keops,
}


def validate(setting: Setting) -> Iterator[Row]:
    """Time all kernels on one and on all threads; quick, few particles."""
    count, repetitions = (QUICK_COUNT, 3) if setting.quick else (COUNT, 15)
    most = thread_count()
    numba.set_num_threads(1)
    for name, functional in COMPILED.items():
        row = core_row(name, functional, "a NumPy loop", count, repetitions)
        yield row.quote() if name == "Gaussian" else row
    if find_spec("pykeops") is not None:
        yield core_row("Gaussian", COMPILED["Gaussian"], "KeOps", count, repetitions)
    with_gradient, without = Interaction(gaussian, gradient=slope), Interaction(gaussian)
    yield core_row("NumPy Gaussian with gradient", with_gradient, "a NumPy loop", SLOW_COUNT, 3)
    yield core_row("NumPy Gaussian, differenced", without, "a NumPy loop", SLOW_COUNT, 3)
    yield core_row("NumPy Gaussian, differenced", without, "a loop of differences", SLOW_COUNT, 3)
    for name, kernel in {"Gauss": GaussianKernel(1.0, WIDTH), "energy distance": PowerKernel(1.0, -1.0)}.items():
        yield discrepancy_row(name, kernel, QUICK_SAMPLES if setting.quick else SAMPLES)
    for inputs in (3, 20, 100):
        yield arc_cosine_row(inputs, count // 2)
    numba.set_num_threads(most)
    for name in ("Gaussian", "own Gaussian, compiled"):
        yield thread_row(name, COMPILED[name], count, repetitions)
    numba.set_num_threads(most)
