"""Implicit finite volumes where drift dominates, against exact transport and explicit upwind fluxes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.references import advance, dense
from wgflow import Entropy, Population, Potential, Teacher
from wgflow.domains import Box, Circle, Signed
from wgflow.domains.quadrature import cell_averages
from wgflow.errors import InputError
from wgflow.finite_volume import ExplicitFiniteVolume, ImplicitFiniteVolume
from wgflow.finite_volume.implicit_space import DiffusionFluxes
from wgflow.finite_volume.steppers import make_finite_volume


def slope(x):
    return -x[:, 0]


def bowl(x):
    return 0.5 * x[:, 0] ** 2


def block(box, left):
    """Density 1 on [left, left + 1], of cells whose centres lie there."""
    return 1.0 * (abs(box.axes[0] - left - 0.5) < 0.5)


def upwind_rate(density, potential, conductance, volume):
    """Transport of a density on a line between walls by first-order upwind fluxes."""
    rate = np.zeros_like(density)
    for cell in range(density.size - 1):
        fall = potential[cell] - potential[cell + 1]
        flux = conductance * fall * density[cell if fall > 0.0 else cell + 1]
        rate[cell], rate[cell + 1] = rate[cell] - flux / volume, rate[cell + 1] + flux / volume
    return rate


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("temperature", [1e-9, 1e-300, 5e-324])
def test_fluxes_of_vanishing_temperature_are_upwind(temperature):
    box, density = Box([[0.0, 4.0]], 20), np.random.default_rng(0).exponential(size=20)
    fluxes = DiffusionFluxes(Entropy(temperature) + Potential(lambda x: np.cos(3.0 * x[:, 0])), box, 1.0)
    expected = upwind_rate(density, np.cos(3.0 * box.axes[0]), 5.0, 0.2)
    assert fluxes.rate(density) == pytest.approx(expected, abs=1e-13)
    matrix = dense(fluxes.faces.cells, fluxes.matrix(density, 1e3))
    assert (np.linalg.inv(matrix) >= 0.0).all()
    assert matrix.sum(axis=0) == pytest.approx(fluxes.volumes, abs=1.8e-12)


@pytest.mark.parametrize(("stepper", "tolerance"), [("tr_bdf2", 1e-5), ("backward_euler", 1e-4)])
def test_a_cold_density_drifts_at_its_speed(stepper, tolerance):
    box = Box([[0.0, 4.0]], 100)
    evolution = ImplicitFiniteVolume(
        Entropy(1e-6) + Potential(slope), box, block(box, 0.5), stepper=stepper, tolerance=tolerance
    )
    found = advance(evolution, [1.0])[0].fields["density"]
    assert found @ box.axes[0] / found.sum() == pytest.approx(2.0, abs=1.7e-11)
    assert found.max() < 1.0 + 1e-9


def test_a_cold_ornstein_uhlenbeck_process_converges_to_transport():
    """The bowl moves x to x e^-t; upwind fluxes are of the first order."""
    errors = []
    for cells in (100, 200, 400):
        box = Box([[-4.0, 4.0]], cells)
        start = cell_averages(box, lambda x: np.exp(-2.0 * (x[..., 0] - 1.0) ** 2))
        exact = cell_averages(box, lambda x: np.e * np.exp(-2.0 * (np.e * x[..., 0] - 1.0) ** 2))
        evolution = ImplicitFiniteVolume(Entropy(1e-6) + Potential(bowl), box, start, tolerance=1e-5)
        found = advance(evolution, [1.0])[0].fields["density"]
        errors.append(abs(found - exact).sum() / exact.sum())
    assert errors == pytest.approx([0.202, 0.119, 0.0655], rel=6.4e-3)


@pytest.mark.parametrize("mass", [1.0, 4.0])
def test_a_cold_student_of_a_teacher_learns_as_by_upwind_transport(mass):
    teacher = Population(Teacher.from_angles([0.5, 2.9, 4.9, 5.4], [1.0, -1.0, -1.0, 1.0]))
    domain = Signed(Circle(64))
    start = np.full(domain.shape, mass / (4.0 * np.pi))
    upwind = ExplicitFiniteVolume(teacher.on_grid(domain), start, reaction=0.0, order=1, tolerance=1e-5)
    cold = ImplicitFiniteVolume(Entropy(1e-6) + teacher, domain, start, reaction=0.0)
    expected, found = advance(upwind, [3.0])[0], advance(cold, [3.0])[0]
    assert found.risk == pytest.approx(expected.risk, rel=1.4e-4)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"order": 7}, "order = 7 is not available"),
        ({"order": 3}, "order = 3 "),
        ({"limiter": "nope"}, "limiter = 'nope' is unknown"),
        ({"velocity": "midpoint"}, 'velocity = "midpoint" is for spheres'),
    ],
)
def test_what_is_no_space_scheme_is_refused_though_it_does_not_count(given, said):
    circle = Circle(16)
    for stepper in ("tr_bdf2", "ssprk43"):
        with pytest.raises(InputError, match=said):
            make_finite_volume(Potential(lambda x: x[:, 0]), circle, np.ones(16), stepper=stepper, **given)
