"""Limits that are singular have the right value."""

from __future__ import annotations

from itertools import islice

import pytest

from wgflow.app.validation.finding import load_validation

module = load_validation("limits")


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        (lambda: islice(module.vanishing_diffusion(quick=True), 6), 6),  # on one grid
        (lambda: module.cold_against_upwind(quick=True), 3),
        (module.narrow_kernels, 4),
        (module.thin_and_heavy, 4),
        (lambda: module.long_runs(quick=True), 5),
        (module.differences, 5),
    ],
    ids=["vanishing_diffusion", "cold_against_upwind", "narrow_kernels", "thin_and_heavy", "long_runs", "differences"],
)
def test_limits_have_the_right_value(rows, count):
    found = list(rows())
    assert [row.what for row in found if not row.passed] == []
    assert len(found) == count
