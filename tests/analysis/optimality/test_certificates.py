"""Lower bounds that hold for every measure, and are sharp at the optimum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import wgflow
from tests.analysis.optimality.bumps import CENTRES, TARGET, Bumps, deconvolution, on_circle, quadratic_optimum
from wgflow import Box, Circle, Features, InputError, Mass, Particles, Quadratic, ShapeError, certify, solve
from wgflow.analysis.optimality.certificates import Certifier, certify_trajectory
from wgflow.app.cli import app
from wgflow.plotting import plot_trajectory
from wgflow.plotting.gaps import final_certificate

pytestmark = pytest.mark.usefixtures("without_layout")

CIRCLE = Circle(32)
PROBLEMS = {
    "square": deconvolution(),
    "logistic": deconvolution("logistic"),
    "quadratic": Quadratic(TARGET) + Mass(0.1),
}
CERTIFIERS = {name: Certifier(functional, CIRCLE) for name, functional in PROBLEMS.items()}
FIXED = Certifier(deconvolution(strength=0.0), CIRCLE, fixed_mass=True)
FREE = Certifier(deconvolution(strength=0.0), CIRCLE)


def atoms(data, mass=None):
    count = data.draw(st.integers(1, 4))
    angles = data.draw(st.lists(st.floats(0.0, 6.3), min_size=count, max_size=count))
    weights = np.array(data.draw(st.lists(st.floats(0.0, 3.0), min_size=count, max_size=count)))
    if mass is not None:
        weights = np.full(count, mass / count) if weights.sum() == 0.0 else weights * (mass / weights.sum())
    return Particles(on_circle(angles), weights, np.ones(count))


@pytest.mark.parametrize("name", PROBLEMS)
@given(data=st.data())
@settings(max_examples=6, deadline=None)
def test_no_measure_is_below_the_bounds_of_another(name, data):
    certificate = CERTIFIERS[name].certify(atoms(data))
    value = PROBLEMS[name].at_particles(atoms(data)).energy
    assert certificate.scope == "all"
    assert certificate.linear_bound <= value + 1e-12
    assert certificate.dual_bound <= value + 1e-12
    assert certificate.gap >= -1e-12


@given(data=st.data())
@settings(max_examples=6, deadline=None)
def test_bounds_for_measures_of_some_mass_hold_for_these(data):
    first, second = atoms(data, 1.5), atoms(data, 1.5)
    value = FIXED.functional.at_particles(second).energy
    assert FIXED.certify(first).lower_bound <= value + 1e-12
    assert FREE.certify(first).lower_bound <= value + 1e-12
    assert FREE.certify(first, 1.5).linear_bound == pytest.approx(FREE.certify(first).linear_bound, abs=1e-12)


def test_bounds_are_what_their_formulas_say():
    """Written out for one atom of quadratic features, with the minimum of J by eigenvalues."""
    angle, weight, strength = 0.7, 0.8, 0.1
    eta = on_circle(angle)
    residual = weight * np.outer(eta, eta) - TARGET
    risk, slope = 0.5 * (residual**2).sum(), weight * eta @ residual @ eta
    least = np.linalg.eigvalsh(residual)[0] + strength
    found = certify(PROBLEMS["quadratic"], CIRCLE, Particles(eta[None], [weight], [1.0]))
    value = risk + strength * weight
    assert found.value == pytest.approx(value, rel=1e-14)
    assert found.min_potential == pytest.approx(least, rel=1e-12)
    assert found.mass_bound == pytest.approx(value / strength, rel=1e-14)
    linear = value - slope - strength * weight + least * value / strength
    assert found.linear_bound == pytest.approx(linear, rel=1e-12)
    factor = strength / (strength - least)
    assert factor < (2.0 * risk - slope) / (2.0 * risk)  # the constraint is what limits the factor
    by_conjugate = -factor * (residual * TARGET).sum() - 0.5 * factor**2 * (residual**2).sum()
    assert found.dual_bound == pytest.approx(by_conjugate, rel=1e-12)
    assert found.support_residual == pytest.approx(abs(slope / weight + strength), rel=1e-12)
    assert abs(found.where @ np.linalg.eigh(residual)[1][:, 0]) == pytest.approx(1.0, abs=1e-12)


def test_both_bounds_are_sharp_at_the_optimum():
    """Atoms at the eigenvectors of the target; half the mass bound, or twice the potential, would show."""
    values, vectors = np.linalg.eigh(TARGET)
    optimum, mass = quadratic_optimum(0.1)
    measure = Particles(vectors.T[1:], [values[1] - 0.1], [1.0])
    found = certify(PROBLEMS["quadratic"], CIRCLE, measure)
    assert found.value == pytest.approx(optimum, rel=1e-14)
    assert found.mass == pytest.approx(mass, rel=1e-14)
    for bound in (found.linear_bound, found.dual_bound):
        assert bound == pytest.approx(optimum, rel=1e-13)
    assert found.support_residual < 1e-14


def test_the_mass_bound_is_needed_in_full():
    """From the zero measure: only the mass that a better measure may have keeps the bound below the optimum."""
    nothing = Particles([[1.0, 0.0]], [0.0], [1.0])
    strong = 0.9
    found = certify(Quadratic(np.diag([1.0, 0.0])) + Mass(strong), CIRCLE, nothing)
    optimum = 0.5 * strong**2 + strong * (1.0 - strong)
    assert found.min_potential == pytest.approx(strong - 1.0, rel=1e-12)
    assert found.linear_bound == pytest.approx(0.5 + (strong - 1.0) * 0.5 / strong, rel=1e-12)
    assert found.linear_bound < optimum
    assert found.dual_bound == pytest.approx(optimum, rel=1e-12)
    # The optimum has the mass 1 - lambda = 0.1: a mass bound below half of it gives a wrong bound.
    assert certify(Quadratic(np.diag([1.0, 0.0])) + Mass(strong), CIRCLE, nothing, 0.1).linear_bound < optimum
    assert certify(Quadratic(np.diag([1.0, 0.0])) + Mass(strong), CIRCLE, nothing, 0.04).linear_bound > optimum


def test_a_strong_regularisation_makes_the_zero_measure_optimal():
    found = certify(Quadratic(TARGET) + Mass(1.1), CIRCLE, Particles([[1.0, 0.0]], [0.0], [1.0]))
    assert found.min_potential > 0.0
    assert found.gap == pytest.approx(0.0, abs=1e-15)


def test_densities_are_certified_as_atoms_at_the_centres():
    density = 0.2 + 0.1 * CIRCLE.points[:, 0]
    as_atoms = Particles(CIRCLE.points, density * CIRCLE.volumes, np.ones(32))
    first, second = (CERTIFIERS["square"].certify(state) for state in (density, as_atoms))
    assert first.value == pytest.approx(second.value, rel=1e-13)
    assert first.lower_bound == pytest.approx(second.lower_bound, rel=1e-12)
    assert first.support_residual == pytest.approx(second.support_residual, rel=1e-12)


def test_the_gap_of_a_flow_falls_and_a_start_without_support_is_found_out():
    """A flow from everywhere comes within 6e-4 of the optimum, one atom that cannot split does not."""
    functional = PROBLEMS["square"]
    trajectory = solve(functional, Circle(128), np.full(128, 0.1), 400.0, times=[1.0, 8.0])
    gaps = [certificate.gap for certificate in certify_trajectory(trajectory, range(4))]
    assert np.all(np.diff(gaps) < 0.0)
    assert gaps[-1] < 6e-4 * trajectory.energy[0]
    start = Particles(on_circle(np.arctan([0.1])), [0.5], [1.0], Circle(4))
    single = wgflow.simulate(functional, start, 60.0, times=[60.0])
    found = certify_trajectory(single)[0]
    assert found.support_residual < 1e-5  # it has come to rest
    assert found.lower_bound < trajectory.energy[-1] < 0.9 * found.value
    assert found.gap > 0.1 * found.value
    assert not found.rigorous
    assert "as far as known" in found.verdict


def test_command_and_figures_show_the_gap(tmp_path):
    """With lambda > 0 a figure has its curve, at the outputs; the command prints bounds and verdict."""
    problem = {
        "problem": {"kind": "quadratic", "target": TARGET.tolist(), "regularization": 0.1},
        "domain": {"kind": "circle", "cells": 16},
        "solver": {"t_end": 2.0},
        "output": {"snapshots": 3},
    }
    trajectory = wgflow.run(problem, tmp_path / "flow.h5")
    expected = certify_trajectory(trajectory)[0]
    done = CliRunner().invoke(app, ["certify", str(tmp_path / "flow.h5")])
    assert done.exit_code == 0
    assert f"lower bound     {expected.lower_bound:.10g}" in done.output
    assert f"gap             {expected.gap:.3e}" in done.output
    assert "all nonnegative measures" in done.output
    done = CliRunner().invoke(app, ["certify", str(tmp_path / "flow.h5"), "--mass-bound", "2.5"])
    assert "measures of mass at most 2.5" in done.output
    panels = plot_trajectory(trajectory).axes
    curves = [line for axes in panels for line in axes.lines if line.get_label() == "certified gap of $F$"]
    assert len(curves) == 1
    assert curves[0].get_ydata()[-1] == pytest.approx(expected.gap, rel=1e-12)
    assert final_certificate(wgflow.run({**problem, "problem": {**problem["problem"], "regularization": 0.0}})) is None


def test_fixed_mass_is_that_of_the_continuity_equation():
    """Without reaction, all mass at the least point of a linear F is optimal, whatever J is there."""
    line = Features(lambda x: x**2 - x, [-3.0])
    trajectory = solve(line, Box([(0.0, 1.0)], 64), np.ones(64), 30.0, times=[30.0])
    found = certify_trajectory(trajectory)[0]
    assert found.scope == "fixed"
    assert found.mass_bound == pytest.approx(1.0, rel=1e-12)
    assert found.min_potential < -0.5  # no optimum among all measures
    assert found.gap < 3.4e-4
    assert found.support_residual < 1e-12
    with pytest.raises(InputError, match="functional of this trajectory is not known"):
        certify_trajectory(wgflow.Trajectory(trajectory.time, trajectory.scalars, trajectory.fields, trajectory.domain))


def test_softmin_has_only_the_bound_by_tangents():
    found = certify(Features(Bumps(CENTRES), np.ones(12), "softmin") + Mass(0.1), CIRCLE, np.ones(32))
    assert found.dual_bound == -np.inf
    assert found.scope == "bounded"
    assert found.mass_bound == found.mass


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="mass_bound = -1 is not allowed"):
        certify(PROBLEMS["square"], CIRCLE, np.ones(32), -1)
    with pytest.raises(ShapeError, match="does not fit the domain"):
        certify(PROBLEMS["square"], CIRCLE, np.ones(31))
