"""Runs in other units are the same runs, for each functional and solver of the table that the validation shows."""

from __future__ import annotations

import pytest
from rescaling import EXTREME, RESCALINGS


@pytest.mark.parametrize("rescaling", RESCALINGS, ids=lambda rescaling: rescaling.name)
def test_units_change_nothing_but_units(rescaling):
    # As many steps, and differences by round-off: measured 5e-14 at most, 0 for most. All units are extreme at once.
    assert rescaling.difference(EXTREME) <= 5.3e-13
