"""What memory alone costs: the triad a = b + s c, which reads two arrays and writes one."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numba import prange

from wgflow.compilation import parallel_kernel
from wgflow.typing import FloatArray

BLOCKS = 8
MOST = 2**25  # numbers in all, beyond which no cache keeps any
BURST = 2e-3  # seconds of each measurement
FACTOR = 0.3


@parallel_kernel
def write_triad(result: FloatArray, first: FloatArray, second: FloatArray, factor: float) -> None:
    """Write ``first + factor second``."""
    length = -(-result.size // BLOCKS)
    for block in prange(BLOCKS):
        begin, end = block * length, min((block + 1) * length, result.size)
        here, left, right = result[begin:end], first[begin:end], second[begin:end]
        for k in range(len(here)):
            here[k] = left[k] + factor * right[k]


def triad(numbers: int) -> Callable[[], None]:
    """A triad over three arrays of so many numbers in all, on as many threads as kernels have."""
    result, first, second = np.ones((3, max(numbers // 3, BLOCKS)))
    return lambda: write_triad(result, first, second, FACTOR)


def triad_seconds(numbers: int, rounds: int) -> float:
    """Seconds of this thread for each number of a triad: the least of some rounds."""
    numbers = min(numbers, MOST)
    call, least, repetitions = triad(numbers), np.inf, 1
    call()
    for _ in range(rounds):
        began = time.thread_time()
        for _ in range(repetitions):
            call()
        seconds = (time.thread_time() - began) / repetitions
        least, repetitions = min(least, seconds), max(1, int(BURST / seconds))
    return float(least / numbers)
