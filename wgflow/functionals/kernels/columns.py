"""Columns of an array as lines, and back, and lines times real symbols."""

from __future__ import annotations

from wgflow.compilation import lock_free_kernel

ROWS, COLUMNS = 16, 8  # of a tile, which stays in the first cache


@lock_free_kernel
def gather_columns(rows, lines):
    """Copy columns, shape (n, c), into the first c lines, shape (l, p), and fill these up with zeros."""
    for left in range(0, rows.shape[1], COLUMNS):
        right = min(left + COLUMNS, rows.shape[1])
        for start in range(0, rows.shape[0], ROWS):
            for column in range(left, right):
                for row in range(start, min(start + ROWS, rows.shape[0])):
                    lines[column, row] = rows[row, column]
    for column in range(rows.shape[1]):
        lines[column, rows.shape[0] :] = 0.0


@lock_free_kernel
def scatter_columns(lines, rows):
    """Copy the first n numbers of the first c lines, shape (l, p), into columns, shape (n, c)."""
    for left in range(0, rows.shape[1], COLUMNS):
        right = min(left + COLUMNS, rows.shape[1])
        for row in range(rows.shape[0]):
            for column in range(left, right):
                rows[row, column] = lines[column, row]


@lock_free_kernel
def multiply_lines(lines, symbol):
    """Multiply the first c complex lines, shape (l, p), by real ones, shape (c, p)."""
    for line in range(symbol.shape[0]):
        for place in range(symbol.shape[1]):
            lines[line, place] *= symbol[line, place]
