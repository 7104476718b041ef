"""Grid, characteristics and random particles approach one another."""

from __future__ import annotations

import numpy as np

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

module = load_validation("sphere_vs_particles")


def test_risks_of_grid_and_characteristics_agree(tmp_path):
    """To 2e-4 on a coarse grid, with pictures of both comparisons."""
    setting = Setting("sphere_vs_particles", tmp_path, quick=True)
    row = module.risks_of_solvers(setting, "teacher", [1.0, 5.0, 20.0])
    assert row.passed
    assert setting.file(".png").exists()
    assert setting.file("-characteristics.png").exists()


def test_random_particles_approach_the_pde_as_the_root_of_their_number(monkeypatch):
    monkeypatch.setattr(module, "QUICK_COUNTS", (50, 200, 800))
    monkeypatch.setattr(module, "QUICK_SEEDS", 8)
    row = module.rate_of_particles("teacher", 2.0, quick=True)
    assert row.passed
    assert abs(row.value + 0.5) < 0.1


def test_the_exponent_is_a_slope_of_logarithms():
    counts = np.array([10, 100, 1000])
    assert abs(module.fitted_exponent(counts, 3.0 * counts**-0.5) + 0.5) < 1e-12
