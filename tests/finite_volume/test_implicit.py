"""Implicit finite volumes against dense matrices, exact solutions and what a step never breaks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from tests.references import advance, dense
from wgflow import Entropy, Features, Interaction, Mass, Potential, PowerEnergy, Quadratic, solve
from wgflow.domains import Box, Circle, Signed, Sphere, total_mass
from wgflow.domains.quadrature import cell_averages
from wgflow.errors import ComputationError, InputError
from wgflow.finite_volume import IMPLICIT_METHODS, ImplicitFiniteVolume
from wgflow.finite_volume.bernoulli import bernoulli
from wgflow.finite_volume.implicit_space import DiffusionFluxes
from wgflow.flows.face_matrices import LineMatrices

BOX = Box([[-1.0, 2.0], [0.0, 1.5]], (7, 10), periodic=[True, False])
DOMAINS = [BOX, Circle(12), Signed(Circle(9)), Sphere(42), Box([[0.0, 1.0]] * 3, (4, 5, 4))]


def tilt(points):
    return 3.0 * np.sin(2.0 * points[:, 0]) + points[:, 1]


def rough_density(shape, seed):
    generator = np.random.default_rng(seed)
    density = generator.exponential(size=shape) ** 2 * (generator.random(shape) < 0.7)
    density.flat[generator.integers(density.size)] = 3.0
    return density


def test_bernoulli_function():
    x = np.array([-np.inf, -1e4, -2.0, -1e-9, 0.0, 1e-9, 1e-4, 3.0, 1e4, np.inf])
    found = bernoulli(x)
    assert found[[0, 1, -2, -1]].tolist() == [np.inf, 1e4, 0.0, 0.0]
    assert found[2:-2] == pytest.approx(
        [2.0 / (1.0 - np.exp(-2.0)), 1.0, 1.0, 1.0, 1.0 - 5e-5, 3.0 / np.expm1(3.0)], rel=1e-8
    )


@pytest.mark.parametrize("reaction", [0.0, 0.8])
@pytest.mark.parametrize(
    "functional",
    [
        Entropy(0.7) + Potential(tilt),
        Entropy(0.5) + PowerEnergy(2.5),
        PowerEnergy(0.5),
        PowerEnergy(3.0) + Potential(tilt),
        Entropy(0.2) + PowerEnergy(2.0) + Potential(tilt),
    ],
)
@pytest.mark.parametrize("domain", DOMAINS[:4])
def test_the_matrix_is_the_derivative_of_the_rate(functional, domain, reaction):
    fluxes = DiffusionFluxes(functional, domain, 1.3, reaction)
    density = 0.3 + np.random.default_rng(0).exponential(size=domain.shape).ravel()
    matrix, step = dense(fluxes.faces.cells, fluxes.matrix(density, 0.2)), 1e-4
    for cell in (0, 5, density.size - 1):
        bump = step * np.eye(density.size)[cell]
        change = (fluxes.rate(density + bump) - fluxes.rate(density - bump)) / (2.0 * step)
        column = fluxes.volumes * (np.eye(density.size)[cell] - 0.2 * change)
        assert matrix[:, cell] == pytest.approx(column, abs=1e-5 * abs(column).max())
    if reaction == 0.0:
        assert matrix.sum(axis=0) == pytest.approx(fluxes.volumes, rel=1e-12)


def test_an_empty_cell_loses_nothing():
    circle = Circle(8)
    density = np.where(np.arange(8) == 3, 0.0, 1.0)
    rate = DiffusionFluxes(PowerEnergy(2.0) + Potential(lambda x: 50.0 * x[:, 0]), circle, 1.0).rate(density)
    assert rate[3] >= 0.0


def test_the_paraboloid_at_rest_stays_so():
    """U' + V is constant where there is mass, to round-off: 2 rho + x^2 / 2 = C for m = 2."""
    box = Box([[-2.0, 2.0]], 40)
    rest = np.maximum(0.5 - 0.25 * box.axes[0] ** 2, 0.0)
    rate = DiffusionFluxes(PowerEnergy(2.0) + Potential(lambda x: 0.5 * x[:, 0] ** 2), box, 1.0).rate(rest)
    assert abs(rate[rest > 0.0][1:-1]).max() < 1e-13


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_is_at_rest_stays_so(domain):
    base = domain.base.points.reshape(-1, domain.base.points.shape[-1])
    rest = np.broadcast_to(np.exp(-tilt(np.pad(base, [(0, 0), (0, 2)])) / 0.7).reshape(domain.base.shape), domain.shape)
    fluxes = DiffusionFluxes(Entropy(0.7) + Potential(lambda x: tilt(np.pad(x, [(0, 0), (0, 2)]))), domain, 1.0)
    scale = abs(fluxes.rate(np.ones(rest.size))).max()
    assert abs(fluxes.rate(rest.ravel().copy())).max() < 1e-13 * scale * rest.max()


@pytest.mark.parametrize(("stepper", "tolerance", "bound"), [("tr_bdf2", 1e-6, 3e-5), ("backward_euler", 1e-5, 1e-2)])
def test_linear_diffusion_is_the_exponential_of_its_matrix(stepper, tolerance, bound):
    circle = Circle(24)
    functional = Entropy(0.7) + Potential(tilt)
    density = rough_density(circle.shape, 3)
    evolution = ImplicitFiniteVolume(functional, circle, density, reaction=0.0, stepper=stepper, tolerance=tolerance)
    found = advance(evolution, [0.1, 0.4])[1].fields["density"]
    fluxes = DiffusionFluxes(functional, circle, 1.0)
    generator = np.stack([fluxes.rate(column) for column in np.eye(24)], axis=1)
    exact = expm(0.4 * generator) @ density
    assert abs(found - exact).sum() / exact.sum() < bound


@pytest.mark.parametrize(
    ("functional", "reaction", "linear"),
    [
        (Entropy(0.7) + Potential(lambda x: x[:, 0]), 0.0, True),
        (Entropy(), 0.0, True),
        (Entropy(0.7) + Potential(lambda x: x[:, 0]), 0.5, False),
        (Entropy() + PowerEnergy(2.0), 0.0, False),
        (Entropy() + Features(lambda x: x[:, :1] ** 2, [0.5]), 0.0, False),
    ],
)
def test_linear_equations_are_seldom_factorised(functional, reaction, linear, monkeypatch):
    made = []
    factorise = LineMatrices.factorise

    def counted(matrices, matrix):
        made.append(matrix)
        return factorise(matrices, matrix)

    monkeypatch.setattr(LineMatrices, "factorise", counted)
    box = Box([[0.0, 1.0]], 20)
    evolution = ImplicitFiniteVolume(functional, box, np.exp(-3.0 * box.axes[0]), reaction=reaction)
    advance(evolution, [0.3])
    assert evolution.counts.accepted > 20
    assert len(made) < evolution.counts.accepted / 3 if linear else len(made) >= evolution.counts.accepted


def test_a_step_of_backward_euler_solves_its_equation_to_round_off():
    functional, density = Entropy(0.7) + Potential(tilt), rough_density(BOX.shape, 4)
    evolution = ImplicitFiniteVolume(functional, BOX, density, stepper="backward_euler", tolerance=0.1)
    evolution.begin_interval(math.inf)
    evolution.step()
    fluxes = DiffusionFluxes(functional, BOX, 1.0)
    generator = np.stack([fluxes.rate(column) for column in np.eye(density.size)], axis=1)
    exact = np.linalg.solve(np.eye(density.size) - evolution.time * generator, density.ravel())
    assert abs(evolution.density.ravel() - exact).max() < 2e-15 * exact.max()


@pytest.mark.parametrize(
    ("stepper", "tolerances", "expected"), [("tr_bdf2", (1e-8, 1e-10), 2.0), ("backward_euler", (1e-4, 1e-6), 1.0)]
)
def test_orders_in_time(stepper, tolerances, expected):
    circle, functional = Circle(24), Entropy()
    density = 1.0 + 0.5 * np.cos(circle.angles)
    errors, counts = [], []
    for tolerance in tolerances:
        evolution = ImplicitFiniteVolume(
            functional, circle, density, reaction=0.0, stepper=stepper, tolerance=tolerance
        )
        found = advance(evolution, [1.0])[0].fields["density"]
        exact = 1.0 + 0.5 * np.exp(-((2.0 * np.sin(0.5 * circle.spacing) / circle.spacing) ** 2)) * np.cos(
            circle.angles
        )
        errors.append(abs(found - exact).max())
        counts.append(evolution.counts.accepted)
    order = -np.log(errors[1] / errors[0]) / np.log(counts[1] / counts[0])
    assert order == pytest.approx(expected, abs=0.15)


FUNCTIONALS = [
    Entropy(0.7) + Potential(tilt),
    Entropy() + PowerEnergy(3.0),
    PowerEnergy(2.0),
    PowerEnergy(1.5, 0.3),
    PowerEnergy(0.5),
    Entropy() + Features(lambda x: x[:, :1] ** 2, [0.5]) + Mass(0.1),
    PowerEnergy(2.0) + Potential(tilt),
    PowerEnergy(0.6, 0.4) + Entropy(0.1) + Potential(tilt),
    PowerEnergy(3.0) + Features(lambda x: x[:, :1] ** 2, [0.5]),
]


@given(
    st.sampled_from(range(len(FUNCTIONALS))),
    st.sampled_from(range(4)),
    st.integers(0, 2**32 - 1),
    st.sampled_from(IMPLICIT_METHODS),
    st.floats(-4.0, -1.0),
    st.sampled_from([0.0, 0.5]),
)
@settings(max_examples=60, deadline=None)
def test_steps_keep_mass_positivity_and_never_raise_the_energy(number, place, seed, stepper, exponent, reaction):
    domain, functional = DOMAINS[place], FUNCTIONALS[number]
    density = rough_density(domain.shape, seed)
    options = {"stepper": stepper, "tolerance": 10.0**exponent}
    evolution = ImplicitFiniteVolume(functional, domain, density, reaction=reaction, **options)
    bound = functional.on_grid(domain)
    for _ in range(6):
        before = evolution.energy
        evolution.step()
        assert evolution.energy <= before + 1e-13 * bound.scale(evolution.density)
        assert evolution.density.min() >= 0.0
        if reaction == 0.0:
            assert total_mass(domain, evolution.density) == pytest.approx(total_mass(domain, density), rel=1e-12)
        assert evolution.energy == pytest.approx(bound.value(evolution.density), rel=1e-13)


def test_confined_porous_medium_is_of_the_second_order():
    """Barenblatt's solution of d_t u = (u^2)'' in the variables R x, (R^3 - 1) / 3 + 0.2 with R = e^t, as R u."""

    def exact(box, time):
        radius, points = np.exp(time), box.axes[0][:, None] + box.spacing[0] * (np.arange(8) - 3.5) / 8.0
        clock = (radius**3 - 1.0) / 3.0 + 0.2
        top = (np.sqrt(3.0) / 8.0) ** (2.0 / 3.0)  # for mass 1
        profile = top - (radius * points) ** 2 / (12.0 * clock ** (2.0 / 3.0))
        return radius * clock ** (-1.0 / 3.0) * np.maximum(profile, 0.0).mean(axis=1)

    errors = []
    for cells in (50, 100, 200):
        box = Box([[-2.5, 2.5]], cells)
        assert exact(box, 0.0).sum() * box.spacing[0] == pytest.approx(1.0, abs=5.2e-6)
        confined = PowerEnergy(2.0) + Potential(lambda x: 0.5 * x[:, 0] ** 2)
        options = {"stepper": "tr_bdf2", "tolerance": 0.02 / cells**2, "times": [0.5]}
        trajectory = solve(confined, box, exact(box, 0.0), 0.5, **options)
        errors.append(abs(trajectory.density[-1] - exact(box, 0.5)).sum() * box.spacing[0])
    assert errors[-1] < 1.1e-4
    assert np.log2(errors[0] / errors[-1]) / 2.0 > 1.6  # 2, less what the front costs


def test_the_reaction_of_an_entropy_is_solved_with_the_step():
    """A uniform density stays so, and log rho + 1 decays like exp(-beta t)."""
    circle = Circle(8)
    trajectory = solve(
        Entropy(), circle, np.full(8, 3.0), 0.7, reaction=1.5, times=[0.7], stepper="tr_bdf2", tolerance=1e-7
    )
    expected = np.exp((np.log(3.0) + 1.0) * np.exp(-1.5 * 0.7) - 1.0)
    assert trajectory.density[-1] == pytest.approx(np.full(8, expected), rel=8.8e-6)


def test_interactions_are_solved_with_the_step():
    """Attraction by |x - y|^2 / 2 is an Ornstein-Uhlenbeck process around the mean."""
    box = Box([[-6.0, 6.0]], 120)
    density = np.exp(-(box.axes[0] ** 2) / 0.6) / np.sqrt(0.6 * np.pi)
    attraction = Entropy() + Interaction(lambda z: 0.5 * z[:, 0] ** 2)
    trajectory = solve(attraction, box, density, 0.5, times=[0.5], stepper="tr_bdf2", tolerance=1e-6)
    variance = trajectory.density[-1] @ box.axes[0] ** 2 * 0.1
    assert variance == pytest.approx(1.0 - 0.7 * np.exp(-1.0), rel=1e-3)


def test_stiff_diffusion_takes_few_steps():
    box = Box([[0.0, 1.0]], 1000)
    density = 1.0 + np.cos(np.pi * box.axes[0])
    trajectory = solve(Entropy(), box, density, 1.0, times=[1.0], stepper="tr_bdf2", tolerance=1e-4)
    assert trajectory.attributes["accepted_steps"] < 50  # explicit ones: four million
    assert abs(trajectory.density[-1] - 1.0 - np.exp(-(np.pi**2)) * np.cos(np.pi * box.axes[0])).max() < 1.5e-5


def test_the_default_tolerance_does_not_hide_the_grid():
    """Fokker-Planck in the plane, a product of solutions on the line: the error falls with the cells."""
    errors = []
    for cells in (30, 60):
        box = Box([(0.0, 1.0)] * 2, (cells, cells))
        start, exact = (
            cell_averages(box, lambda x, t=time: drifting(x[..., 0], t) * drifting(x[..., 1], t))
            for time in (0.0, 0.25)
        )
        drift = Entropy() + Potential(lambda x: -x.sum(axis=-1))
        trajectory = solve(drift, box, start, 0.25, times=[0.25], stepper="tr_bdf2")
        errors.append(abs(trajectory.density[-1] - exact).sum() / exact.sum())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.2)


def drifting(x, time):
    """The solution of rho_t = rho_xx - rho_x on [0, 1] between walls."""
    wave = np.pi * np.cos(np.pi * x) + 0.5 * np.sin(np.pi * x)
    return np.exp(-(np.pi**2 + 0.25) * time + 0.5 * x) * wave + np.pi * np.exp(x - 0.5)


def test_concentration_stops_implicit_runs_too():
    box = Box([[-1.0, 1.0]], 400)
    collapse = Entropy(0.01) + Interaction(lambda z: 2.0 * np.log(np.maximum(abs(z[:, 0]), 1e-3)))
    with pytest.raises(ComputationError, match="concentration"):
        solve(collapse, box, np.exp(-20.0 * box.axes[0] ** 2), 10.0, times=[10.0], stepper="tr_bdf2")


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"stepper": "ssprk3"}, "stepper = 'ssprk3'"),
            ({"tolerance": 1.0}, "tolerance = 1.0"),
            ({"reaction": -1.0}, "reaction = -1.0"),
            ({"transport": -1.0}, "transport = -1.0"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises(InputError, match=message):
            ImplicitFiniteVolume(Entropy(), BOX, np.ones(BOX.shape), **options)

    def test_terms(self):
        with pytest.raises(InputError, match="no internal energy"):
            DiffusionFluxes(Quadratic(np.eye(2)), BOX, 1.0)
