"""How the benchmarks take times: the shortest of several calls, and ratios of calls that take turns."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from wgflow.app.validation import Row, measured
from wgflow.typing import FloatArray

SETTLING = 0.1  # seconds: idle threads of BLAS keep a core busy for about 0.03 after each product


def shortest_seconds(call: Callable[[], object], repetitions: int = 15) -> float:
    """Shortest duration of a call, after one that warms up, and after threads of earlier calls have gone to sleep."""
    time.sleep(SETTLING)
    call()
    durations = []
    for _ in range(repetitions):
        started = time.perf_counter()
        call()
        durations.append(time.perf_counter() - started)
    return min(durations)


def paired_seconds(
    first: Callable[[], object], second: Callable[[], object], pairs: int = 7, repetitions: int = 15
) -> FloatArray:
    """Shortest durations of two calls that take turns, shape (pairs, 2): what else the machine does hits both."""
    return np.array(
        [(shortest_seconds(first, repetitions), shortest_seconds(second, repetitions)) for _ in range(pairs)]
    )


def cores_used(call: Callable[[], object], repetitions: int = 3) -> float:
    """Seconds of all threads over those of the clock: as many as there are threads if each had a core of its own."""
    started, used = time.perf_counter(), time.process_time()
    for _ in range(repetitions):
        call()
    return (time.process_time() - used) / (time.perf_counter() - started)


def ratio_row(what: str, pairs: FloatArray, cost: str) -> Row:
    """Row of the median ratio of paired durations, with its range and what one call costs."""
    ratios = pairs[:, 0] / pairs[:, 1]
    return measured(what, float(np.median(ratios)), f"{ratios.min():.2f} to {ratios.max():.2f}; {cost}")
