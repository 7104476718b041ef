"""Factorisations of sparse matrices against dense ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array

from wgflow.flows.factorisation import OrderedMatrices


def grid_matrix(generator):
    """Random values at the places of a five-point stencil on 5 x 6 cells, the diagonal dominant."""
    cells = np.arange(30).reshape(5, 6)
    pairs = [(cells[1:], cells[:-1]), (cells[:, 1:], cells[:, :-1])]
    rows, columns = (np.concatenate([*(part.ravel() for part in parts)]) for parts in zip(*pairs, strict=True))
    places = (np.concatenate([rows, columns, cells.ravel()]), np.concatenate([columns, rows, cells.ravel()]))
    values = np.concatenate([-generator.random(2 * rows.size), np.full(30, 4.5)])
    return csc_array((values, places), shape=(30, 30))


def test_matrices_of_one_pattern_are_solved_in_one_order():
    generator = np.random.default_rng(0)
    first = grid_matrix(generator)
    matrices, right = OrderedMatrices(first), generator.normal(size=30)
    for matrix in (first, grid_matrix(generator)):
        found = matrices.factorise(matrix.data, 0.0).solve(right)
        assert abs(found - np.linalg.solve(matrix.toarray(), right)).max() < 4e-16


def test_singular_matrices_are_told():
    matrix = grid_matrix(np.random.default_rng(0))
    with pytest.raises(RuntimeError, match="singular"):
        OrderedMatrices(matrix).factorise(0.0 * matrix.data, 0.0)
