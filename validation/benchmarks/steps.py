"""Cost of whole explicit steps on 512^2 in units of their bare stages, and of a unit of time over that of former steps.

A bare stage reads density, potential and start, and writes the result. A step also evaluates F, bounds itself by the
rules P and E, finds its error, whether F has fallen, and the numbers of its row in a trajectory. Steps and stages take
turns; each step of a cycle of eight, one of which refines the bound E, counts with its shortest time: on one thread
that of the processor, on several that of the clock. Threads are pinned to cores if the command begins with
``OMP_PROC_BIND=true OMP_PLACES=threads``; seconds of the processor over those of the clock say whether they had cores
of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numba
import numpy as np

from wgflow import Box, Features, Potential, Quadratic
from wgflow.app.validation import Row, Setting, measured
from wgflow.finite_volume.explicit import POSITIVITY_SAFETY, REFINE_EVERY, ExplicitFiniteVolume
from wgflow.finite_volume.runge_kutta import SSPRK2, SSPRK3, SSPRK43, RungeKutta
from wgflow.finite_volume.stiffness import StiffnessEstimate
from wgflow.flows.evolution import GridScalars, StepCounts
from wgflow.functionals import Functional
from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import make_space_scheme

CELLS, QUICK_CELLS = 512, 64
CYCLES, QUICK_CYCLES = 12, 2

# What moves the density, and the most that a step may cost.
FUNCTIONALS: dict[str, tuple[Functional, float]] = {
    "a potential": (Potential(lambda x: 0.5 * (x**2).sum(axis=-1)), 1.5),
    "one feature": (Features(lambda x: (x**2).sum(axis=-1, keepdims=True), np.array([2.0])), 2.0),
    "quadratic features": (Quadratic(np.array([[0.64, 0.28], [0.28, 0.31]])), 2.0),
}


def narrow_gaussian(box: Box) -> FloatArray:
    """Density of mass 1 that is not zero anywhere."""
    density = np.exp(-(box.points**2).sum(axis=-1) / 0.6) + 1e-3
    return np.asarray(density / (density * box.volumes).sum())


class FormerSteps:
    """Steps of SSPRK3 as in 0.1.0, with the stages of now: by the rules P and E, with no estimate of the error."""

    def __init__(self, functional: Functional, box: Box) -> None:
        self._functional = functional.on_grid(box)
        self._scheme = make_space_scheme(box, transport=1.0, reaction=0.0, order=2)
        self._stiffness = StiffnessEstimate(self._functional, self._scheme)
        self._scalars, self.time, self.counts = GridScalars(self._functional), 0.0, StepCounts()
        self._density = narrow_gaussian(box)
        self._results, self._potential = [np.empty(box.shape) for _ in range(3)], np.empty(box.shape)
        self._energy = self._functional.evaluate(self._density, self._potential)

    def step(self) -> None:
        """Do one."""
        if self.counts.accepted == 0:
            self._stiffness.restart(self._density, self._potential)
        elif self.counts.accepted % REFINE_EVERY == 0:
            self._stiffness.refine(self._density)
        size = min(
            POSITIVITY_SAFETY / self._scheme.loss_rate(self._potential), 1.0 / max(self._stiffness.largest, 1e-300)
        )
        density = self._density
        for index, weights in enumerate(SSPRK3.stages):
            if index > 0:
                self._scheme.loss_rate(self._potential)
            result = self._results[index]
            self._scheme.euler_stage(density, self._potential, self._density, weights, size, result)
            self._energy, density = self._functional.evaluate(result, self._potential), result
        self._density, self._results[2] = density, self._density
        self.time, self.counts.accepted = self.time + size, self.counts.accepted + 1

    def scalars(self) -> object:
        """Numbers of the row of a step."""
        return self._scalars(self._density, self._potential, self._energy)


def bare_stages(box: Box, method: RungeKutta) -> Callable[[], object]:
    """The stages of a step alone, to be done again and again."""
    density, others = narrow_gaussian(box), [np.empty(box.shape) for _ in range(2)]
    potential = 0.5 * (box.points**2).sum(axis=-1)
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
    """A call that is timed in cycles of eight: of each call in a cycle the shortest duration counts.

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
        for _ in range(REFINE_EVERY):
            started = clock()
            self._call()
            durations.append(clock() - started)
        return durations


def rows_of(name: str, threads: int, cells: int, cycles: int) -> Iterator[Row]:
    """Costs of the steps of a functional, and of a unit of time."""
    numba.set_num_threads(threads)
    functional, most = FUNCTIONALS[name]
    box = Box([(-4.5, 4.5)] * 2, (cells, cells))
    ours = {
        method: ExplicitFiniteVolume(functional.on_grid(box), narrow_gaussian(box), stepper=method.name)
        for method in (SSPRK2, SSPRK43)
    }
    former = FormerSteps(functional, box)
    steps, last = {method: Timed(step_of(evolution)) for method, evolution in ours.items()}, Timed(step_of(former))
    stages = {method: Timed(bare_stages(box, method)) for method in ours}
    before = [(evolution.time, evolution.counts.rejected) for evolution in (former, ours[SSPRK43])]
    started, used = time.perf_counter(), time.process_time()
    for _ in range(cycles):
        for timed in (*steps.values(), last, *stages.values()):
            timed.go_on()
    share = (time.process_time() - used) / (time.perf_counter() - started)
    for method, timed in stages.items():
        stage = timed.seconds / len(method.stages)
        cost, what = steps[method].seconds / timed.seconds, f"{name}, {method.name}, {threads} threads"
        beside = f"a stage {1e9 * stage / cells**2:.2f} ns a cell; CPU over clock {share:.2f}"
        told = measured(f"{what}: a step over its stages", cost, beside).quote()
        yield told if cells < CELLS else replace(told, asked=f"<= {most:g}", passed=cost <= most)
    units = []
    evolutions: list[tuple[ExplicitFiniteVolume | FormerSteps, Timed]] = [
        (former, last),
        (ours[SSPRK43], steps[SSPRK43]),
    ]
    for (evolution, timed), (begun, rejected) in zip(evolutions, before, strict=True):
        tried = cycles * REFINE_EVERY + evolution.counts.rejected - rejected
        units.append(timed.seconds * tried / (evolution.time - begun))
    yield measured(f"{name}, {threads} threads: a unit of time by former steps over ssprk43", units[0] / units[1])


def validate(setting: Setting) -> Iterator[Row]:
    """Time steps on one and on all threads; quick, few steps on a coarse grid, of which nothing is asked."""
    cells, cycles = (QUICK_CELLS, QUICK_CYCLES) if setting.quick else (CELLS, CYCLES)
    for threads in sorted({1, thread_count()}):
        for name in FUNCTIONALS:
            yield from rows_of(name, threads, cells, cycles)
