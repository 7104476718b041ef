"""Figure 3 against the published loop in plain NumPy: the same repetitions, widths and steps, timed in the same run.

Both train students of 1 to 30 neurons in d = 100 on a few repetitions at once, one process on each core with one BLAS
thread, for a few hundred of the 10^4 steps; the time of a step does not depend on how far the training has come. The
plain loop does one width after the other with samples of its own, as published.

    python validation/benchmarks/published_loop.py [--steps 300] [--precision float32] [--processes 2]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np

from wgflow.networks import Teacher
from wgflow.networks.training.students import Students, StudentTraining, draw_students, draw_teacher, join_students
from wgflow.system.threads import available_cores

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


def main() -> int:
    """Print both times and the ratio; 0 if ours is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="steps to time")
    parser.add_argument("--precision", choices=("float64", "float32"), default="float64", help="of ours")
    parser.add_argument("--processes", type=int, default=available_cores(), help="processes side by side")
    options = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # read by the processes that start now
    ways: dict[str, Callable[..., Students]] = {
        "plain NumPy": plain_loop,
        "wgflow": partial(side_by_side, precision=options.precision),
    }
    times = {}
    print(f"d = {DIMENSION}, m = 1 ... 30, batch {BATCH}, {options.processes} processes, {options.steps} steps timed")
    for name, train in ways.items():
        with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
            work = partial(seconds, steps=options.steps, train=train)
            times[name] = float(np.mean(list(pool.map(work, range(options.processes))))) / options.steps
        whole = times[name] * ITERATIONS * REPETITIONS / options.processes
        print(f"  {name:12s}  {1e3 * times[name]:7.3f} ms per step of all widths   whole figure {whole:6.0f} s")
    ratio = times["plain NumPy"] / times["wgflow"]
    passed = ratio >= LEAST_RATIO
    print(f"{'PASS' if passed else 'FAIL'}  ratio {ratio:.1f} (at least {LEAST_RATIO:g})")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
