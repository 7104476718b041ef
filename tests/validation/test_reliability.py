"""Runs that are killed lose nothing."""

from __future__ import annotations

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

reliability = load_validation("reliability")


def test_killed_runs_lose_nothing(tmp_path):
    row = reliability.campaign("finite_volume", 2, 0, tmp_path, Setting("reliability", tmp_path, quick=True))
    assert row.what == "finite_volume: of 2 runs that are killed, those with losses"
    assert row.value == 0
    assert row.passed
