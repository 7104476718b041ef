"""Tolerances that know no unit, and F that must fall along deterministic particles."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tests.references import advance
from wgflow import ComputationError, FlowWarning, Particles, Potential
from wgflow.functionals.energies.external_potentials import DoubleWell
from wgflow.particles import Adaptive, Descent, ParticleFlow, RungeKutta4

BOWL = Potential(lambda x: 0.5 * (x**2).sum(axis=1), lambda x: x)


def particles_at(*places):
    points = np.array(places)[:, None]
    return Particles(points, np.full(len(points), 1.0 / len(points)), np.ones(len(points)))


def well_run(unit, tolerance=1e-8):
    """A cloud that falls into two wells 2 units apart; x' = 40 x (1 - x^2) in their unit."""
    well = DoubleWell(10.0 * unit**2, unit).energy
    start = particles_at(*(unit * np.linspace(-2.0, 2.1, 100)))
    evolution = ParticleFlow(well, start, tolerance=tolerance)
    return advance(evolution, [0.05])[0].fields["position"][:, 0] / unit, evolution


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_a_double_well_of_any_size(unit):
    # Measured: 6.2e-10 in each unit. With an absolute tolerance: F rises and positions are not finite, at 1e-6.
    start, factor = np.linspace(-2.0, 2.1, 100), np.exp(40.0 * 0.05)
    exact = start * factor / np.sqrt(1.0 + start**2 * (factor**2 - 1.0))
    assert well_run(unit)[0] == pytest.approx(exact, rel=0.0, abs=1.3e-9)


@pytest.mark.parametrize("exponent", [-40, 40])
def test_units_do_not_change_the_steps(exponent):
    positions, evolution = well_run(1.0)
    scaled, other = well_run(2.0**exponent)
    assert (other.counts.accepted, other.counts.evaluations) == (
        evolution.counts.accepted,
        evolution.counts.evaluations,
    )
    assert scaled == pytest.approx(positions, rel=0.0, abs=1e-13)


def test_the_tolerance_bounds_the_error_of_a_cloud_that_spreads():
    """x' = x from a cloud of size 1e-3 at the origin: errors are relative to the way of each particle."""
    start = particles_at(*(1e-3 * np.linspace(-1.0, 1.0, 11)))
    hill = Potential(lambda x: -0.5 * (x**2).sum(axis=1), lambda x: -x)
    places = advance(ParticleFlow(hill, start, tolerance=1e-8), [7.0])[0].fields["position"]
    assert places == pytest.approx(np.exp(7.0) * start.points, rel=3.2e-9, abs=1e-15)


def test_a_rise_of_f_is_refused():
    """A wrong sign in a gradient is seen in the first step."""
    wrong = Potential(lambda x: 0.5 * (x**2).sum(axis=1), lambda x: -x)
    evolution = ParticleFlow(wrong, particles_at(0.5, 1.0), tolerance=1e-8)
    with pytest.raises(ComputationError, match=r"F rose from 0\.3125 to .* by more than the tolerance 1e-08 explains"):
        advance(evolution, [1.0])
    assert evolution.time == 0.0


def test_round_off_is_no_rise():
    """At rest, and on the way there far below the tolerance, F is as good as constant."""
    evolution = ParticleFlow(BOWL, particles_at(-1.0, 0.5, 2.0), tolerance=1e-3)
    assert advance(evolution, [200.0])[0].energy < 6e-4


@pytest.mark.parametrize("method", [RungeKutta4(3.0), Descent(2.1)], ids=["rk4", "descent"])
def test_steps_too_large_for_the_flow_are_told_once(method):
    evolution = ParticleFlow(BOWL, particles_at(-1.0, 0.5, 2.0), method=method)
    with pytest.warns(FlowWarning, match=r"F rose from 0\.875 to .*: steps of this size do not follow") as caught:
        advance(evolution, [method.step * 4])
    assert len(caught) == 1


@pytest.mark.parametrize("method", [RungeKutta4(0.5), Descent(0.5), Adaptive()], ids=["rk4", "descent", "adaptive"])
def test_no_warning_where_f_falls(method):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advance(ParticleFlow(BOWL, particles_at(1.0, 2.0), method=method), [100.0])


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-8, 1e-12])
def test_outputs_near_rest_are_no_error(tolerance):
    """Steps are there as long as stability allows, and outputs within them as inexact as it gets.

    Measured: 63, 78, 76 and 68 tolerances.
    """
    start = particles_at(*np.linspace(-1.0, 1.5, 20))
    snapshots = advance(ParticleFlow(BOWL, start, tolerance=tolerance), list(np.arange(1.0, 301.0)))
    errors = [abs(s.fields["position"] - np.exp(-s.time) * start.points).max() for s in snapshots]
    assert max(errors) < 150.0 * tolerance


def test_a_rise_that_creeps_is_refused():
    """F falls to 0 and then rises to 1 / 8, by less in each of many steps than 1 % of what it fell before."""
    wrong = Potential(lambda x: 0.5 * (x**2).sum(axis=1), lambda x: x + 0.5)
    evolution = ParticleFlow(wrong, particles_at(1.0))
    with pytest.raises(ComputationError, match="F rose from"):
        advance(evolution, list(np.linspace(0.01, 5.0, 500)))
    assert evolution.energy < 0.01 * 0.5


def test_the_watch_goes_on_after_an_interruption():
    evolution = ParticleFlow(BOWL, particles_at(-1.0, 0.5, 2.0), tolerance=1e-3)
    advance(evolution, [5.0])
    again = ParticleFlow(BOWL, evolution.particles, tolerance=1e-3, time=evolution.time)
    again.restore(evolution.checkpoint())
    for name in ("highest_energy", "lowest_energy"):
        assert again.checkpoint()[name] == evolution.checkpoint()[name]
    assert evolution.checkpoint()["highest_energy"] == 0.875
