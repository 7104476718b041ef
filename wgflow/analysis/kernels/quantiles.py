"""Costs of transport on a line, compiled: two sorted measures are walked through together."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import kernel


@kernel
def add_line_costs(first, first_ends, second, second_ends, powers, costs):
    """Add to ``costs`` the integrals over the mass of powers of the difference of two quantile functions.

    Places ascend, shapes (m,) and (n,), and ``ends`` hold the mass up to the end of each atom, the last one 1.
    """
    row, column, before = 0, 0, 0.0
    while row < len(first) and column < len(second):
        end = min(first_ends[row], second_ends[column])
        away = np.abs(first[row] - second[column])
        for index in range(len(powers)):
            costs[index] += (end - before) * away ** powers[index]
        row, column, before = row + (first_ends[row] <= end), column + (second_ends[column] <= end), end
