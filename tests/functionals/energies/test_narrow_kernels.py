"""Kernels narrower than a cell: averages in closed form, energies of smooth densities, warnings elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ive

import wgflow
from tests.references import central_difference
from wgflow.domains import Box, Circle, Sphere
from wgflow.errors import FlowWarning, InputError
from wgflow.functionals import Interaction, KernelDiscrepancy, ZonalInteraction
from wgflow.functionals.energies.radial_kernels import GaussianKernel, PowerKernel, SumKernel
from wgflow.measures import Particles

WIDTHS = [1e-9, 0.003, 0.01, 0.02, 0.024]


def interaction(kernel):
    return Interaction(kernel, on_cells=kernel.on_cells)


def normal(z, variance):
    return np.exp(-0.5 * z**2 / variance) / math.sqrt(2.0 * math.pi * variance)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("z", [0.0, 0.03, -0.06, 0.011])
def test_a_gaussian_is_averaged_over_a_cell(width, z):
    kernel = GaussianKernel(2.0, width)
    low, high = abs(z) - 0.015, abs(z) + 0.015
    if kernel.narrow(0.03):
        near = [point for point in (0.0, *(width * np.arange(-8.0, 9.0))) if low < point < high]
        expected = quad(lambda x: 2.0 * np.exp(-0.5 * (x / width) ** 2), low, high, points=near or None)[0] / 0.03
    else:
        expected = 2.0 * np.exp(-0.5 * (z / width) ** 2)
    assert kernel.on_cells((0.03,))(np.array([[z]]))[0] == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_only_the_axes_of_wide_cells_are_averaged():
    kernel, z = GaussianKernel(1.0, 0.1), np.array([[0.1, 0.2, 0.05], [-0.1, 0.0, 0.0]])
    line = kernel.on_cells((0.3,))
    expected = line(z[:, :1]) * kernel(z[:, 1:2]) * line(z[:, 2:])
    assert kernel.on_cells((0.3, 0.1, 0.3))(z) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("periodic", [False, True])
def test_a_narrow_gaussian_has_the_energy_and_potential_of_a_smooth_density(width, periodic):
    # Averages over cells add at most the variance h^2 / 12 to W: that is the error, whatever the width.
    for cells in (100, 200):
        box = Box([[-1.5, 1.5]], cells, periodic=periodic)
        x, kernel, added = box.axes[0], GaussianKernel(1.0 / width, width), box.spacing[0] ** 2 / 12.0
        bound, density = interaction(kernel).on_grid(box), normal(box.axes[0], 0.04)
        exact = 0.5 * normal(0.0, 0.08 + width**2)
        scale = math.sqrt(2.0 * math.pi)
        assert abs(bound.value(density) / (scale * exact) - 1.0) < 1.02 * 0.5 * added / 0.08
        error = abs(bound.first_variation(density) / scale - normal(x, 0.04 + width**2)).max()
        assert error < 1.02 * 0.5 * added / 0.04 * normal(0.0, 0.04)


def integral_on_circle(width):
    """Of exp(-|x - y|^2 / (2 s^2)) = exp(-k) exp(k cos), with k = 1 / s^2, of whose last factor I_0(k) is the mean."""
    k = width**-2.0
    return 2.0 * math.pi * ive(0, k) if k < 1e9 else math.sqrt(2.0 * math.pi) * width


@pytest.mark.parametrize("width", [1e-6, 0.01, 0.05])
@pytest.mark.parametrize("cells", [40, 41])
def test_a_narrow_gaussian_on_a_circle_has_its_integral(width, cells):
    circle, kernel = Circle(cells), GaussianKernel(3.0, width)
    assert kernel.narrow(circle.spacing)
    exact = 3.0 * integral_on_circle(width)
    bound = kernel.zonal().on_grid(circle)
    assert bound.first_variation(np.ones(cells)) == pytest.approx(exact, rel=5e-11)
    single = bound.first_variation(np.eye(cells)[0]) / circle.spacing
    arc = quad(lambda t: 3.0 * np.exp(-2.0 * np.sin(0.5 * t) ** 2 / width**2), 0.0, 0.5 * circle.spacing, limit=200,
               points=width * np.arange(1.0, 12.0)[width * np.arange(1.0, 12.0) < 0.5 * circle.spacing])[0]  # fmt: skip
    assert single[0] == pytest.approx(2.0 * arc / circle.spacing, rel=1e-10)


@pytest.mark.parametrize("angle", [0.0, 0.03, 0.2])
def test_arcs_around_a_sample_may_hold_it_anywhere(angle):
    kernel, circle = GaussianKernel(1.0, 0.02), Circle(24)
    sample = Particles(np.array([[math.cos(angle), math.sin(angle)]]), np.array([0.5]), np.ones(1))
    values, energy = kernel.zonal().of_samples(circle, sample)
    assert values.sum() * circle.spacing == pytest.approx(0.5 * integral_on_circle(0.02), rel=1e-9)
    assert energy == 0.5 * 0.25


@pytest.mark.parametrize("kernel", [PowerKernel(0.0, 1.0, 0.001), PowerKernel(-1.5, 1.0, 0.003), PowerKernel(0.5)])
def test_rounded_powers_are_averaged_on_lines_and_circles(kernel):
    def integral(function, end):
        points = [end * 0.5**k for k in range(1, 25)]
        return 2.0 * quad(function, 0.0, end, points=points, limit=400)[0]

    line = kernel.on_cells((0.1,))(np.zeros((1, 1)))[0]
    exact = integral(lambda x: kernel(np.array([[x]]))[0], 0.05) / 0.1
    assert line == pytest.approx(exact, rel=4e-13)
    circle = Circle(60)
    total = integral(lambda t: kernel.of_square(np.array([4.0 * np.sin(0.5 * t) ** 2]))[0], math.pi)
    assert kernel.zonal().on_grid(circle).first_variation(np.ones(60)) == pytest.approx(total, rel=4e-13)
    assert SumKernel((kernel, kernel)).on_arcs(0.1)(np.zeros(1))[0] == pytest.approx(
        2.0 * kernel.on_arcs(0.1)(np.zeros(1))[0]
    )


def test_a_rounded_power_is_averaged_in_the_plane():
    kernel = PowerKernel(0.0, 1.0, 0.01)  # log of sqrt(r^2 + e^2): over a disk of radius R, with s = R^2 + e^2,
    sides = (0.2, 0.2)  # (s log s - s - e^2 log e^2 + e^2) / (2 R^2); the corners of the square are smooth

    def on_disk(radius):
        s, e = radius**2 + 1e-4, 1e-4
        return 0.5 * (s * math.log(s) - s - e * math.log(e) + e) * math.pi

    nodes, weights = np.polynomial.legendre.leggauss(40)
    angle = 0.125 * math.pi * (nodes + 1.0)
    edge = 0.1 / np.cos(angle)
    square = 8.0 * sum(
        0.125 * math.pi * weight * on_disk(length) / (2.0 * math.pi)
        for weight, length in zip(weights, edge, strict=True)
    )
    assert kernel.on_cells(sides)(np.zeros((1, 2)))[0] == pytest.approx(square / 0.04, rel=1e-10)


@pytest.mark.parametrize("shape", [(8, 8), (8, 7), (6, 9), (8, 6, 4)])
def test_potentials_are_derivatives_where_a_kernel_jumps_at_half_a_period(shape):
    def kernel(z):
        return np.exp(-(z**2).sum(axis=-1)) + z[:, 0] * z[:, 1] ** 3 + np.sin(3.0 * z[:, 0] + z[:, -1]) ** 2 + z[:, 1]

    generator = np.random.default_rng(0)
    box = Box([[0.0, 1.0 + axis] for axis in range(len(shape))], shape, periodic=[True, False, True][: len(shape)])
    for wraps in (box, Box(box.bounds, shape, periodic=True)):
        bound, (density, change) = Interaction(kernel).on_grid(wraps), generator.random((2, *shape))
        slope = (bound.first_variation(density) * change * wraps.volumes).sum()
        found = central_difference(lambda s, b=bound, d=density, c=change: b.value(d + s * c), 1e-2)
        assert found == pytest.approx(slope, rel=1e-11)


def test_at_half_a_period_cells_take_the_mean_of_all_sides():
    box = Box([[0.0, 2.0], [0.0, 2.0]], (4, 4), periodic=True)
    values = Interaction(lambda z: z[:, 0] * z[:, 1]).on_grid(box).first_variation(np.eye(16)[0].reshape(4, 4))
    line = np.array([0.0, 0.5, 0.0, -0.5])
    assert abs(values / 0.25 - np.outer(line, line)).max() < 1e-15


def test_narrow_kernels_of_discrepancies_are_averaged_and_their_samples_are_not():
    box, kernel = Box([[0.0, 1.0]], 20), GaussianKernel(1.0, 0.002)
    sample = Particles(np.array([[0.512]]), np.ones(1), np.ones(1))
    bound = KernelDiscrepancy(interaction(kernel), sample).on_grid(box)
    empty = np.zeros(20)
    assert bound.value(empty) == 0.5
    # A cell of length .05 holds the sample: J there is minus the integral of k over its length.
    assert bound.first_variation(empty)[10] == pytest.approx(-math.sqrt(2.0 * math.pi) * 0.002 / 0.05, rel=1e-8)


NARROW = {
    "a line": lambda: Interaction(lambda z: np.exp(-0.5 * (z[:, 0] / 0.01) ** 2)).on_grid(Box([[0.0, 1.0]], 20)),
    "a ring": lambda: Interaction(lambda z: np.exp(-0.5 * ((abs(z[:, 0]) - 0.2) / 0.01) ** 2)).on_grid(
        Box([[0.0, 1.0]], 20, periodic=True)
    ),
    "a circle": lambda: ZonalInteraction(lambda c: np.exp(500.0 * (c - 1.0))).on_grid(Circle(20)),
    "a sphere": lambda: ZonalInteraction(lambda c: np.exp(500.0 * (c - 1.0))).on_grid(Sphere(162)),
}


@pytest.mark.parametrize("make", NARROW.values(), ids=NARROW)
def test_kernels_without_averages_warn_where_cells_are_too_wide(make):
    with pytest.warns(FlowWarning, match=r"kernel varies within a cell of size 0\.\d+.* by about \d+%"):
        make()


@pytest.mark.parametrize("term", ["interaction", "kernel"])
def test_gaussians_narrower_than_the_cells_of_a_sphere_are_refused(term):
    target = {"target": {"kind": "uniform"}} if term == "kernel" else {}
    sections = {
        "problem": {"kind": "energy", term: {"kind": "gaussian", "width": 0.05, **target}},
        "domain": {"kind": "sphere", "cells": 642},
        "solver": {"t_end": 0.1},
    }
    with pytest.raises(InputError, match=rf"\[problem.{term}\] width = 0.05 .* 642 cells.* width >= 0.105"):
        wgflow.open_problem(sections)
