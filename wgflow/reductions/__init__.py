"""Sums over arrays, compiled: BLAS would start threads of its own, which fight with those of the kernels."""

from __future__ import annotations

from wgflow.compilation import reduction
from wgflow.typing import FloatArray


@reduction
def inner_product(first: FloatArray, second: FloatArray) -> float:
    """Sum of products of two one-dimensional arrays."""
    total = 0.0
    for i in range(first.size):
        total += first[i] * second[i]
    return total
