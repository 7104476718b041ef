"""Energies keep their bounds: the cheapest parts of the validation, one for each class of energies."""

from __future__ import annotations

import pytest

from wgflow.app.validation import Setting, within
from wgflow.app.validation.finding import load_validation

module = load_validation("energies")
PARTS = {"linear_equations": 7, "steep_front": 1, "aggregation": 1, "disk_at_rest": 8, "critical_mass": 3}


@pytest.mark.parametrize("part", PARTS)
def test_energies_keep_their_bounds(part):
    rows = list(getattr(module, part)(quick=True))
    assert [row.what for row in rows if not row.passed] == []
    assert len(rows) == len({row.what for row in rows}) == PARTS[part]


def test_rows_that_are_quoted_are_those_of_full_runs(tmp_path, monkeypatch):
    rows = [within("Fokker-Planck, 80 cells, explicit: L1 error", 0.0, 1.0), within("another", 0.0, 1.0)]
    monkeypatch.setattr(module, "PARTS", (lambda quick: iter(rows),))  # noqa: ARG005
    assert [row.quoted for row in module.validate(Setting("energies", tmp_path, quick=True))] == [True, False]
