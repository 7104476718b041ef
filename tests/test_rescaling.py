"""Runs in other units are the same runs, for each functional and solver of the table that the validation shows."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

TABLE = runpy.run_path(str(Path(__file__).resolve().parent.parent / "validation/rescaling.py"))


@pytest.mark.parametrize("rescaling", TABLE["RESCALINGS"], ids=lambda rescaling: rescaling.name)
def test_units_change_nothing_but_units(rescaling):
    # As many steps, and differences by round-off: measured 5e-13 at most, 0 for most. All units are extreme at once.
    assert rescaling.difference(TABLE["EXTREME"]) <= 1e-11
