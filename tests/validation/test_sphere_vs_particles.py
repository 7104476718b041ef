"""Grid, characteristics and random particles approach one another."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

module = load_validation("sphere_vs_particles")


def test_risks_of_grid_and_characteristics_agree(tmp_path, monkeypatch):
    """On a coarse grid, with pictures of both comparisons."""
    few = ["domain.cells=256", "particles.count=100", "solver.t_end=5.0"]
    monkeypatch.setattr(module, "GRID", {True: few})
    setting = Setting("sphere_vs_particles", tmp_path, quick=True)
    row = module.risks_of_solvers(setting, "teacher", [1.0, 5.0])
    assert 1.7e-4 < row.value < 6.6e-4  # 3.3e-4: the error of the grid in space
    assert setting.file(".png").exists()
    assert setting.file("-characteristics.png").exists()


def test_random_particles_approach_the_pde_as_the_root_of_their_number(monkeypatch):
    monkeypatch.setattr(module, "GRID", {True: ["domain.cells=256"]})
    monkeypatch.setattr(module, "QUICK_COUNTS", (50, 200, 800))
    monkeypatch.setattr(module, "QUICK_SEEDS", 8)
    row = module.rate_of_particles("teacher", 2.0, quick=True)
    assert row.passed
    assert abs(row.value + 0.5) < 0.1


def test_the_exponent_is_a_slope_of_logarithms():
    counts = np.array([10, 100, 1000])
    assert abs(module.fitted_exponent(counts, 3.0 * counts**-0.5) + 0.5) < 1e-12


def test_finite_volumes_on_the_sphere_extrapolate_to_characteristics(monkeypatch):
    monkeypatch.setattr(module, "SPHERE_TIME", 2.0)
    monkeypatch.setattr(module, "NODES", 105)
    monkeypatch.setattr(module, "CELLS", {True: (42, 162, 642)})
    difference, order = module.teacher_on_sphere(quick=True)
    assert difference.value == pytest.approx(8.56e-5, rel=0.05)
    assert order.value == pytest.approx(1.91, abs=0.01)
