"""Substitution in triangular systems over the cells of a mesh, compiled."""

from __future__ import annotations

from wgflow.compilation import kernel


@kernel
def sweep_cells(order, starts, neighbours, factors, diagonal, right, result):
    """Solve ``diagonal_K x_K - sum_L factors_KL x_L = right_K``, cell by cell.

    Factors (E,) are zero but for neighbours that come earlier in ``order``; ``result`` (N,) is zero at first.
    """
    for place in range(order.size):
        cell = order[place]
        total = right[cell]
        for face in range(starts[cell], starts[cell + 1]):
            total += factors[face] * result[neighbours[face]]
        result[cell] = total / diagonal[cell]
