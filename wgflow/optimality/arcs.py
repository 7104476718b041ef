r"""Functions that are sinusoidal between kinks on the circle: :math:`\sum_i c_i (\eta \cdot x_i)_+`, x_i in R^2."""

from __future__ import annotations

import numpy as np

from wgflow.typing import FloatArray

TURN = 2.0 * np.pi


def arc_minima(inputs: FloatArray, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Minimise :math:`V(\eta) = \sum_i c_i \max(\eta \cdot x_i, 0)` over each arc between two kinks, exactly.

    On an arc V is :math:`a \cdot \eta` with the sum a of the active :math:`c_i x_i`: the least value is at one of the
    ends, or at -a/|a| if that lies inside. The sums come one from the other, in O(n log n) with the sorting.

    Parameters
    ----------
    inputs : array, shape (n, 2)
        The points x_i.
    coefficients : array, shape (n,)
        The c_i.

    Returns
    -------
    points : array, shape (k, 2)
        Unit vectors: starts of all arcs, and least points inside arcs. The least value of V over the circle is at one.
    values : array, shape (k,)
        V there.
    """
    here = np.hypot(*inputs.T) > 0.0
    pulls = (coefficients[:, None] * inputs)[here]
    angles = np.arctan2(inputs[here, 1], inputs[here, 0])
    if angles.size == 0:
        return np.array([[1.0, 0.0]]), np.zeros(1)
    kinks = np.mod(np.concatenate([angles - 0.25 * TURN, angles + 0.25 * TURN]), TURN)
    changes = np.concatenate([pulls, -pulls])  # each point becomes active a quarter turn before its angle
    order = np.argsort(kinks)
    starts, widths = kinks[order], np.diff(kinks[order], append=kinks[order[0]] + TURN)
    widest = int(np.argmax(widths))  # the middle of its arc is safely away from all kinks
    middle = starts[widest] + 0.5 * widths[widest]
    active = np.cos(middle - angles) > 0.0
    sums = np.cumsum(changes[order], axis=0)
    sums += pulls[active].sum(axis=0) - sums[widest]
    lowest = np.arctan2(-sums[:, 1], -sums[:, 0])
    inside = np.mod(lowest - starts, TURN) < widths
    places = np.concatenate([starts, lowest[inside]])
    points = np.column_stack([np.cos(places), np.sin(places)])
    return points, (np.concatenate([sums, sums[inside]]) * points).sum(axis=1)
