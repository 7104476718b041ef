"""Sums and minima of arrays, compiled: BLAS would start threads of its own, which fight with those of the kernels."""

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


@reduction
def mass_and_minimum(density: FloatArray, volumes: FloatArray, potential: FloatArray) -> tuple[float, float]:
    """Mass of a density (sheets, N) on cells of the given volumes (N,), and the minimum of a potential (sheets, N)."""
    mass, quarter = 0.0, volumes.size // 4
    first = second = third = fourth = potential[0, 0]  # four minima in turn: each waits for itself alone
    for sheet in range(density.shape[0]):
        row, values = density[sheet], potential[sheet]
        for cell in range(volumes.size):
            mass += row[cell] * volumes[cell]
        for cell in range(quarter):
            first = values[cell] if values[cell] < first else first
            second = values[cell + quarter] if values[cell + quarter] < second else second
            third = values[cell + 2 * quarter] if values[cell + 2 * quarter] < third else third
            fourth = values[cell + 3 * quarter] if values[cell + 3 * quarter] < fourth else fourth
        for cell in range(4 * quarter, volumes.size):
            first = values[cell] if values[cell] < first else first
    return mass, min(min(first, second), min(third, fourth))


@reduction
def step_sums(
    start: FloatArray,
    before: FloatArray,
    last: FloatArray,
    new: FloatArray,
    volumes: FloatArray,
    weights: tuple[float, float, float],
) -> tuple[float, float, float]:
    """Integrals that control a step from ``start`` to ``new``: of the size of its error, of its change, and its mass.

    The error is ``weights[0] start + weights[1] before + weights[2] last``; densities have the shape (sheets, N), cells
    the volumes (N,).
    """
    error, change, mass = 0.0, 0.0, 0.0
    first, second, third = weights
    for sheet in range(start.shape[0]):
        u, v, w, moved = start[sheet], before[sheet], last[sheet], new[sheet]
        for cell in range(volumes.size):
            error += volumes[cell] * abs(first * u[cell] + second * v[cell] + third * w[cell])
            change += volumes[cell] * abs(moved[cell] - u[cell])
            mass += volumes[cell] * u[cell]
    return error, change, mass
