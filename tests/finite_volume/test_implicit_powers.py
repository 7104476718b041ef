"""Fluxes of drift and powers of the density: their formula, monotony, dissipation, and the limits of strong drift."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from tests.references import advance
from wgflow import Entropy, Potential, PowerEnergy
from wgflow.domains import Box, Circle
from wgflow.finite_volume import ImplicitFiniteVolume
from wgflow.finite_volume.implicit_powers import DriftFaces, InternalTerms
from wgflow.finite_volume.implicit_space import DiffusionFluxes

SUMS = [
    (PowerEnergy(0.5),),
    (PowerEnergy(0.8, 2.0),),
    (PowerEnergy(1.3),),
    (PowerEnergy(2.0),),
    (PowerEnergy(4.0, 0.1),),
    (Entropy(0.3), PowerEnergy(2.0)),
    (Entropy(0.1), PowerEnergy(3.0), PowerEnergy(0.6, 0.2)),
]


def plain_flux(exponent, left, right, drift):
    """The flux with U = rho^m / (m - 1), by numerical integration."""

    def pressure(density):
        return density**exponent

    def slope(density):
        return exponent / (exponent - 1.0) * density ** (exponent - 1.0)

    free = drift * left + pressure(left) - pressure(right)
    free -= quad(lambda s: min(exponent * s ** (exponent - 1.0), 0.5 * drift), right, left, epsabs=1e-13, limit=200)[0]
    fall = drift + slope(left) - slope(right)
    if fall < 0.0:
        nearest = max(0.5 * right * fall, 0.5 * (drift * left + pressure(left) - pressure(right)))
        return min(max(free, 2.0 * right * fall), nearest)
    return min(max(free, 0.5 * left * fall), 2.0 * left * fall) if left < right else free


@pytest.mark.parametrize("exponent", [0.5, 1.4, 2.0, 3.0])
def test_fluxes_of_powers_with_a_drift(exponent):
    circle, generator = Circle(12), np.random.default_rng(4)
    density = generator.exponential(size=12) ** 2 + 1e-3
    potential = 8.0 * generator.random(12) ** 2
    fluxes = DiffusionFluxes(PowerEnergy(exponent) + Potential(lambda _: potential), circle, 0.7)
    expected = np.zeros(12)
    for cell in range(12):
        drift = potential[cell] - potential[(cell + 1) % 12]
        left, right = (cell, (cell + 1) % 12) if drift > 0.0 else ((cell + 1) % 12, cell)
        through = 0.7 / circle.spacing**2 * plain_flux(exponent, density[left], density[right], abs(drift))
        expected[left], expected[right] = expected[left] - through, expected[right] + through
    assert fluxes.rate(density) == pytest.approx(expected, rel=1e-9)


def internal(terms):
    powers = [term for term in terms if isinstance(term, PowerEnergy)]
    return InternalTerms(powers, sum(term.temperature for term in terms), 1.0)


def flux(terms, left, right, drift):
    return float(DriftFaces(internal(terms), *(np.array([x]) for x in (left, right, drift))).flux[0])


densities = st.one_of(st.just(0.0), st.floats(-12.0, 1.5).map(lambda x: 10.0**x))
drifts = st.one_of(st.just(0.0), st.floats(-6.0, 3.0).map(lambda x: 10.0**x))


@given(st.sampled_from(SUMS), densities, densities, drifts, st.floats(1.0, 3.0))
@settings(max_examples=100)
def test_fluxes_are_monotone_and_lower_the_energy(terms, left, right, drift, factor):
    found = flux(terms, left, right, drift)
    ends = np.array([left, right])
    pressures, slopes = internal(terms).pressure(ends), internal(terms).slope(ends)
    round_off = 1e-13 * (drift * (left + right) + pressures.sum())
    assert flux(terms, factor * left, right, drift) >= found - round_off
    assert flux(terms, left, factor * right, drift) <= found + round_off
    assert found * (drift + slopes[0] - slopes[1]) >= -round_off * (drift + abs(slopes).sum())
    assert flux(terms, left, left, drift) == pytest.approx(drift * left, rel=1e-12)
    assert flux(terms, 0.0, right, drift) <= 0.0 <= flux(terms, left, 0.0, drift)


@given(st.sampled_from(SUMS), densities, densities, drifts)
@settings(max_examples=100)
def test_their_matrices_are_of_positive_type(terms, left, right, drift):
    for slope in DriftFaces(internal(terms), *(np.array([x]) for x in (left, right, drift))).slopes():
        assert np.isfinite(slope).all()
        assert (slope >= -1e-14 * drift).all()


@pytest.mark.parametrize(("exponent", "strength"), [(2.0, 1e-8), (2.0, 1e-3), (1.5, 1e-8), (3.0, 1e-300)])
def test_weak_diffusion_in_a_strong_drift_is_upwind_transport(exponent, strength):
    """A block moves with speed 1 and does not rise; that of cells converges like transport with the variance h t."""
    errors = []
    for cells in (100, 200):
        box = Box([[0.0, 4.0]], cells)
        weak = PowerEnergy(exponent, strength) + Potential(lambda x: -x[:, 0])
        start, exact = (1.0 * (abs(box.axes[0] - centre) < 0.5) for centre in (1.0, 2.0))
        evolution = ImplicitFiniteVolume(weak, box, start, tolerance=1e-4)
        found = advance(evolution, [1.0])[0].fields["density"]
        assert found.max() <= 1.0 + 1e-6
        errors.append(abs(found - exact).sum() * box.spacing[0])
    # Both edges widen to normal distributions: |erf| integrates to 2 sqrt(2 h t / pi).
    assert errors == pytest.approx([2.0 * np.sqrt(2.0 * h / np.pi) for h in (0.04, 0.02)], rel=7.4e-3)


@pytest.mark.parametrize("drift", [0.1, 3.0, 40.0])
@pytest.mark.parametrize("exponent", [1.2, 1.5, 2.0, 3.0])
def test_fluxes_vanish_at_rest_and_change_their_sign_there(exponent, drift):
    """H(b) = H(a) + w."""
    factor = exponent / (exponent - 1.0)
    for left in (1e-4, 0.1, 2.0):
        right = (left ** (exponent - 1.0) + drift / factor) ** (1.0 / (exponent - 1.0))
        terms = (PowerEnergy(exponent),)
        round_off = 1e-14 * drift * right
        assert flux(terms, left, right, drift) == pytest.approx(0.0, abs=round_off)
        assert flux(terms, left, right * (1.0 - 1e-3), drift) > round_off * left
        assert flux(terms, left, right * (1.0 + 1e-3), drift) < -round_off * left
