"""Sums and minima of arrays against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.reductions import mass_and_minimum


@pytest.mark.parametrize("sheets", [1, 2])
@pytest.mark.parametrize("cells", [1, 7, 30])
def test_mass_and_minimum(sheets, cells):
    generator = np.random.default_rng(cells)
    density, volumes = generator.random((sheets, cells)), generator.random(cells)
    potential = generator.normal(size=(sheets, cells))
    for place in range(potential.size):  # each is the least in turn
        potential.flat[place] -= 10.0 * (place + 1)
        mass, least = mass_and_minimum(density, volumes, potential)
        assert mass == pytest.approx((density * volumes).sum(), rel=1e-14, abs=0.0)
        assert least == potential.min()
