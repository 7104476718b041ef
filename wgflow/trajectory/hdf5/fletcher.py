"""The checksum of HDF5's filter fletcher32, several times faster than its own: large fields are not compressed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wgflow.compilation import reduction

BLOCK = 360  # words between two reductions, as in the library: others give another form of the same remainder


@reduction
def fletcher32(words: NDArray[np.uint16]) -> int:
    """Fletcher-32 of an array of little-endian 16-bit words, shape (n,), taken byte by byte.

    References
    ----------
    H5_checksum_fletcher32 in the HDF5 library; Fletcher (1982), IEEE Transactions on Communications 30(1).
    """
    first, second = 0, 0
    for start in range(0, words.size, BLOCK):
        part = words[start : start + BLOCK]
        total, weighted = 0, 0
        for i in range(part.size):
            word = ((part[i] & 0xFF) << 8) | (part[i] >> 8)
            total += word
            weighted += (part.size - i) * word
        second += part.size * first + weighted
        first += total
        first = (first & 0xFFFF) + (first >> 16)
        second = (second & 0xFFFF) + (second >> 16)
    first = (first & 0xFFFF) + (first >> 16)
    second = (second & 0xFFFF) + (second >> 16)
    return (second << 16) | first
