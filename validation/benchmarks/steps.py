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

import numba
import numpy as np

from wgflow import Box, Features, Potential, Quadratic
from wgflow.app.validation import Row, Setting
from wgflow.finite_volume.explicit import POSITIVITY_SAFETY, REFINE_EVERY, ExplicitFiniteVolume
from wgflow.finite_volume.runge_kutta import SSPRK3
from wgflow.finite_volume.stiffness import StiffnessEstimate
from wgflow.flows.evolution import GridScalars
from wgflow.functionals import Functional
from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import make_space_scheme

CELLS, QUICK_CELLS = 512, 64
CYCLES, QUICK_CYCLES = 12, 2

# What moves the density, and the most that a step may cost.
FUNCTIONALS: dict[str, tuple[Functional, float]] = {
    "a potential": (Potential(lambda x: 0.5 * (x**2).sum(axis=-1)), 1.5),
    "one feature": (Features(lambda x: (x**2).sum(axis=-1, keepdims=True), [2.0]), 2.0),
    "quadratic features": (Quadratic(np.array([[0.64, 0.28], [0.28, 0.31]])), 2.0),
}


def narrow_gaussian(box: Box) -> FloatArray:
    """Density of mass 1 that is not zero anywhere."""
    density = np.exp(-(box.points**2).sum(axis=-1) / 0.6) + 1e-3
    return np.asarray(density / (density * box.volumes).sum())


class FormerSteps:
    """Steps of SSPRK3 as they were in 0.1.0, with the stages of now: the bounds P and E, and no estimate of the error."""

    def __init__(self, functional: Functional, box: Box) -> None:
        self._functional, self._scheme = (
            functional.on_grid(box),
            make_space_scheme(box, transport=1.0, reaction=0.0, order=2),
        )
        self._stiffness = StiffnessEstimate(self._functional, self._scheme)
        self._scalars, self.time, self._done = GridScalars(self._functional), 0.0, 0
        self._density = narrow_gaussian(box)
        self._results, self._potential = [np.empty(box.shape) for _ in range(3)], np.empty(box.shape)
        self._energy = self._functional.evaluate(self._density, self._potential)

    def step(self) -> None:
        """Do one."""
        if self._done == 0:
            self._stiffness.restart(self._density, self._potential)
        elif self._done % REFINE_EVERY == 0:
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
        self.time, self._done = self.time + size, self._done + 1

    def scalars(self) -> object:
        """Numbers of the row of a step."""
        return self._scalars(self._density, self._potential, self._energy)


def bare_stage(box: Box) -> Callable[[], object]:
    """A stage alone, to be done again and again."""
    density, result = narrow_gaussian(box), np.empty(box.shape)
    potential = 0.5 * (box.points**2).sum(axis=-1)
    scheme = make_space_scheme(box, transport=1.0, reaction=0.0, order=2)
    step = 0.5 / scheme.loss_rate(potential)
    return lambda: scheme.euler_stage(density, potential, density, (0.5, 0.5), step, result)


def seconds_of(call: Callable[[], object]) -> float:
    """Duration of a call: of the processor on one thread, which other processes hardly change."""
    clock = time.process_time if numba.get_num_threads() == 1 else time.perf_counter
    started = clock()
    call()
    return clock() - started


def cycle_of(evolution: ExplicitFiniteVolume | FormerSteps) -> list[float]:
    """Durations of the next steps, each with its row."""

    def step_and_row() -> None:
        evolution.step()
        evolution.scalars()

    return [seconds_of(step_and_row) for _ in range(REFINE_EVERY)]


def mean_shortest(durations: list[list[float]]) -> float:
    """Mean over the steps of a cycle of the shortest duration of each."""
    return float(np.min(durations, axis=0).mean())


def rows_of(name: str, threads: int, cells: int, cycles: int) -> Iterator[Row]:
    """Costs of the steps of a functional, and of a unit of time."""
    numba.set_num_threads(threads)
    functional, most = FUNCTIONALS[name]
    box = Box([(-4.5, 4.5)] * 2, (cells, cells))
    stage, former = bare_stage(box), FormerSteps(functional, box)
    steppers = {
        stepper: ExplicitFiniteVolume(functional.on_grid(box), narrow_gaussian(box), stepper=stepper)
        for stepper in ("ssprk2", "ssprk43")
    }
    evolutions = {**steppers, "former": former}
    stages, durations = [], {key: [] for key in evolutions}
    for evolution in evolutions.values():
        cycle_of(evolution)  # compiles
    started, used = time.perf_counter(), time.process_time()
    for _ in range(cycles):
        for key, evolution in evolutions.items():
            durations[key].append(cycle_of(evolution))
            stages.append([seconds_of(stage) for _ in range(REFINE_EVERY)])
    share = (time.process_time() - used) / (time.perf_counter() - started)
    bare = float(np.min(stages))
    beside = f"a stage {1e9 * bare / cells**2:.2f} ns a cell; CPU over clock {share:.2f}"
    for stepper, evolution in steppers.items():
        cost = mean_shortest(durations[stepper]) / (bare * len(evolution._method.stages))
        yield Row(
            f"{name}, {stepper}, {threads} threads: step over its stages", cost, f"<= {most:g}", cost <= most, beside
        )


def validate(setting: Setting) -> Iterator[Row]:
    cells, cycles = (QUICK_CELLS, QUICK_CYCLES) if setting.quick else (CELLS, CYCLES)
    for threads in sorted({1, thread_count()}):
        for name in FUNCTIONALS:
            yield from rows_of(name, threads, cells, cycles)
