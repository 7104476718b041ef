"""Implicit finite volumes in other units of length, time and mass, at densities near 0 and diffusion without bound."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.references import advance
from wgflow import Entropy, Features, Interaction, Potential, PowerEnergy
from wgflow.domains import Box, Circle
from wgflow.errors import ComputationError
from wgflow.finite_volume import IMPLICIT_METHODS, ExplicitFiniteVolume, ImplicitFiniteVolume

LARGE, SMALL = 2.0**40, 2.0**-40
UNITS = [(SMALL, LARGE, LARGE), (LARGE, SMALL, SMALL)]


def hills(length, energy):
    return Potential(lambda x: energy * (np.cos(3.0 * x[:, 0] / length) + (x[:, 0] / length) ** 2))


def entropy(length, energy, mass):  # noqa: ARG001
    return Entropy(0.3 * energy) + hills(length, energy)


def power(exponent, strength, length, energy, mass):
    return PowerEnergy(exponent, strength * energy * (length / mass) ** (exponent - 1.0))


def porous_medium(length, energy, mass):
    attraction = Interaction(lambda z: 0.5 * energy / mass * (z[:, 0] / length) ** 2)
    return power(2.0, 0.7, length, energy, mass) + attraction


def fast_diffusion(length, energy, mass):
    return power(0.5, 1.0, length, energy, mass) + hills(length, energy)


def network(length, energy, mass):
    features = Features(lambda x: np.sqrt(energy / mass) * x[:, :1] / length, [0.3 * np.sqrt(energy * mass)])
    return features + Entropy(0.1 * energy) + power(3.0, 0.3, length, energy, mass)


def run(make, stepper, length=1.0, time=1.0, mass=1.0):
    """Density and steps of a run in units of which these are the old ones, given in the old ones."""
    box = Box([[-length, 2.0 * length]], 16)
    start = np.where(abs(box.axes[0] / length) < 0.6, 1.0 + 0.3 * np.sin(2.0 * box.axes[0] / length), 0.0)
    functional = make(length, length**2 / time, mass)
    options = {"stepper": stepper, "tolerance": 1e-4 if stepper == "tr_bdf2" else 3e-3, "reaction": 0.0}
    evolution = ImplicitFiniteVolume(functional, box, start * (mass / length), **options)
    density = advance(evolution, [0.05 * time])[0].fields["density"]
    return density * (length / mass), evolution.counts


@pytest.mark.parametrize("stepper", IMPLICIT_METHODS)
@pytest.mark.parametrize("make", [entropy, porous_medium, fast_diffusion, network])
def test_runs_do_not_depend_on_units(make, stepper):
    expected, counts = run(make, stepper)
    assert expected[:4].max() > 1e-9  # vacuum has filled
    for units in UNITS:
        found, taken = run(make, stepper, *units)
        assert taken == counts
        assert abs(found - expected).max() < 1e-14 * expected.max()


@pytest.mark.parametrize("mass", [1e-14, 1e14])
def test_explicit_fast_diffusion_of_any_mass(mass):
    """The mass M moves as 1 does for a strength c' = c M^(1 - m)."""
    box = Box([[0.0, 1.0]], 16)
    found = []
    for unit in (1.0, mass):
        start = np.where(box.axes[0] < 0.5, unit, 0.0)
        evolution = ExplicitFiniteVolume(PowerEnergy(0.5, unit**0.5).on_grid(box), start, limiter="van_leer")
        energies = [evolution.energy]
        while evolution.counts.accepted < 60:
            evolution.step()
            energies.append(evolution.energy)
        assert (np.diff(energies) <= 0.0).all()
        found.append(evolution.density / unit)
    assert found[0][8] > 5e-7  # it was empty
    assert found[1] == pytest.approx(found[0], abs=2e-10)


def test_thin_fast_diffusion_in_the_plane_comes_to_an_end():
    """At densities of 1e-33 it is infinitely fast beside the drift: uniform, where vacuum and rough cells were."""
    box, generator = Box([[-1.0, 1.0]] * 2, (12, 12)), np.random.default_rng(0)
    start = 1e-33 * generator.exponential(size=box.shape) ** 2 * (generator.random(box.shape) < 0.7)
    drift = Potential(lambda x: 8.0 * x[:, 0] ** 2 + np.sin(5.0 * x[:, 1]))
    evolution = ImplicitFiniteVolume(PowerEnergy(0.5) + drift, box, start, tolerance=1e-3)
    evolution.begin_interval(0.5)
    while evolution.time < 0.5:
        evolution.step()
        assert evolution.counts.accepted + evolution.counts.rejected < 300
    assert evolution.density == pytest.approx(np.full(box.shape, start.mean()), rel=1e-13)


@pytest.mark.parametrize("domain", [Box([[0.0, 1.0]], 20), Circle(20)])
def test_diffusion_of_any_speed_keeps_the_mass(domain):
    """Volumes are lost beside such diffusion, but not in the elimination along lines."""
    start = np.random.default_rng(0).exponential(size=20)
    evolution = ImplicitFiniteVolume(Entropy(1e25), domain, start, tolerance=1e-3, reaction=0.0)
    found = advance(evolution, [1.0])[0].fields["density"]
    assert abs(found / start.mean() - 1.0).max() < 8e-16


def test_steps_whose_matrices_are_singular_are_refused(monkeypatch):
    def refuse(matrix):  # noqa: ARG001
        raise RuntimeError

    evolution = ImplicitFiniteVolume(Entropy(), Box([[0.0, 1.0]], 8), np.arange(8.0), tolerance=1e-3)
    monkeypatch.setattr(evolution._matrices, "factorise", refuse)
    with pytest.raises(ComputationError, match=r"no step from t = 0 keeps the density positive"):
        evolution.step()


def test_steps_that_never_grow_are_refused(monkeypatch):
    evolution = ImplicitFiniteVolume(Entropy(), Box([[0.0, 1.0]], 8), np.arange(8.0), tolerance=1e-3)
    solve = evolution._solve
    monkeypatch.setattr(evolution, "_solve", lambda *args: solve(*args) if args[-1] < 1e-12 else None)
    evolution.begin_interval(1.0)
    with pytest.raises(ComputationError, match=r"steps from t = .* to 1 are no longer than \d\.\de-1\d: beyond"):
        while evolution.counts.accepted < 3000:
            evolution.step()


@pytest.mark.parametrize(("stepper", "tolerance"), [("tr_bdf2", 1e-9), ("backward_euler", 1e-6)])
def test_many_steps_lose_no_mass(stepper, tolerance):
    box = Box([[-1.0, 2.0]], 64)
    start = np.random.default_rng(1).exponential(size=64)
    evolution = ImplicitFiniteVolume(Entropy(0.5), box, start, stepper=stepper, tolerance=tolerance)
    while evolution.counts.accepted < 400:
        evolution.step()
    assert abs(math.fsum(evolution.density) / math.fsum(start) - 1.0) < 8e-16
