"""The equations of a linearised step: their derivatives, and the potential that belongs to a given J."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.domains import Box, Circle, Signed, Sphere
from wgflow.domains.faces import list_faces
from wgflow.upwind.step_equations import StepEquations, UpwindMesh

BOX = Box([(-1.0, 1.0)] * 2, (6, 5), (True, False))
SPHERE = Sphere(162)


@pytest.mark.parametrize("domain", [Signed(Circle(5)), BOX, Sphere(42), Box([(0.0, 1.0)] * 3, (4, 4, 4))])
def test_the_equations_as_they_are_printed_and_their_derivatives(domain):
    """Loops over faces; and differences for the matrices."""
    generator = np.random.default_rng(3)
    count, tau, alpha, beta = int(np.prod(domain.shape)), 0.3, 1.7, 0.9
    before, rho, phi = generator.exponential(size=(3, count))
    volumes = np.broadcast_to(domain.volumes, domain.shape).ravel()
    balance, level, action = (
        volumes * (rho - before) + beta * tau * volumes * phi * rho,
        phi + 0.5 * beta * tau * phi**2,
        0.0,
    )
    faces = list_faces(domain)
    for (k, m), conductance in zip(faces.cells, faces.conductance, strict=True):
        high, low = (k, m) if phi[k] > phi[m] else (m, k)
        drop = phi[high] - phi[low]
        through = tau * alpha * conductance * rho[high] * drop
        balance[high] += through
        balance[low] -= through
        level[high] += tau * alpha * conductance * drop**2 / (2.0 * volumes[high])
        action += 0.5 * through * drop
    action += 0.5 * beta * tau * (volumes * rho) @ phi**2
    equations = StepEquations(UpwindMesh.of(domain, alpha, beta), before, tau)
    upwind = equations.at(phi)
    np.testing.assert_allclose(upwind.balance(rho), balance, atol=1e-13, rtol=5.7e-13)
    np.testing.assert_allclose(upwind.level(), level, rtol=1e-13)
    assert upwind.action(rho) == pytest.approx(action, rel=1e-13)
    matrix = upwind.matrix(upwind.diagonal, upwind.inward).toarray()
    mobility = upwind.matrix(*upwind.mobility(rho)).toarray()
    for cell in (0, count // 2, count - 1):
        bump = 1e-6 * np.eye(count)[cell]
        ahead, behind = equations.at(phi + bump), equations.at(phi - bump)
        np.testing.assert_allclose(
            mobility[:, cell], (ahead.balance(rho) - behind.balance(rho)) / 2e-6, atol=2.4e-9, rtol=2.4e-9
        )
        np.testing.assert_allclose(
            matrix[cell], volumes * (ahead.level() - behind.level()) / 2e-6, atol=3.6e-9, rtol=3.6e-9
        )
    bump = 1e-6 * generator.normal(size=count)
    ahead, behind = equations.at(phi + bump), equations.at(phi - bump)
    np.testing.assert_allclose(
        upwind.level_slope(bump), 0.5 * (ahead.level() - behind.level()), atol=1.8e-13, rtol=1.8e-9
    )
    np.testing.assert_allclose(upwind.carried(volumes * before), np.linalg.solve(matrix, volumes * before), rtol=1e-13)
    np.testing.assert_allclose(upwind.carried_back(phi), np.linalg.solve(matrix.T, phi), rtol=1.5e-13)


@pytest.mark.parametrize("domain", [Signed(Circle(40)), BOX, SPHERE, Box([(0.0, 1.0)] * 3, (4, 4, 4))])
@pytest.mark.parametrize("tau", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("beta", [0.0, 0.9])
def test_the_potential_that_belongs_to_a_given_j(domain, tau, beta):
    """The second equation is solved exactly; J below -3 / (8 beta tau) is taken for that, where the density doubles."""
    count = int(np.prod(domain.shape))
    equations = StepEquations(UpwindMesh.of(domain, 1.7, beta), np.ones(count), tau)
    wanted = np.random.default_rng(1).normal(size=count)
    upwind = equations.at(equations.guess(wanted))
    bounded = np.maximum(wanted, -0.375 / (beta * tau)) if beta > 0.0 else wanted
    np.testing.assert_allclose(upwind.level(), bounded, atol=5e-10)
    least = np.sqrt(max(1.0 + 2.0 * beta * tau * wanted.min(), 0.25))
    assert 1.0 + beta * tau * upwind.phi.min() == pytest.approx(least, rel=1e-13)
