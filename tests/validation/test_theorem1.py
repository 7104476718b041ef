"""Particles approach the flow of the PDE at the rates of the theory."""

from __future__ import annotations

import numpy as np

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

theorem1 = load_validation("theorem1")


def test_rates_on_the_circle(tmp_path):
    """Random, stratified and equispaced starts of quadratic features, whose flow is known."""
    counts, case = [32, 128, 512], theorem1.find_case("quadratic")
    exact, error = case.solve(True)
    curves = theorem1.measure({"quadratic": exact}, counts, 8, Setting("theorem1", tmp_path, quick=True))
    rows = list(theorem1.rows_of(case, counts, curves["quadratic"], error, quick=True))
    assert [row.what.rpartition(", ")[2] for row in rows] == [
        "quadratic features: error of the PDE over the least distance",
        "random: exponent of m",
        "stratified: exponent of m",
        "equispaced: distance at m = 128",
    ]
    assert all(row.passed for row in rows)
    theorem1.draw(counts, curves, tmp_path / "theorem1.png")
    assert (tmp_path / "theorem1.png").exists()


def test_stratified_starts_in_the_plane():
    """The outputs of neurons on data, whose characteristics start at the nodes of a quadrature: m^(-2)."""
    case = theorem1.find_case("pairs")
    outputs, error = case.solve(True)
    squares = [np.mean([case.squared_distance("stratified", m, seed, outputs) for seed in range(8)]) for m in (32, 512)]
    assert abs(theorem1.fitted_exponent([32, 512], squares) + 2.0) < 0.3
    assert error < 0.1 * np.sqrt(min(squares))
