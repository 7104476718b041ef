"""Matrices of fluxes through faces against dense ones, and as exact where the sums of their columns are lost."""

from __future__ import annotations

import numpy as np
import pytest

from tests.references import dense
from wgflow.domains import Box, Circle, HalfCircle, Signed, Sphere
from wgflow.domains.faces import list_faces
from wgflow.flows.face_matrices import FaceMatrix, LineMatrices, SparseMatrices, matrices_on

PLANE = Box([[0.0, 1.0]] * 2, (4, 5), periodic=[True, False])
LINES = [Box([[0.0, 1.0]], 7), Box([[0.0, 1.0]], 4, periodic=True), Signed(Circle(6)), Signed(HalfCircle(5, 20))]


def matrices_of(domain):
    cells = list_faces(domain).cells
    return cells, matrices_on(cells, domain.shape, domain.sheets)


def random_parts(cells, domain, *, lightest=0.1):
    generator = np.random.default_rng(0)
    leaving, entering = generator.exponential(size=(2, len(cells)))
    return FaceMatrix(leaving, entering, lightest + generator.exponential(size=domain.shape).ravel())


@pytest.mark.parametrize(
    ("domain", "kind"), [(d, LineMatrices) for d in LINES] + [(PLANE, SparseMatrices), (Sphere(42), SparseMatrices)]
)
def test_solutions_are_those_of_the_dense_matrix(domain, kind):
    cells, matrices = matrices_of(domain)
    assert type(matrices) is kind
    parts = random_parts(cells, domain)
    right = np.random.default_rng(1).normal(size=parts.diagonal.size)
    expected = np.linalg.solve(dense(cells, parts), right)
    assert matrices.factorise(parts).solve(right) == pytest.approx(expected, abs=1e-14 * abs(expected).max())


@pytest.mark.parametrize("domain", LINES)
def test_lines_lose_no_sum_beside_large_fluxes(domain):
    """Fluxes of 1e30 spread what is given over a row at once, as the sums of columns weigh it."""
    cells, matrices = matrices_of(domain)
    diagonal = random_parts(cells, domain).diagonal
    large = np.full(len(cells), 1e30)
    right = np.random.default_rng(1).exponential(size=diagonal.size)
    found = matrices.factorise(FaceMatrix(large, large, diagonal)).solve(right).reshape(domain.sheets, -1)
    levels = right.reshape(found.shape).sum(axis=1) / diagonal.reshape(found.shape).sum(axis=1)
    assert abs(found / levels[:, None] - 1.0).max() < 1.5e-15


@pytest.mark.parametrize("domain", LINES)
def test_lines_keep_the_digits_of_cells_that_hold_next_to_nothing(domain):
    """What is in balance at all faces is what it was; the last cell of each row holds the least."""
    cells, matrices = matrices_of(domain)
    diagonal = random_parts(cells, domain).diagonal
    held = np.tile(np.logspace(0.0, -60.0, diagonal.size // domain.sheets), domain.sheets)
    first, second = held[cells.T]
    through = np.minimum(first, second)
    found = matrices.factorise(FaceMatrix(through / first, through / second, diagonal)).solve(diagonal * held)
    assert abs(found / held - 1.0).max() < 1e-15


def test_sparse_matrices_know_their_round_off_and_singular_ones_are_refused():
    cells, matrices = matrices_of(PLANE)
    ones = np.ones(len(cells))
    factors = matrices.factorise(FaceMatrix(1e6 * ones, 1e6 * ones, np.ones(20)))
    assert factors.round_off == pytest.approx(4e6 * np.finfo(float).eps, rel=1e-6)  # of cells with four neighbours
    with pytest.raises(RuntimeError, match="singular"):
        matrices.factorise(FaceMatrix(0.0 * ones, 0.0 * ones, np.zeros(20)))
