"""Flows that start everywhere end at global minimisers, and others need not."""

from __future__ import annotations

import numpy as np

from wgflow.app.validation.finding import load_validation

theorem3 = load_validation("theorem3")


def test_a_flow_on_the_circle_ends_at_the_optimum(tmp_path):
    outcome = theorem3.follow(theorem3.draw_case(2, 48, 0))
    rows = list(outcome.rows("circle", theorem3.GAP[True]))
    assert len(rows) == 4
    assert all(row.passed for row in rows)
    theorem3.draw([outcome], tmp_path / "theorem3.png")
    assert (tmp_path / "theorem3.png").exists()


def test_particles_that_do_not_start_everywhere_come_to_rest_elsewhere(monkeypatch):
    starts = {theorem3.EVERYWHERE: np.linspace(0.0, 2.0 * np.pi, 100, endpoint=False), "2": np.array([0.0, 2.0])}
    monkeypatch.setattr(theorem3, "STARTS", starts)
    rows = list(theorem3.counter_examples())
    assert len(rows) == 2 + 3
    assert all(row.passed for row in rows)
