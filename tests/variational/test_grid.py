"""Variational steps of densities on grids."""

from __future__ import annotations

import numpy as np
import pytest

from tests.references import advance, covariance, gaussian_on_circle
from wgflow.domains import Box, Circle, total_mass
from wgflow.flows.evolution import StepCounts
from wgflow.functionals import Quadratic
from wgflow.variational import GridJkoFlow, JkoOptions

TARGET, START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])


def gaussian(points, matrix):
    form = np.einsum("...i,ij,...j->...", points, np.linalg.inv(matrix), points)
    return np.exp(-0.5 * form) / (2.0 * np.pi * np.sqrt(np.linalg.det(matrix)))


def test_a_density_on_the_circle_follows_the_exact_solution():
    errors = []
    for cells, steps in ((128, 4), (512, 8), (2048, 16)):
        circle = Circle(cells)
        evolution = GridJkoFlow(
            Quadratic(TARGET),
            circle,
            gaussian_on_circle(START, circle.angles),
            options=JkoOptions(0.5 / steps, order=2),
        )
        snapshot = advance(evolution, [0.5])[0]
        exact = gaussian_on_circle(covariance(TARGET, START, 0.5), circle.angles)
        errors.append(abs(snapshot.fields["density"] - exact).sum() / exact.sum())
        assert snapshot.mass == pytest.approx(total_mass(circle, snapshot.fields["density"]), rel=1e-13)
        assert evolution.counts.accepted == steps
    # The deposit blurs what a step stretches: first order in tau, whatever the order of the step.
    assert errors[2] == pytest.approx(4.39e-3, rel=0.02)
    assert errors[0] > 2.0 * errors[1] > 4.0 * errors[2]


def test_mass_on_a_box_is_kept_and_large_steps_are_possible():
    box = Box([(-4.0, 4.0)] * 2, (40, 40))
    evolution = GridJkoFlow(Quadratic(TARGET), box, gaussian(box.points, START), options=JkoOptions(0.25))
    before = evolution.snapshot()
    after = advance(evolution, [1.0])[0]
    assert after.mass == pytest.approx(before.mass, rel=1e-13)
    assert after.energy < 0.4 * before.energy
    assert after.fields["density"].min() >= 0.0
    assert after.step_size == 0.25


def test_mass_that_would_leave_stays_at_the_walls():
    box = Box([(-1.0, 1.0)] * 2, (8, 8), (False, True))
    evolution = GridJkoFlow(Quadratic(np.diag([9.0, 0.3])), box, np.ones(box.shape), options=JkoOptions(0.5))
    after = advance(evolution, [0.5])[0]
    assert after.mass == pytest.approx(4.0, rel=1e-13)
    density = after.fields["density"]
    assert density[[0, -1]].sum() == pytest.approx(0.75 * density.sum(), rel=1e-13)


def test_counts_that_begin_anew_count_all_that_follows():
    """A run that repeats steps to an output counts from there: the flows of cells count with it."""
    counts = []
    for begins_anew in (False, True):
        circle = Circle(16)
        evolution = GridJkoFlow(Quadratic(np.diag([1.0, 0.5])), circle, np.ones(16), options=JkoOptions(0.1))
        evolution.begin_interval(0.25)
        evolution.step()
        before = evolution.counts.evaluations
        if begins_anew:
            before, evolution.counts = 0, StepCounts()
        while evolution.time < 0.25:
            evolution.step()
        counts.append(evolution.counts.evaluations - before)
    assert counts[0] == counts[1] > 0
