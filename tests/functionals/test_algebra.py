"""Functionals as vectors: factors, differences and sums are the functionals with other parameters, to the last bit."""

from __future__ import annotations

import re

import numpy as np
import pytest

import wgflow

TORUS = wgflow.Box([(0.0, 2.0 * np.pi)], 24, periodic=True)
BOX = wgflow.Box([(-1.0, 1.0), (-1.0, 2.0)], (6, 8))
CIRCLE, SIGNED = wgflow.Circle(24), wgflow.Signed(wgflow.Circle(16))
INPUTS = np.array([[1.0, 0.2], [-0.3, 1.0], [0.5, -0.8], [-1.0, -0.1]])
LABELS, VALUES = np.array([1.0, -1.0, -1.0, 1.0]), np.array([0.3, -0.2, 0.7, 0.1])
RELU = wgflow.Relu(INPUTS)
TEACHER = wgflow.Teacher.from_angles([0.5, 2.9], [1.0, -0.5])
SAMPLES = wgflow.Particles([[0.1, 0.3], [-0.4, 0.9]], [0.5, 0.25])


def well(factor):
    return wgflow.Potential(lambda x: factor * (x**4).sum(axis=-1))


def attraction(factor, **options):
    def gradient(z):
        return -2.0 * factor * z * np.exp(-(z**2).sum(axis=-1))[:, None]

    return wgflow.Interaction(lambda z: factor * np.exp(-(z**2).sum(axis=-1)), gradient=gradient, **options)


def zonal(factor):
    return wgflow.ZonalInteraction(lambda c: factor * np.exp(c), gradient=lambda c: factor * np.exp(c))


def averaged(factor):
    def on_cells(spacing):
        return lambda z: factor * np.cos(z[:, 0]) * spacing[0]

    return wgflow.Interaction(lambda z: factor * np.cos(z[:, 0]), on_cells=on_cells)


def cosh(factor):
    def value(r):
        return factor * (np.cosh(r) - 1.0)

    return wgflow.DensityEnergy(value, gradient=lambda r: factor * np.sinh(r), hessian=lambda r: factor * np.cosh(r))


BUILT = {  # half of a functional, where one parameter is the factor
    "mass": (wgflow.Mass(0.7), wgflow.Mass(0.35), BOX),
    "potential": (well(1.0), well(0.5), BOX),
    "interaction": (attraction(1.0), attraction(0.5), BOX),
    "averages over cells": (averaged(1.0), averaged(0.5), TORUS),
    "zonal interaction": (zonal(1.0), zonal(0.5), CIRCLE),
    "entropy": (wgflow.Entropy(1.5), wgflow.Entropy(0.75), BOX),
    "power": (wgflow.PowerEnergy(1.5, 3.0), wgflow.PowerEnergy(1.5, 1.5), BOX),
    "own energy": (cosh(1.0), cosh(0.5), BOX),
    "kernel discrepancy": (
        wgflow.KernelDiscrepancy(attraction(1.0), SAMPLES),
        wgflow.KernelDiscrepancy(attraction(0.5), SAMPLES),
        BOX,
    ),
    "sum": (well(1.0) + wgflow.Entropy(1.5), well(0.5) + wgflow.Entropy(0.75), BOX),
}
OTHERS = {  # those of which half is known by its values alone
    "square": (wgflow.Features(RELU, VALUES), SIGNED),
    "logistic": (wgflow.Features(RELU, LABELS, "logistic"), SIGNED),
    "softmin": (wgflow.Features(RELU, LABELS, "softmin"), SIGNED),
    "quadratic": (wgflow.Quadratic([[1.0, 0.3], [0.3, 0.5]]), CIRCLE),
    "population": (wgflow.Population(TEACHER), SIGNED),
    "sobolev": (wgflow.SobolevDiscrepancy(np.ones(24), 1.0), CIRCLE),
    "deconvolution": (
        wgflow.Deconvolution(wgflow.DirichletKernel(3), wgflow.Particles([[1.0]], [1.0]), TORUS),
        TORUS,
    ),
    **{name: (functional, domain) for name, (functional, _, domain) in BUILT.items()},
}
NO_PARTICLES = {"power", "own energy", "sobolev"}


def density_on(domain, seed=3):
    return np.random.default_rng(seed).exponential(size=domain.shape)


def particles_on(domain):
    return wgflow.draw_particles(domain, np.ones(domain.shape), 7, 5)


def everything(bound, density, rate):
    """All that a functional on a grid tells, at a density and along a rate."""
    potential, change, nonlocal_change = (np.empty(density.shape) for _ in range(3))
    energy = bound.evaluate(density, potential)
    bound.hessian(rate, change)
    bound.nonlocal_hessian(rate, nonlocal_change)
    local = bound.local_curvature()
    return [energy, potential, change, nonlocal_change, local, bound.penalty(density), bound.scale(density)]


@pytest.mark.parametrize("name", BUILT)
def test_half_of_a_functional_is_the_one_with_half_of_its_parameter(name):
    functional, halved, domain = BUILT[name]
    density, rate = density_on(domain), density_on(domain, 4) - 1.0
    expected = everything(halved.on_grid(domain), density, rate)
    for half in (0.5 * functional, functional * 0.5, functional / 2.0, np.float64(0.5) * functional):
        for found, value in zip(everything(half.on_grid(domain), density, rate), expected, strict=True):
            assert np.array_equal(found, value)
    if name not in NO_PARTICLES:
        found, there = (one.at_particles(particles_on(domain)) for one in (0.5 * functional, halved))
        assert found.energy == there.energy
        assert np.array_equal(found.potential, there.potential)
        assert np.array_equal(found.gradient, there.gradient)
    assert (0.5 * functional).temperature == halved.temperature


@pytest.mark.parametrize("name", OTHERS)
def test_a_factor_multiplies_all_that_a_functional_tells(name):
    functional, domain = OTHERS[name]
    density, rate = density_on(domain), density_on(domain, 4) - 1.0
    whole = everything(functional.on_grid(domain), density, rate)
    double = everything((2.0 * functional).on_grid(domain), density, rate)
    assert all(np.array_equal(2.0 * one, two) for one, two in zip(whole, double, strict=True))
    if name not in NO_PARTICLES:
        one, two = (part.at_particles(particles_on(domain)) for part in (functional, 2.0 * functional))
        assert two.energy == 2.0 * one.energy
        assert np.array_equal(two.potential, 2.0 * one.potential)
        assert np.array_equal(two.gradient, 2.0 * one.gradient)
    assert (2.0 * functional).has_risk == functional.has_risk
    assert (2.0 * functional).penalty(3.0) == 2.0 * functional.penalty(3.0)


@pytest.mark.parametrize("name", OTHERS)
def test_factors_keep_the_kind_of_a_functional_and_cancel(name):
    functional, domain = OTHERS[name]
    back = 0.5 * (2.0 * functional)
    assert type(back) is type(functional)
    assert np.array_equal(
        back.on_grid(domain).first_variation(density_on(domain)),
        functional.on_grid(domain).first_variation(density_on(domain)),
    )


class Spring(wgflow.Functional):
    """A functional of somebody else: half the square of the mass, with a temperature."""

    temperature = 0.25

    def on_grid(self, domain):
        return wgflow.Interaction(lambda z: np.ones(len(z))).on_grid(domain)

    def at_particles(self, particles):
        return wgflow.Interaction(lambda z: np.ones(len(z)), gradient=np.zeros_like).at_particles(particles)

    def penalty(self, mass):
        return 0.5 * mass**2

    def sampled(self, *_):
        return self


def test_functionals_of_others_have_factors_and_keep_what_they_can():
    half, density = 0.5 * Spring(), density_on(BOX)
    whole = everything(Spring().on_grid(BOX), density, density)
    for found, value in zip(everything(half.on_grid(BOX), density, density), whole, strict=True):
        assert np.array_equal(found, 0.5 * value)
    there = half.at_particles(SAMPLES)
    assert there.energy == 0.5 * Spring().at_particles(SAMPLES).energy
    assert half.temperature == 0.125
    assert half.penalty(2.0) == 1.0
    assert (2.0 * half).on_grid(BOX).value(density) == Spring().on_grid(BOX).value(density)
    with pytest.raises(wgflow.InputError, match=r"-1 \* Spring is not allowed: diffusion"):
        -Spring()
    noisy = wgflow.simulate(half, SAMPLES, 0.1, domain=BOX, method=wgflow.Langevin(0.05, batch=2), times=[0.1])
    assert noisy.position.shape == (2, 2, 2)


def test_differences_and_sums():
    density = density_on(BOX)

    def of(functional):
        return functional.on_grid(BOX).first_variation(density)

    first, second = well(1.0), attraction(1.0)
    assert np.array_equal(of(first - second), of(first) - of(second))
    assert np.array_equal(of(-first), -of(first))
    assert np.array_equal(of(sum([first, second, wgflow.Entropy()])), of(first + second + wgflow.Entropy()))
    assert np.array_equal(of(0 - first), of(-first))
    assert first - 0 is first
    assert sum([first]) is first
    assert len((first + (second + wgflow.Mass(1.0))).terms) == 3


REFUSED = {
    "Potential + 3 is not allowed: functionals take functionals alone": lambda: well(1.0) + 3,
    "3 + Potential is not allowed": lambda: 3 + well(1.0),
    "Potential - 3 is not allowed": lambda: well(1.0) - 3,
    "3 - Potential is not allowed": lambda: 3 - well(1.0),
    "Potential + the function zonal is not allowed": lambda: well(1.0) + zonal,
    "Potential * array([1., 2.]) is not allowed": lambda: np.array([1.0, 2.0]) * well(1.0),
    "Potential * nan is not allowed": lambda: np.nan * well(1.0),
    "Potential * 'a' is not allowed": lambda: well(1.0) * "a",
    "Potential * Potential": lambda: well(1.0) * well(1.0),
    "Potential / 0 is not allowed": lambda: well(1.0) / 0,
    "-1 * Entropy is not allowed: diffusion does not run backwards": lambda: well(1.0) - wgflow.Entropy(),
    "-2 * PowerEnergy is not allowed: diffusion": lambda: -2 * wgflow.PowerEnergy(2.0),
    "-1 * DensityEnergy is not allowed: diffusion": lambda: -cosh(1.0),
    "0 * Entropy is not allowed": lambda: 0 * wgflow.Entropy(),
    "-1 * Features is not allowed: a flow lowers risks": lambda: -wgflow.Features(RELU, VALUES),
    "-1 * Population is not allowed": lambda: -wgflow.Population(TEACHER),
    "-1 * SobolevDiscrepancy is not allowed": lambda: -wgflow.SobolevDiscrepancy(np.ones(24), 1.0),
    "-1 * KernelDiscrepancy is not allowed": lambda: -wgflow.KernelDiscrepancy(attraction(1.0), SAMPLES),
    "strength = inf of Mass is not allowed": lambda: wgflow.Mass(np.inf),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_vector_is_refused_at_once(message):
    with pytest.raises(wgflow.InputError, match=re.escape(message.replace("Potential * Potential", "Potential * "))):
        REFUSED[message]()


def cosine(x):
    return 1.0 + 0.5 * np.cos(x[..., 0])


@pytest.mark.parametrize("stepper", ["backward_euler", "tr_bdf2", "ssprk43"])
def test_steps_of_finite_volumes_know_what_was_multiplied(stepper):
    def run(functional):
        return wgflow.solve(functional, TORUS, cosine, 0.1, stepper=stepper, times=[0.1])

    wave = wgflow.Potential(lambda x: np.cos(x[:, 0]))
    half_wave = wgflow.Potential(lambda x: 0.5 * np.cos(x[:, 0]))
    halved = half_wave + wgflow.Entropy(0.25) + wgflow.PowerEnergy(2.0, 0.5)
    found = run(0.5 * (wave + wgflow.Entropy(0.5) + wgflow.PowerEnergy(2.0)))
    assert np.array_equal(found.density, run(halved).density)


@pytest.mark.parametrize("scheme", ["dual", "linearised"])
def test_variational_steps_and_certificates_know_what_was_multiplied(scheme):
    risk = wgflow.Quadratic([[1.0, 0.2], [0.2, 0.5]])  # half a sum of four squares: four times half their average
    plain = 4.0 * wgflow.Features(risk.fn, risk.targets) + wgflow.Mass(0.05)
    factored = 0.5 * (2.0 * risk + wgflow.Mass(0.1))
    options = {"tau": 0.1, "scheme": scheme, "times": [0.2]}
    one, two = (wgflow.solve_jko(part, CIRCLE, np.ones(24), 0.2, **options) for part in (plain, factored))
    assert np.array_equal(one.density, two.density)
    found, expected = (wgflow.certify(part, CIRCLE, one.density[-1]) for part in (plain, factored))
    assert (found.gap, found.dual_bound, found.scope) == (expected.gap, expected.dual_bound, "all")


@pytest.mark.parametrize("name", ["square", "logistic", "population"])
def test_certificates_scale(name):
    risk, domain = OTHERS[name]
    density = density_on(domain)
    one, two = (wgflow.certify(factor * (risk + wgflow.Mass(0.25)), domain, density) for factor in (1.0, 2.0))
    assert one.scope == two.scope == "all"
    assert (two.value, two.linear_bound) == (2.0 * one.value, 2.0 * one.linear_bound)
    assert two.dual_bound == pytest.approx(2.0 * one.dual_bound, rel=1e-12)


def test_least_values_scale():
    risk = OTHERS["square"][0] + wgflow.Mass(0.1)
    one, two = (wgflow.find_optimum(factor * risk, SIGNED, tolerance=1e-3) for factor in (1.0, 2.0))
    assert two.value == pytest.approx(2.0 * one.value, rel=1e-9)


def test_noise_knows_the_factor_of_an_entropy():
    method = wgflow.Langevin(0.01, seed=3)
    one, two = (
        wgflow.simulate(functional, SAMPLES, 0.05, domain=BOX, method=method, times=[0.05])
        for functional in (2.0 * (well(1.0) + wgflow.Entropy(0.125)), well(2.0) + wgflow.Entropy(0.25))
    )
    assert np.array_equal(one.position, two.position)


def test_batches_know_the_factor():
    method = wgflow.Descent(0.01, batch=2, seed=1)
    start = wgflow.draw_particles(SIGNED, np.ones(SIGNED.shape), 4, 5)
    for name in ("square", "population"):
        one = wgflow.simulate(2.0 * OTHERS[name][0], start, 0.02, method=method, times=[0.02])
        slow = wgflow.simulate(OTHERS[name][0], start, 0.04, method=wgflow.Descent(0.02, batch=2, seed=1), times=[0.04])
        assert np.array_equal(one.position[-1], slow.position[-1])
