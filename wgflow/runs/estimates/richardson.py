r"""Errors from three runs, each of half the width of the one before, by Richardson's extrapolation.

If the error of a run of width h is :math:`C h^p`, then :math:`|v_{4h} - v_{2h}| = 2^p |v_{2h} - v_h|`, and that of the
finest run is :math:`|v_{2h} - v_h| / (2^p - 1)`.

References
----------
Roache, Quantification of uncertainty in computational fluid dynamics, Annu. Rev. Fluid Mech. 29 (1997) 123-160.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wgflow.typing import FloatArray

LEAST_ORDER = 0.5  # below it the difference of the two finer runs says too little of what is left
WINDOW = 5  # outputs whose orders have a median
REACH = 0.5  # the earliest of these, over the time of the last


def window_of(times: Sequence[float], index: int) -> slice:
    """Outputs up to a number that share their order: a few of the last, none before half of its time."""
    first = max(0, index + 1 - WINDOW)
    while times[first] < REACH * times[index]:
        first += 1
    return slice(first, index + 1)


def observed_orders(coarse: FloatArray, fine: FloatArray, floor: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Orders at which differences fall, as medians over a window of outputs.

    A quantity whose error changes its sign in time has differences that vanish at isolated instants, a little earlier
    or later on the coarser grids: a single ratio is then arbitrarily large or small. The median over neighbouring
    outputs does not notice up to two of them in five.

    Parameters
    ----------
    coarse, fine : array, shape (w, q)
        Differences :math:`|v_{4h} - v_{2h}|` and :math:`|v_{2h} - v_h|` of q quantities at the outputs of a window.
    floor : array, shape (q,)
        Size of what time stepping and round-off add; outputs with both differences below it do not count.

    Returns
    -------
    orders : array, shape (q,)
        NaN where no output counts.
    counts : array, shape (q,)
        Number of outputs that count.
    """
    counted = (np.maximum(coarse, fine) > floor) & np.isfinite(coarse + fine)
    tiny = np.finfo(np.float64).tiny
    ratios = np.log2(np.maximum(coarse, tiny)) - np.log2(np.maximum(fine, tiny))
    orders = np.full(floor.shape, np.nan)
    for column in np.flatnonzero(counted.any(axis=0)):
        orders[column] = np.median(ratios[counted[:, column], column])
    return orders, counted.sum(axis=0)


def extrapolated(
    coarse: FloatArray, fine: FloatArray, orders: FloatArray, counts: FloatArray, most: float
) -> FloatArray:
    r"""Errors of the finest run at an output.

    They are :math:`\max(|v_{2h} - v_h|, 2^{-p} |v_{4h} - v_{2h}|) / (2^p - 1)`: both are the same where errors have the
    order p, and the larger is wanted where one of them is about to change its sign.

    Parameters
    ----------
    coarse, fine : array, shape (q,)
        Differences at the output, see `observed_orders`.
    orders, counts : array, shape (q,)
        Orders, and the numbers of outputs that they were observed at.
    most : float
        Largest order in :math:`2^p - 1`.

    Returns
    -------
    array, shape (q,)
        NaN where the order is lost, because differences do not fall.
    """
    used = np.minimum(orders, most)
    expected = np.where(counts < 3, used, orders)  # a single ratio that is too large may be a change of sign
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        errors = np.maximum(fine, coarse * 2.0**-expected) / (2.0**used - 1.0)
    return np.where(orders >= LEAST_ORDER, errors, np.nan)
