"""Difference quotients at many points at once, with estimates of what they miss: `wgflow.functionals.differences`."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import kernel, wide_vectors

AGREEMENT, BEND = 3e-9, 1e-2  # of the differences, relative to the slopes within their reach
LOST = 1e-6  # round-off over the slopes that counts as nothing found
ROUND_OFF = 4.0 * float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)


@kernel
def fill_quotients(values, centre, places, step, slope, error, reach, round_off, settled):
    """Quotients of m functions along an axis at n points.

    Parameters
    ----------
    values : tuple of 6 arrays, shape (m, n)
        Values half a step, a step and two steps beyond the points, each followed by those before them.
    centre : array, shape (m, n)
        Values at the points.
    places, step : arrays, shape (n,)
        Coordinate and step of each point.
    slope : array, shape (m, n)
        Given the derivatives.
    error, reach, round_off : arrays, shape (n,)
        Given their errors, the largest quotients of any two values within reach, and the errors by round-off.
    settled : array of bool, shape (n,)
        Given whether steps of different sizes agree, and values change enough to be told from round-off.
    """
    wide_vectors()
    half, half_back, one, one_back, two, two_back = values
    bend, size, defined = np.zeros(step.size), np.zeros(step.size), np.zeros(step.size)
    error[:] = 0.0
    reach[:] = 0.0
    for k in range(centre.shape[0]):
        for i in range(step.size):
            c, h = centre[k, i], step[i]
            odd_half, even_half = half[k, i] - half_back[k, i], (half[k, i] - c) + (half_back[k, i] - c)
            odd, even = one[k, i] - one_back[k, i], (one[k, i] - c) + (one_back[k, i] - c)
            odd_two, even_two = two[k, i] - two_back[k, i], (two[k, i] - c) + (two_back[k, i] - c)
            wide, narrow = (8.0 * odd - odd_two) / (12.0 * h), (8.0 * odd_half - odd) / (6.0 * h)
            slope[k, i] = (16.0 * narrow - wide) / 15.0
            error[i] = max(error[i], abs(narrow - wide))
            near = max(abs(odd_half) + abs(even_half), 0.5 * (abs(odd) + abs(even)))
            reach[i] = max(reach[i], max(near, 0.25 * (abs(odd_two) + abs(even_two))) / h)
            bend[i] = max(bend[i], abs(even - 4.0 * even_half))
            size[i] = max(size[i], abs(c))
            defined[i] += 0.0 * (even_half + even + even_two)  # not 0 where one of them is not finite
    for i in range(step.size):
        h = step[i]
        rounding = ROUND_OFF * (size[i] + 2.0 * h * reach[i] + abs(places[i]) * reach[i]) / h
        curved = max(bend[i] / h - rounding, 0.0)
        missed = max(error[i], curved if curved > BEND * reach[i] else 0.0)
        finite = defined[i] == 0.0
        error[i], round_off[i] = missed if finite else np.inf, rounding if finite else 0.0
        reach[i] = reach[i] if finite else TINY
        settled[i] = finite and missed <= AGREEMENT * reach[i] + 2.0 * rounding and not rounding > LOST * reach[i]
    for k in range(centre.shape[0]):
        for i in range(step.size):
            slope[k, i] = slope[k, i] if defined[i] == 0.0 else 0.0
