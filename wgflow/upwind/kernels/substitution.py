"""Substitution over the cells of a mesh, in an order that is known or found on the way, compiled."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np

from wgflow.compilation import kernel


@kernel
def substitute_cells(order, starts, neighbours, factors, diagonal, right, result):
    """Solve ``diagonal_K x_K - sum_L factors_KL x_L = right_K``, cell by cell.

    Factors (E,) are zero but for neighbours that come earlier in ``order``; ``result`` (N,) is zero at first.
    """
    for place in range(order.size):
        cell = order[place]
        total = right[cell]
        for face in range(starts[cell], starts[cell + 1]):
            total += factors[face] * result[neighbours[face]]
        result[cell] = total / diagonal[cell]


@kernel
def march_cells(level, rate, starts, neighbours, factors, result):
    """Solve ``x_K + rate x_K^2 + sum_L factors_KL max(x_K - x_L, 0)^2 = level_K``, from the lowest x to the highest.

    Each cell depends on lower ones alone: the lowest value that is left is final (Dijkstra's method). ``result`` (N,)
    holds the solutions without neighbours at first.
    """
    cells = level.size
    square, linear, constant = np.full(cells, rate), np.full(cells, 1.0), -level
    known = np.zeros(cells, dtype=np.bool_)
    front = [(result[cell], cell) for cell in range(cells)]
    heapify(front)
    while len(front) > 0:
        value, cell = heappop(front)
        if known[cell]:
            continue
        known[cell] = True
        for face in range(starts[cell], starts[cell + 1]):
            other = neighbours[face]
            if not known[other] and value < result[other]:
                factor = factors[face]
                square[other] += factor
                linear[other] -= 2.0 * factor * value
                constant[other] += factor * value * value
                root = np.sqrt(max(linear[other] ** 2 - 4.0 * square[other] * constant[other], 0.0))
                result[other] = max((root - linear[other]) / (2.0 * square[other]), value)
                heappush(front, (result[other], other))
