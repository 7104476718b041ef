"""Worked as by a stranger: own kernel and potential on a torus to a plot, and samples that flow to samples."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import wgflow

TURN = 2.0 * np.pi


def landscape(x):
    return 0.3 * np.cos(TURN * x[..., 0]) + 0.2 * np.sin(TURN * x[..., 1])


def repulsion(z):
    return 0.4 * np.cos(TURN * z[..., 0]) * np.cos(TURN * z[..., 1])


def test_own_kernel_and_potential_on_a_torus_to_an_xarray_plot():
    """At rest rho is proportional to exp(-V - W * rho), here with the sum over all pairs of cells."""
    pytest.importorskip("xarray")
    torus = wgflow.Box([(0.0, 1.0)] * 2, (12, 12), periodic=True)
    energy = wgflow.Entropy() + wgflow.Potential(landscape) + wgflow.Interaction(repulsion)
    trajectory = wgflow.solve(
        energy, torus, np.ones(torus.shape), 0.5, stepper="tr_bdf2", times=[0.01], tolerance=1e-8, stationarity=1e-12
    )
    points, last = torus.points.reshape(-1, 2), trajectory.density[-1].ravel()
    pairs = repulsion(points[:, None] - points[None])
    gibbs = np.exp(-landscape(points) - pairs @ last / last.size)
    assert last == pytest.approx(gibbs / gibbs.mean(), rel=1e-5)
    assert trajectory.mass == pytest.approx(np.ones(len(trajectory)), rel=1e-12)

    densities = trajectory.to_xarray().density
    assert densities.dims[0] == "time"
    axes = Figure().subplots()
    mesh = densities.isel(time=-1).plot.pcolormesh(ax=axes)
    np.testing.assert_array_equal(np.sort(mesh.get_array().ravel()), np.sort(last))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("coordinate y [1]", "coordinate x [1]")


def bell(z):
    return np.exp(-0.5 * (z**2).sum(axis=-1))


def discrepancy(x, y):
    """Half the squared maximum mean discrepancy of two sets of points."""

    def mean(a, b):
        return bell(a[:, None] - b[None]).mean()

    return 0.5 * (mean(x, x) - 2.0 * mean(x, y) + mean(y, y))


def test_samples_flow_to_samples_in_the_plane():
    generator = np.random.default_rng(4)
    target = generator.normal(size=(25, 2)) * [0.3, 0.8] + [1.0, -0.5]
    start = generator.normal(size=(20, 2)) * 0.5
    plane, weights = wgflow.Space(2), np.full(25, 1.0 / 25.0)
    risk = wgflow.KernelDiscrepancy(wgflow.Interaction(bell), wgflow.Particles(target, weights, np.ones(25)))
    particles = wgflow.Particles(start, np.full(20, 1.0 / 20.0), np.ones(20))
    trajectory = wgflow.simulate(risk, particles, 40.0, domain=plane, reaction=0.0, times=[1.0, 10.0], tolerance=1e-6)
    expected = [discrepancy(x, target) for x in trajectory.position]
    assert trajectory.energy == pytest.approx(expected, rel=1e-10)
    assert (np.diff(trajectory.energy) < 0.0).all()
    assert trajectory.energy[-1] < 3e-3 * trajectory.energy[0]
    assert trajectory.position[-1].mean(axis=0) == pytest.approx(target.mean(axis=0), abs=0.09)
    assert np.cov(trajectory.position[-1].T) == pytest.approx(np.cov(target.T), abs=0.1)
