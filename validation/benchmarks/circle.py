"""Cost of a step on the signed circle: overhead at 64 cells, and against a memory-bandwidth triad at 65536.

Ratios are taken within one run; absolute times depend on the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from wgflow import Circle, Features, Population, Relu, Signed, Teacher
from wgflow.app.validation import Row, Setting, measured
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.finite_volume.runge_kutta import SSPRK43
from wgflow.functionals import Functional
from wgflow.typing import FloatArray

STAGES = len(SSPRK43.stages)  # of a step
# Arrays of N values that one stage has to read or write at least once: density, potential, start of the step and result
# on both sheets, and the two components of the cell centres; with a teacher also the angles, the teacher's potential
# and four prefix sums.
ARRAYS_FOR_DATA = 2 * 4 + 2
ARRAYS_FOR_POPULATION = ARRAYS_FOR_DATA + 6


def median_seconds(call: Callable[[], object], repetitions: int) -> float:
    """Median duration of a call."""
    durations = []
    for _ in range(repetitions):
        started = time.perf_counter()
        call()
        durations.append(time.perf_counter() - started)
    return float(np.median(durations))


def triad_seconds(size: int, repetitions: int = 200) -> float:
    """Seconds of ``a = b + s c`` on arrays of a size, per array passed: the speed of memory, on one core."""
    b, c, a = np.ones(size), np.ones(size), np.ones(size)

    def triad() -> None:
        np.multiply(c, 0.5, out=a)
        np.add(a, b, out=a)

    return median_seconds(triad, repetitions) / 5.0  # two passes read three arrays and write two


def step_seconds(functional: Functional, cells: int, steps: int) -> float:
    """Seconds per accepted step from a smooth start, after compilation."""
    domain = Signed(Circle(cells))
    angles = np.stack([Circle(cells).angles] * 2)
    density: FloatArray = (1.0 + 0.5 * np.cos(angles)) / (4.0 * np.pi)
    evolution = ExplicitFiniteVolume(functional.on_grid(domain), density)
    for _ in range(20):
        evolution.step()
    return median_seconds(evolution.step, steps)


def regression(count: int = 133) -> Features:
    """Random regression problem with a bias."""
    generator = np.random.default_rng(0)
    inputs = np.column_stack([generator.normal(size=count), np.ones(count)])
    return Features(Relu(inputs), np.sin(3.0 * inputs[:, 0]))


def validate(setting: Setting) -> Iterator[Row]:
    """Time steps on three grids; quick, a tenth of them."""
    teacher = Teacher.from_angles(np.array([0.5, 2.9, 4.9, 5.4]), np.array([1.0, -1.0, -1.0, 1.0]))
    problems: dict[str, tuple[Functional, int]] = {
        "on data": (regression(), ARRAYS_FOR_DATA),
        "with a teacher": (Population(teacher), ARRAYS_FOR_POPULATION),
    }
    for name, (functional, arrays) in problems.items():
        for cells in (64, 4096, 65536):
            steps = (400 if cells < 10_000 else 100) // (10 if setting.quick else 1)
            seconds = step_seconds(functional, cells, steps)
            bound = STAGES * arrays * triad_seconds(cells)
            what = f"a step of {STAGES} stages on the signed circle {name}, {cells} cells a sheet"
            microseconds = measured(f"{what}: microseconds", 1e6 * seconds)
            over = measured(f"{what}: over a triad of its arrays", seconds / bound)
            yield microseconds.quote() if cells == 64 else microseconds
            yield over.quote() if cells == 65536 else over
