"""Cost of whole explicit steps on 512^2 in units of their bare stages, and of a unit of time over that of version 0.1.

A bare stage reads density, potential and start, and writes the result. A step also evaluates F, bounds itself by the
rules P and E, finds its error, whether F has fallen, and the numbers of its row in a trajectory. Steps and stages take
turns; each step of a cycle counts with its shortest time: on one thread that of the processor, on several that of the
clock. Cycles are as long as from one refinement of the bound E to the next. A unit of time is as many steps as a run
from t = 0 to 1 takes, those tried in vain included; the errors that both leave are told. Threads are pinned to cores if
the command begins with ``OMP_PROC_BIND=true OMP_PLACES=threads``; seconds of the processor over those of the clock say
whether they had cores of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numba
import numpy as np

from wgflow import Box, Features, Potential, Quadratic
from wgflow.app.validation import Row, Setting, measured
from wgflow.finite_volume.explicit import EXPLICIT_TOLERANCE, REFINE_FAR_EVERY, ExplicitFiniteVolume
from wgflow.finite_volume.runge_kutta import SSPRK2, SSPRK43, RungeKutta
from wgflow.functionals import Functional
from wgflow.functionals.losses import HALF_SQUARED_NORM
from wgflow.reductions.aligned import aligned, aligned_empty
from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import make_space_scheme

from ._former_steps import FormerSteps

CELLS, QUICK_CELLS = 512, 64
CYCLES, QUICK_CYCLES = 4, 1
CYCLE = REFINE_FAR_EVERY
UNIT, QUICK_UNIT = 1.0, 0.05
ERROR_CELLS, EXACT = 128, 1e-6  # along each axis of the grid on which errors are found, and the tolerance against them

LEAST_GAIN = 2.5  # of a unit of time
COVARIANCE = np.array([[0.64, 0.28], [0.28, 0.31]])


class Case(NamedTuple):
    """What moves the density, the same for the former steps, and the most that a step may cost."""

    functional: Functional
    former: Functional
    most: float


BOWL = Potential(lambda x: 0.5 * (x**2).sum(axis=-1))
FEATURE = Features(lambda x: (x**2).sum(axis=-1, keepdims=True), np.array([2.0]))
MATRIX = Features(lambda x: (x[:, :, None] * x[:, None]).reshape(-1, 4), COVARIANCE.ravel(), HALF_SQUARED_NORM)
CASES = {
    "a potential": Case(BOWL, BOWL, 1.5),
    "one feature": Case(FEATURE, FEATURE, 2.0),
    "quadratic features": Case(Quadratic(COVARIANCE), MATRIX, 2.0),
}


def narrow_gaussian(box: Box) -> FloatArray:
    """Density of mass 1 that is not zero anywhere."""
    density = np.exp(-(box.points**2).sum(axis=-1) / 0.6) + 1e-3
    return np.asarray(density / (density * box.volumes).sum())


def bare_stages(box: Box, method: RungeKutta) -> Callable[[], object]:
    """The stages of a step alone, to be done again and again."""
    density, potential = aligned(narrow_gaussian(box)), aligned(0.5 * (box.points**2).sum(axis=-1))
    others = [aligned_empty(box.shape) for _ in range(2)]
    scheme = make_space_scheme(box, transport=1.0, reaction=0.0, order=2)
    size = 0.5 / scheme.loss_rate(potential)

    def stages() -> None:
        here = density
        for index, weights in enumerate(method.stages):
            scheme.euler_stage(here, potential, density, weights, size, others[index % 2])
            here = others[index % 2]

    return stages


def step_of(evolution: ExplicitFiniteVolume | FormerSteps) -> Callable[[], object]:
    """A step with its row, to be done again and again."""

    def step_and_row() -> None:
        evolution.step()
        evolution.scalars()

    return step_and_row


class Timed:
    """A call that is timed in cycles: of each call in a cycle the shortest duration counts.

    On one thread it is that of the processor, which other processes hardly change. The first cycle, which compiles,
    does not count.
    """

    def __init__(self, call: Callable[[], object]) -> None:
        self._call, self._durations = call, list[list[float]]()
        self._cycle()

    def go_on(self) -> None:
        """Do another cycle."""
        self._durations.append(self._cycle())

    @property
    def seconds(self) -> float:
        """Mean over a cycle of the shortest durations."""
        return float(np.min(self._durations, axis=0).mean())

    def _cycle(self) -> list[float]:
        clock = time.process_time if numba.get_num_threads() == 1 else time.perf_counter
        durations = []
        for _ in range(CYCLE):
            started = clock()
            self._call()
            durations.append(clock() - started)
        return durations


@cache
def steps_of_a_unit(name: str, cells: int, unit: float) -> tuple[int, int]:
    """Number of former steps, and of ours of ssprk43 that are tried, from 0 to a time."""
    former, ours = steps_on(name, cells, SSPRK43)
    while former.time < unit:
        former.step()
    ours.begin_interval(unit)
    while ours.time < unit:
        ours.step()
    return former.counts.accepted, ours.counts.accepted + ours.counts.rejected


def errors_in_time(name: str, cells: int, unit: float) -> tuple[float, float]:
    """Errors over the mass, in L1, of former steps and of ours after the time, against those of a small tolerance."""
    former, ours = steps_on(name, cells, SSPRK43)
    exact = steps_on(name, cells, SSPRK43, EXACT)[1]
    while former.time < unit:
        former.step()
    for evolution in (ours, exact):
        evolution.begin_interval(former.time)
        while evolution.time < former.time:
            evolution.step()
    first, second = (abs(steps.density - exact.density).sum() / exact.density.sum() for steps in (former, ours))
    return float(first), float(second)


def steps_on(
    name: str, cells: int, method: RungeKutta, tolerance: float = EXPLICIT_TOLERANCE
) -> tuple[FormerSteps, ExplicitFiniteVolume]:
    """Former steps and ours, at the start."""
    box = Box([(-4.5, 4.5)] * 2, (cells, cells))
    density, case = narrow_gaussian(box), CASES[name]
    ours = ExplicitFiniteVolume(case.functional.on_grid(box), density, stepper=method.name, tolerance=tolerance)
    return FormerSteps(case.former, box, density), ours


def rows_of(name: str, threads: int, cells: int, cycles: int, unit: float) -> Iterator[Row]:
    """Costs of the steps of a functional, and of a unit of time."""
    numba.set_num_threads(threads)
    most, box = CASES[name].most, Box([(-4.5, 4.5)] * 2, (cells, cells))
    steps = {method: Timed(step_of(steps_on(name, cells, method)[1])) for method in (SSPRK2, SSPRK43)}
    former = Timed(step_of(steps_on(name, cells, SSPRK43)[0]))
    stages = {method: Timed(bare_stages(box, method)) for method in steps}
    started, used = time.perf_counter(), time.process_time()
    for _ in range(cycles):
        for timed in (*steps.values(), former, *stages.values()):
            timed.go_on()
    share = (time.process_time() - used) / (time.perf_counter() - started)
    for method, timed in stages.items():
        stage = timed.seconds / len(method.stages)
        cost, what = steps[method].seconds / timed.seconds, f"{name}, {method.name}, {threads} threads"
        beside = f"a stage {1e9 * stage / cells**2:.2f} ns a cell; CPU over clock {share:.2f}"
        yield asked(measured(f"{what}: a step over its stages", cost, beside).quote(), cells, at_most=most)
    counts = steps_of_a_unit(name, cells, unit)
    ratio = counts[0] * former.seconds / (counts[1] * steps[SSPRK43].seconds)
    beside = f"{counts[0]} of {1e3 * former.seconds:.2f} ms over {counts[1]} of {1e3 * steps[SSPRK43].seconds:.2f} ms"
    row = measured(f"{name}, {threads} threads: {unit:g} of time by steps of 0.1 over ssprk43", ratio, beside)
    yield asked(row, cells, at_least=LEAST_GAIN)


def asked(row: Row, cells: int, *, at_most: float = np.inf, at_least: float = 0.0) -> Row:
    """The row with what is asked of it on the fine grid."""
    if cells < CELLS:
        return row
    limit = f">= {at_least:g}" if at_least > 0.0 else f"<= {at_most:g}"
    return replace(row, asked=limit, passed=at_least <= float(row.value) <= at_most)


def validate(setting: Setting) -> Iterator[Row]:
    """Time steps on one and on all threads; quick, few steps on a coarse grid, of which nothing is asked."""
    cells, cycles = (QUICK_CELLS, QUICK_CYCLES) if setting.quick else (CELLS, CYCLES)
    unit = QUICK_UNIT if setting.quick else UNIT
    for threads in sorted({1, thread_count()}):
        for name in CASES:
            yield from rows_of(name, threads, cells, cycles, unit)
    for name in CASES:
        coarse = min(cells, ERROR_CELLS)
        former, ours = errors_in_time(name, coarse, unit)
        what = f"{name}, {coarse}^2: error in time over the mass at t = {unit:g}"
        yield measured(what, ours, f"steps of 0.1: {former:.2g}")
