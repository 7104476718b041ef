"""The power iteration against the eigenvalues of dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.domains import Circle, Signed
from wgflow.finite_volume.stiffness import StiffnessEstimate
from wgflow.functionals import Features, Quadratic
from wgflow.networks import Population, Teacher, arc_cosine_kernel
from wgflow.networks.relu import Relu
from wgflow.upwind.discretisation import make_space_scheme

CIRCLE = Circle(48)
INPUTS = np.random.default_rng(1).normal(size=(6, 2))


def kernel_of(name):
    """Matrix K of the Hessian of F, d J_i = sum_j K_ij d m_j, on one sheet."""
    points = CIRCLE.points
    if name == "population":
        return arc_cosine_kernel(points, points)
    if name == "quadratic":
        return (points @ points.T) ** 2
    features = np.maximum(points @ INPUTS.T, 0.0)
    return features @ features.T / len(INPUTS)


FUNCTIONALS = {
    "population": Population(Teacher.from_angles([0.4, 3.0], [1.0, -1.0])),
    "quadratic": Quadratic([[1.0, 0.3], [0.3, 0.5]]),
    "relu": Features(Relu(INPUTS), np.ones(6)),
}


def mobility_matrix(density, transport, reaction):
    """Matrix of v -> -alpha (rho v')' + beta rho v with centred faces."""
    h, faces = CIRCLE.spacing, 0.5 * (density + np.roll(density, -1))  # face i lies right of cell i
    gradient = (np.roll(np.eye(CIRCLE.cells), 1, axis=1) - np.eye(CIRCLE.cells)) / h
    return transport * gradient.T @ (faces[:, None] * gradient) + reaction * np.diag(density)


@pytest.mark.parametrize("name", FUNCTIONALS)
@pytest.mark.parametrize(("transport", "reaction"), [(1.0, 4.0), (1.0, 0.0), (0.0, 2.0)])
@pytest.mark.parametrize("signed", [False, True])
def test_the_estimate_is_the_largest_eigenvalue_of_hessian_times_mobility(name, transport, reaction, signed):
    row = 1.0 + 0.3 * np.cos(CIRCLE.angles - 0.7)
    rows = np.stack([row, 0.5 * row[::-1]]) if signed else row
    domain = Signed(CIRCLE) if signed else CIRCLE
    scheme = make_space_scheme(domain, transport=transport, reaction=reaction, order=2, limiter="positive")
    functional = FUNCTIONALS[name].on_grid(domain)
    estimate = StiffnessEstimate(functional, scheme)
    potential = functional.first_variation(rows)
    estimate.restart(rows, potential)
    for _ in range(60):
        estimate.refine(rows)
    total = mobility_matrix(rows.reshape(-1, CIRCLE.cells).sum(axis=0), transport, reaction)
    matrix = CIRCLE.spacing * kernel_of(name) @ total
    assert estimate.largest == pytest.approx(np.linalg.eigvals(matrix).real.max(), rel=7e-4)


def test_the_first_estimate_is_already_near():
    density = 1.0 + 0.3 * np.cos(CIRCLE.angles - 0.7)
    scheme = make_space_scheme(CIRCLE, transport=1.0, reaction=4.0, order=2, limiter="mc")
    functional = FUNCTIONALS["population"].on_grid(CIRCLE)
    estimate = StiffnessEstimate(functional, scheme)
    estimate.restart(density, functional.first_variation(density))
    matrix = CIRCLE.spacing * kernel_of("population") @ mobility_matrix(density, 1.0, 4.0)
    assert estimate.largest == pytest.approx(np.linalg.eigvals(matrix).real.max(), rel=5e-4)
