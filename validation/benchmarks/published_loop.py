"""Figure 3 against the published loop in plain NumPy: the same repetitions, widths and steps, timed in the same run.

Both train students of 1 to 30 neurons in d = 100 on a few repetitions at once, one process on each core with one BLAS
thread, for a few hundred of the 10^4 steps; the time of a step does not depend on how far the training has come. The
plain loop does one width after the other with samples of its own, as published.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import numpy as np

from wgflow.app.validation import Row, Setting, at_least, measured
from wgflow.networks import Teacher
from wgflow.networks.training.students import Students, StudentTraining, draw_students, draw_teacher, join_students

from .._pool import single_threaded_pool

DIMENSION, TEACHER_NEURONS, BATCH, RATE = 100, 10, 100, 0.005
WIDTHS = range(1, 31)
REPETITIONS, ITERATIONS = 30, 10_000  # of the whole figure
LEAST_RATIO = 5.0


def plain_loop(students: Students, teacher: Teacher, steps: int, generator: np.random.Generator) -> Students:
    """Train each width on its own, in the published form: A = a/m, only its gradient divided by the batch size."""
    trained = []
    for student in students.apart():
        m = len(student.outputs)
        A, B = student.outputs[None, :] / m, student.inputs.copy()
        for _ in range(steps):
            X = generator.standard_normal((teacher.directions.shape[1], BATCH))
            Y = teacher.weights[None, :] @ np.maximum(teacher.directions @ X, 0.0)
            H = np.maximum(B @ X, 0.0)
            G = A @ H - Y
            A -= (1.0 / m) * RATE * (G @ H.T) / BATCH
            B -= m * RATE * (A.T * (H > 0.0)) @ (X * G).T
        trained.append(Students(m * A[0], B, student.widths))
    return join_students(trained)


def side_by_side(
    students: Students, teacher: Teacher, steps: int, generator: np.random.Generator, precision: str
) -> Students:
    """Train all widths on common samples."""
    return StudentTraining(steps, BATCH, RATE, BATCH * RATE, precision).train(students, teacher, generator)


def seconds(seed: int, *, steps: int, train: Callable[..., Students]) -> float:
    """Time one repetition, after a step that warms up."""
    generator = np.random.default_rng(seed)
    teacher, students = draw_teacher(TEACHER_NEURONS, DIMENSION, generator), draw_students(WIDTHS, DIMENSION, generator)
    train(students, teacher, 1, generator)
    started = time.perf_counter()
    train(students, teacher, steps, generator)
    return time.perf_counter() - started


def validate(
    setting: Setting, *, steps: int | None = None, precision: Literal["float64", "float32"] = "float64"
) -> Iterator[Row]:
    """Time both loops.

    Parameters
    ----------
    setting : Setting
        How to run.
    steps : int or None
        How many steps to time; 300 by default, 30 in quick runs.
    precision : "float64" or "float32"
        Of ours.
    """
    counted = steps or (30 if setting.quick else 300)
    ways: dict[str, Callable[..., Students]] = {
        "plain NumPy": plain_loop,
        "wgflow": partial(side_by_side, precision=precision),
    }
    times = {}
    for name, train in ways.items():
        with single_threaded_pool(setting.processes) as pool:
            work = partial(seconds, steps=counted, train=train)
            times[name] = float(np.mean(list(pool.map(work, range(setting.processes))))) / counted
        whole = f"whole figure {times[name] * ITERATIONS * REPETITIONS / setting.processes:.0f} s"
        yield measured(f"Figure 3 by {name}: milliseconds per step of all widths", 1e3 * times[name], whole)
    what = f"Figure 3, {precision}: plain NumPy translation of the published loop over ours"
    yield at_least(what, times["plain NumPy"] / times["wgflow"], LEAST_RATIO).quote()
