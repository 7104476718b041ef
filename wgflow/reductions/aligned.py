"""Arrays whose rows begin where a vector of the processor does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wgflow.typing import FloatArray

LINE = 64  # bytes of the cache
VECTOR = 8  # numbers: one across two lines of the cache takes twice as long


def aligned_zeros(*shape: int) -> FloatArray:
    """Zeros of a shape whose last axis is lengthened, so that each row begins at a multiple of a vector."""
    rows, length = math.prod(shape[:-1]), -(-shape[-1] // VECTOR) * VECTOR
    numbers = np.zeros(rows * length + VECTOR)
    first = -(numbers.ctypes.data // numbers.itemsize) % VECTOR
    return numbers[first : first + rows * length].reshape(*shape[:-1], length)


def aligned_empty(shape: tuple[int, ...]) -> FloatArray:
    """Numbers that are not set, in an array of a shape whose first one begins a line of the cache."""
    count = math.prod(shape)
    numbers = np.empty(count + VECTOR)
    first = -(numbers.ctypes.data // numbers.itemsize) % VECTOR
    return numbers[first : first + count].reshape(shape)


def aligned(values: NDArray[Any]) -> NDArray[Any]:
    """Copy an array to where its first number begins a line of the cache."""
    room = np.zeros(values.nbytes + LINE, dtype=np.uint8)
    first = -room.ctypes.data % LINE
    copied = room[first : first + values.nbytes].view(values.dtype).reshape(values.shape)
    copied[...] = values
    return copied
