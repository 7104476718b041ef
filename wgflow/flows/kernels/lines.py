"""Elimination along rows of cells of which each exchanges with the next alone, compiled.

Columns sum to numbers that are given, positive ones mostly: pivots are found from them by sums of positive numbers, so
that solutions are as exact in large steps as in small ones, and keep masses.

References
----------
Grassmann, Taksar and Heyman (1985), Regenerative analysis and steady state distributions for Markov chains, Oper. Res.
33(5): elimination without subtractions.
"""

from __future__ import annotations

from wgflow.compilation import kernel


@kernel
def eliminate_rows(leaving, entering, diagonal, onward, inverse, back):
    """Write the factors of rows (r, n) whose faces (r, n - 1) take ``leaving`` from a cell, and ``entering`` to it.

    Of what comes to a cell ``onward`` goes to the next one; the rest stays, over the pivot, whose ``inverse`` is kept.
    """
    rows, cells = diagonal.shape
    for row in range(rows):
        left = diagonal[row, 0]  # of the sum of a column, without the cells before
        for k in range(cells - 1):
            pivot = left + leaving[row, k]
            onward[row, k] = leaving[row, k] / pivot
            back[row, k] = entering[row, k] / pivot
            inverse[row, k] = 1.0 / pivot
            left = diagonal[row, k + 1] + back[row, k] * left
        inverse[row, cells - 1] = 1.0 / left


@kernel
def solve_rows(onward, inverse, back, right, result):
    """Solve for right-hand sides (r, n) by these factors, into ``result``."""
    rows, cells = result.shape
    for row in range(rows):
        come = right[row, 0]
        result[row, 0] = come * inverse[row, 0]
        for k in range(1, cells):
            come = right[row, k] + onward[row, k - 1] * come
            result[row, k] = come * inverse[row, k]
        for k in range(cells - 2, -1, -1):
            result[row, k] += back[row, k] * result[row, k + 1]
