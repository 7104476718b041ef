"""A function of the distance by polynomials on panels: its values and gradients at many displacements."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import arrays_apart, kernel, wide_vectors

TERMS = 16  # of each polynomial
ONE = np.uint64(1)


@kernel
def fill_radial(displacements, cells_per_length, panels, middles, rates, coefficients, values, ratios):
    """Values, and derivatives over the distance, of a function of the distance.

    Parameters
    ----------
    displacements : array, shape (p, n)
        Where they are wanted.
    cells_per_length : float
        Of the cells from 0 on that panels are made of.
    panels : array of int, shape (c,)
        Which panel each cell belongs to.
    middles, rates : arrays, shape (k,)
        Middle of each panel, and 2 over its length.
    coefficients : array, shape (16 k,)
        Those of the powers 0 to 15 of the place on a panel, from -1 to 1, one panel after the other.
    values, ratios : arrays, shape (n,)
        Given the values, and the derivatives over the distance: 0 at 0.
    """
    values[:] = 0.0
    for k in range(displacements.shape[0]):
        for j in range(values.size):
            values[j] += displacements[k, j] * displacements[k, j]
    _fill(cells_per_length, panels, middles, rates, coefficients, values, ratios)


@kernel
def _fill(cells_per_length, panels, middles, rates, coefficients, values, ratios):
    """The same for squared distances in the place of the values."""
    wide_vectors()
    arrays_apart()
    last = np.int64(panels.size - 1)
    for j in range(values.size):
        distance = np.sqrt(values[j])
        panel = np.uint64(panels[np.uint64(min(np.int64(distance * cells_per_length), last))])
        place, first = (distance - middles[panel]) * rates[panel], panel * np.uint64(TERMS)
        value, slope = 0.0, 0.0
        for k in range(TERMS - 1, -1, -1):
            slope = value + place * slope
            value = coefficients[first + np.uint64(k)] + place * value
        values[j] = value
        ratios[j] = slope * rates[panel] / distance if distance > 0.0 else 0.0
