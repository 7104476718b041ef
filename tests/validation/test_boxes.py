"""Two more exact solutions on boxes."""

from __future__ import annotations

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

module = load_validation("boxes")


def test_contraction_and_dilation_are_of_second_order(tmp_path):
    rows = list(module.validate(Setting("boxes", tmp_path, quick=True)))
    assert [row.what for row in rows] == ["contraction in 1-D: order", "dilation in 1-D: order"]
    assert all(row.passed for row in rows)
