"""Runs in other units are the same runs, for each functional and solver of the table that the validation shows."""

from __future__ import annotations

import math

import pytest

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

module = load_validation("rescaling")


@pytest.mark.parametrize("rescaling", module.RESCALINGS, ids=lambda rescaling: rescaling.name)
def test_units_change_nothing_but_units(rescaling):
    # As many steps, and differences by round-off: measured 5e-14 at most, 0 for most. All units are extreme at once.
    assert rescaling.difference(module.EXTREME) <= 5.3e-13


def test_other_numbers_of_steps_are_counted(tmp_path, monkeypatch):
    """A run that depends on its units fails, and the largest difference is that of the others."""

    class Other:
        def __init__(self, name, difference):
            self.name, self.found, self.units = name, difference, ("length",)

        def difference(self, _):
            return self.found

    monkeypatch.setattr(module, "RESCALINGS", [Other("a", 1e-14), Other("b", math.inf)])
    rows = list(module.validate(Setting("rescaling", tmp_path, quick=True)))
    assert [(row.value, row.passed) for row in rows[1:]] == [(math.inf, False), (1, False), (1e-14, True)]
