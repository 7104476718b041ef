"""The remaining time is compared with what was left, at shares of the steps."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

module = load_validation("remaining_time")


def test_steps_that_grow_like_time_are_foretold():
    """120 steps, each of which multiplies t by 1.1, and takes 2 s: a straight line is off by far."""
    times = 1.1 ** np.arange(1, 121)
    rows = list(module.rows_of("x", module.Steps(float(times[-1]), times.tolist(), (2.0 * np.arange(120)).tolist())))
    assert [row.value for row in rows] == pytest.approx([1.0] * 6, rel=1e-9)
    assert [row.passed for row in rows[::2]] == [True] * 3
    line = 30 * (1.1**90 - 1.0) / 90
    assert f"90 of 120 steps; a straight line in time gives {line:.3g}" in str(rows[0])


def test_steps_that_change_without_warning_are_not():
    """Sizes that fall to a tenth at half of the steps: at a quarter 12 seem to be left, and 30 are."""
    times = np.cumsum(np.concatenate([np.full(20, 1.0), np.full(20, 0.1)]))
    rows = list(module.rows_of("x", module.Steps(float(times[-1]), times.tolist(), np.arange(40.0).tolist())))
    assert rows[0].value == pytest.approx(12.0 / 30.0)
    assert not rows[0].passed


def test_a_run_is_noted_step_by_step(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "QUICK", ("quadratic",))
    rows = list(module.validate(Setting("remaining_time", tmp_path, quick=True)))
    assert [row.what for row in rows[::2]] == [f"quadratic: steps left over true at {s}" for s in (0.25, 0.5, 0.75)]
    assert [row.value for row in rows[::2]] == pytest.approx([1.0] * 3)
