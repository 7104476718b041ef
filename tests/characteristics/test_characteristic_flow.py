"""Characteristics against exact solutions, and finite volumes against characteristics."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from tests.references import advance, covariance, gaussian_on_circle
from wgflow.characteristics import CharacteristicFlow
from wgflow.characteristics.line_transport import LineTransport, shared_out
from wgflow.domains import Circle, Signed
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.functionals import Quadratic
from wgflow.networks import Population, Teacher

TARGET, START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
TEACHER = Population(Teacher.from_angles([0.5, 2.9, 4.9, 5.4], [1.0, -1.0, -1.0, 1.0]))
TIMES = [1.0, 2.0, 5.0, 10.0, 20.0]


def quadratic_run(cells, time=0.5):
    """Snapshot, and exact covariance at the same time."""
    circle = Circle(cells)
    density = gaussian_on_circle(START, circle.angles)
    flow = CharacteristicFlow(Quadratic(TARGET), circle, density, tolerance=1e-11)
    return advance(flow, [time])[0], covariance(TARGET, START, time)


@pytest.mark.parametrize("cells", [64, 257])
def test_moments_mass_and_energy_are_exact_for_quadratic_features(cells):
    snapshot, exact = quadratic_run(cells)
    points, weights = snapshot.fields["position"], snapshot.fields["weight"]
    assert abs(np.einsum("k,ki,kj->ij", weights, points, points) - exact).max() < 1e-11
    assert snapshot.mass == pytest.approx(np.trace(exact), rel=1e-11)
    assert snapshot.energy == pytest.approx(0.5 * ((exact - TARGET) ** 2).sum(), rel=6e-11)


def relative_errors(cells):
    """Relative errors of the density, in L1 and in the maximum."""
    snapshot, exact = quadratic_run(cells)
    density = gaussian_on_circle(exact, Circle(cells).angles)
    error = abs(snapshot.fields["density"] - density)
    return error.sum() / density.sum(), error.max() / density.max()


def test_the_density_along_characteristics_converges():
    # Third order in L1; in the maximum less, as monotone interpolation flattens the peak.
    sizes = [64, 128, 256, 512, 1024]
    errors = np.array([relative_errors(cells) for cells in sizes])
    assert errors[3] == pytest.approx([1.14e-6, 2.22e-5], rel=0.0019)
    assert -np.polyfit(np.log(sizes), np.log(errors[:, 0]), 1)[0] == pytest.approx(2.9, abs=0.051)


def test_the_risk_of_the_teacher_problem_has_its_known_values():
    domain = Signed(Circle(512))
    flow = CharacteristicFlow(TEACHER, domain, np.full(domain.shape, 0.25 / np.pi), reaction=2.0, tolerance=1e-9)
    snapshots = advance(flow, TIMES)
    assert snapshots[1].risk == pytest.approx(0.0789539, rel=1.2e-6)
    assert snapshots[4].risk == pytest.approx(0.0041482, rel=7.9e-6)


# Risks by 1024 characteristics per sheet with tolerance 1e-10; 512 agree to 8e-8.
CHARACTERISTIC_RISKS = [0.3013984057513, 0.0789539445973, 0.0079584982057, 0.0058520681878, 0.0041482159848]


def test_finite_volumes_agree_with_characteristics_on_the_teacher_problem():
    domain = Signed(Circle(4096))
    flow = ExplicitFiniteVolume(TEACHER.on_grid(domain), np.full(domain.shape, 0.25 / np.pi))
    risks = np.array([snapshot.risk for snapshot in advance(flow, TIMES)])
    # Measured: 1.2e-7, 5.4e-7, 1.3e-6, 1.8e-6, 3.0e-6.
    assert abs(risks / CHARACTERISTIC_RISKS - 1.0).max() < 6.0e-6


def test_densities_of_finite_volumes_and_characteristics_agree():
    domain = Signed(Circle(512))
    start = np.full(domain.shape, 0.25 / np.pi)
    exact = advance(CharacteristicFlow(TEACHER, domain, start, reaction=2.0), [1.0])[0].fields["density"]
    found = advance(ExplicitFiniteVolume(TEACHER.on_grid(domain), start), [1.0])[0].fields["density"]
    assert abs(found - exact).sum() / exact.sum() < 8e-5  # measured: 4.1e-5


def test_the_sheets_of_a_characteristic_density_hold_the_mass():
    domain = Signed(Circle(512))
    flow = CharacteristicFlow(TEACHER, domain, np.full(domain.shape, 0.25 / np.pi), reaction=2.0)
    snapshot = advance(flow, [1.0])[0]
    assert (snapshot.fields["density"] * domain.volumes).sum() == pytest.approx(snapshot.mass, rel=4e-7)
    positive = snapshot.fields["weight"][:512].sum()
    assert (snapshot.fields["density"][0] * domain.volumes[0]).sum() == pytest.approx(positive, rel=4e-7)


@pytest.mark.parametrize("shift", [1, 100])
def test_a_turned_problem_has_the_turned_density(shift):
    domain = Signed(Circle(128))
    density = 0.1 * np.stack([1.0 + 0.5 * np.cos(domain.base.angles), 1.0 + 0.3 * np.sin(domain.base.angles)])
    angles, weights = np.array([0.5, 2.9, 4.0]), np.array([1.0, -1.0, 0.3])
    turned = angles + shift * domain.base.spacing
    results = [
        advance(CharacteristicFlow(Population(teacher), domain, start, reaction=2.0, tolerance=1e-11), [0.5])[0].fields[
            "density"
        ]
        for teacher, start in [
            (Teacher.from_angles(angles, weights), density),
            (Teacher.from_angles(turned, weights), np.roll(density, shift, axis=1)),
        ]
    ]
    assert abs(results[1] - np.roll(results[0], shift, axis=1)).max() < 5.6e-10


def test_without_motion_the_density_is_the_initial_one():
    circle = Circle(64)
    density = 1.0 + 0.5 * np.cos(circle.angles)
    flow = CharacteristicFlow(Quadratic(TARGET), circle, density, transport=0.0, reaction=0.0)
    assert abs(advance(flow, [1.0])[0].fields["density"] - density).max() < 1e-14


def test_density_of_collapsed_nodes_is_finite_and_holds_the_mass():
    """On data, nodes collapse onto kinks; their masses are then shared out to the cells, without loss."""
    problem = wgflow.open_problem(
        "el_nino",
        ["solver.kind=characteristics", "domain.cells=64", "solver.t_end=5.0", "output.times=[1.0, 5.0]",
         "characteristics.tolerance=1e-5"],
    )  # fmt: skip
    trajectory = wgflow.run(problem)
    assert (trajectory.density >= 0.0).all()
    masses = (trajectory.density * trajectory.domain.volumes).sum(axis=(1, 2))
    np.testing.assert_allclose(masses, trajectory.mass, rtol=1e-14)
    assert trajectory.density.max() < 64.0 * trajectory.mass[-1]


def test_shared_out_masses_of_resting_nodes_are_the_density():
    masses, turn = np.random.default_rng(0).random(32), 2.0 * np.pi
    angles, edges = (np.arange(32) + 0.5) * turn / 32, np.linspace(0.0, turn, 33)
    np.testing.assert_allclose(shared_out(angles, masses, edges, turn), masses, atol=1e-14, rtol=1.7e-13)
    turned = shared_out(angles + 35 * turn / 32, masses, edges, turn)
    np.testing.assert_allclose(turned, np.roll(masses, 3), atol=1e-14, rtol=3.4e-13)
    np.testing.assert_allclose(shared_out(angles, masses, edges, None), masses, atol=1e-14, rtol=1.7e-13)
    for period in (turn, None):
        gathered = shared_out(np.full(32, 1.0), masses, edges, period)
        assert gathered.sum() == pytest.approx(masses.sum(), rel=1e-12)
    outside = shared_out(angles + 1.0, masses, edges, None)  # what has left an interval is in its last cell
    assert outside.sum() == pytest.approx(masses.sum(), rel=1e-12)


def test_the_density_beside_a_dirac_is_shared_out():
    """A density at a node that no distance of nodes goes with, as late in a flow that gathers mass."""
    circle = Circle(16)
    transport, masses = LineTransport(circle, circle.lattice, circle.points), np.full(16, 0.25)
    density = np.where(np.arange(16) == 3, 1e308, 1.0)
    np.testing.assert_allclose(transport(circle.points, density, masses), 0.25 / circle.spacing, rtol=1e-12)
