"""The population risk on the sphere: harmonic and dense convolutions against matrices of the kernel and each other."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import wgflow
from wgflow import Population, Signed, Sphere, Teacher, solve
from wgflow.functionals.zonal import HarmonicConvolution, largest_degree
from wgflow.measures import Particles
from wgflow.networks import zonal_convolution as zonal
from wgflow.networks.arc_cosine import PairSums
from wgflow.networks.population import arc_cosine_kernel
from wgflow.networks.zonal_convolution import kernel_coefficients, zonal_convolution

TEACHER = Teacher(np.array([[1.0, 0.5, -0.3], [-0.2, 0.8, 0.6]]), np.array([1.0, -0.7]))


def test_coefficients_equal_quadrature_of_the_kernel():
    """Funk and Hecke: 2 pi times the integral of k(t) P_l(t) over [-1, 1], with t = cos p to smooth the end at 1."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    angle, weights = 0.5 * np.pi * (nodes + 1.0), 0.5 * np.pi * weights
    values = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2.0 * np.pi)
    polynomials = np.polynomial.legendre.legvander(np.cos(angle), 60)
    expected = 2.0 * np.pi * (weights * np.sin(angle) * values) @ polynomials
    np.testing.assert_allclose(kernel_coefficients(60), expected, atol=1e-14, rtol=2.7e-8)


@pytest.mark.parametrize("cells", [12, 162, 642])
def test_harmonic_sums_equal_the_dense_sum(cells):
    """Even for one Dirac mass the rest of the kernel is what its bound says."""
    sphere = Sphere(cells)
    kernel, convolve = arc_cosine_kernel(sphere.points, sphere.points), HarmonicConvolution(sphere, kernel_coefficients)
    bound = 0.16 * largest_degree(cells) ** -3.0
    values = np.empty(cells)
    for mass in (np.random.default_rng(0).normal(size=cells), np.eye(cells)[3]):
        convolve(mass, values)
        assert abs(values - kernel @ mass).max() <= bound * abs(mass).sum()
    assert abs(values - kernel[3]).max() > 0.1 * bound


def test_harmonic_sums_are_symmetric_positive_and_the_same_each_time():
    cells = 2562
    convolve = HarmonicConvolution(Sphere(cells), kernel_coefficients)
    first, second = np.random.default_rng(1).normal(size=(2, cells))
    images, again = np.empty((2, cells)), np.empty(cells)
    convolve(first, images[0])
    convolve(second, images[1])
    assert first @ images[1] == pytest.approx(second @ images[0], abs=1e-14 * abs(first).sum())
    assert first @ images[0] > 0.0
    for _ in range(20):
        convolve(first, again)
        np.testing.assert_array_equal(again, images[0])


def test_pair_sums_equal_the_dense_sum():
    sphere = Sphere(642)
    mass = np.random.default_rng(2).normal(size=642)
    values = np.empty(642)
    PairSums(sphere.points, sphere.points)(mass, values)
    expected = arc_cosine_kernel(sphere.points, sphere.points) @ mass
    assert abs(values - expected).max() <= 1e-14 * abs(mass).sum()


def test_without_the_library_all_pairs_are_summed(monkeypatch):
    assert isinstance(zonal_convolution(Sphere(42)), HarmonicConvolution)
    monkeypatch.setattr(zonal, "find_spec", lambda name: None if name == "ducc0" else importlib.util.find_spec(name))
    assert isinstance(zonal_convolution(Sphere(42)), PairSums)
    density = np.full(642, 0.1)
    dense = Population(TEACHER).on_grid(Sphere(642)).first_variation(density)
    monkeypatch.undo()
    fast = Population(TEACHER).on_grid(Sphere(642)).first_variation(density)
    np.testing.assert_allclose(fast, dense, atol=6.3e-10, rtol=6.3e-9)
    assert abs(dense).max() > 0.1


@pytest.mark.parametrize("domain", [Sphere(162), Signed(Sphere(162))], ids=["sphere", "signed"])
def test_the_grid_has_the_risk_and_potential_of_its_cells_as_particles(domain):
    density = np.random.default_rng(3).random(domain.shape)
    signs = np.repeat(domain.signs, 162)
    points = np.tile(domain.base.points, (domain.sheets, 1))
    cells = Particles(points, (density * domain.volumes).ravel(), signs)
    grid, particles = Population(TEACHER).on_grid(domain), Population(TEACHER).at_particles(cells)
    assert grid.value(density) == pytest.approx(particles.energy, abs=4.2e-8)
    np.testing.assert_allclose(grid.first_variation(density).ravel(), particles.potential, atol=1.9e-8, rtol=1.9e-9)


def test_the_potential_is_the_derivative_of_the_risk():
    sphere = Sphere(642)
    grid = Population(TEACHER).on_grid(sphere)
    generator = np.random.default_rng(4)
    density, change = generator.random(642), generator.normal(size=642)
    slope = 0.5 * (grid.value(density + change) - grid.value(density - change))  # exact: F is quadratic
    assert slope == pytest.approx(grid.first_variation(density) @ (change * sphere.volumes), rel=3.4e-15)
    curvature = np.empty(642)
    grid.evaluate(density, np.empty(642))
    grid.hessian(change, curvature)
    difference = grid.first_variation(density + change) - grid.first_variation(density)
    np.testing.assert_allclose(curvature, difference, atol=1e-14 * abs(change).sum(), rtol=4.9e-14)


@pytest.mark.parametrize("velocity", ["two_point", "midpoint"])
def test_a_teacher_of_three_inputs_is_learned_on_the_signed_sphere(velocity):
    domain = Signed(Sphere(162))
    density = np.full(domain.shape, 1.0 / (8.0 * np.pi))
    trajectory = solve(Population(TEACHER), domain, density, 5.0, times=[1.0], velocity=velocity)
    assert (np.diff(trajectory.energy) < 0.0).all()
    assert trajectory.density.min() >= 0.0
    assert 0.0 < trajectory.risk[-1] < 0.06 * trajectory.risk[0]
    positive = domain.base.points[trajectory.density[-1, 0].argmax()]
    first = TEACHER.directions[0] / np.linalg.norm(TEACHER.directions[0])
    assert positive @ first > 0.95


def test_grid_and_particles_agree_on_a_problem_file():
    content = {
        "problem": {
            "kind": "two_layer",
            "data": "gaussian_teacher",
            "teacher": {"directions": TEACHER.directions.tolist(), "weights": TEACHER.weights.tolist()},
        },
        "domain": {"kind": "sphere", "cells": 642, "signed": True},
        "solver": {"t_end": 2.0},
        "output": {"snapshots": 3},
        "particles": {"count": 800, "start": "quasi_random"},
    }
    grid = wgflow.run(content)
    network = wgflow.run({**content, "solver": {"t_end": 2.0, "kind": "particles"}})
    np.testing.assert_allclose(grid.risk, network.risk, rtol=0.02)
    assert grid.risk[-1] < 0.6 * grid.risk[0]
