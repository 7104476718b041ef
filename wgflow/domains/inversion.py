"""Places in cells that a uniform distribution is taken to: the distribution of their masses, inverted."""

from __future__ import annotations

import numpy as np

from wgflow.typing import FloatArray, IntArray


def invert(masses: FloatArray, uniforms: FloatArray) -> tuple[IntArray, FloatArray]:
    """Cell and place in [0, 1) within it where the distribution of masses (n,) reaches each uniform (m,)."""
    cumulative = np.concatenate([[0.0], np.cumsum(masses)])
    levels = uniforms * cumulative[-1]
    cells = np.searchsorted(cumulative, levels, side="left") - 1
    cells = cells.clip(0, masses.size - 1)
    fraction = (levels - cumulative[cells]) / np.where(masses[cells] > 0.0, masses[cells], 1.0)
    return cells, fraction.clip(0.0, np.nextafter(1.0, 0.0))
