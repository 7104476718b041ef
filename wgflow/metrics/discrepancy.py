"""Maximum mean discrepancy with a Gaussian kernel."""

from __future__ import annotations

from math import inf

import numba
import numpy as np

from wgflow.compilation import kernel, parallel_kernel
from wgflow.errors import InputError
from wgflow.functionals import Particles
from wgflow.metrics.atoms import charge_difference, check_same_space, on_sheet


def kernel_discrepancy(first: Particles, second: Particles, width: float = 0.25) -> float:
    r"""Maximum mean discrepancy of two measures, whose masses are not normalised.

    .. math:: \mathrm{MMD}(\mu, \nu)^2 = \iint k \, d(\mu - \nu) d(\mu - \nu),
              \qquad k(x, y) = e^{-|x - y|^2 / (2 s^2)}

    with the Euclidean distance of the ambient space (the chord on circle and sphere). Points on different
    sheets do not interact.

    Parameters
    ----------
    first, second : Particles
        Measures with points of shape (m, p) and (n, p).
    width : float
        The width s of the kernel, positive, in the unit of the points.

    Returns
    -------
    float
        The discrepancy. Time is O((m + n)^2 p), memory O((m + n) p); the result does not depend on the number of
        threads. Round-off is near 1e-8 of the mass, and none for what both measures share.

    Raises
    ------
    ShapeError
        If the dimensions differ.
    InputError
        If the width is not positive, a weight is negative, or a number is not finite.

    References
    ----------
    Gretton, Borgwardt, Rasch, Schoelkopf and Smola, A kernel two-sample test, J. Mach. Learn. Res. 13 (2012)
    723-773.
    """
    check_same_space(first, second)
    if not 0.0 < width < inf:
        raise InputError(f"width = {width!r} is not allowed; give a positive number")
    square = sum(_squared_discrepancy(on_sheet(first, sign), on_sheet(second, sign), width) for sign in (1.0, -1.0))
    return float(np.sqrt(max(square, 0.0)))


def _squared_discrepancy(first: Particles, second: Particles, width: float) -> float:
    """Quadratic form of the kernel at the difference of two measures on one sheet."""
    points, charges = charge_difference(first, second)
    rows = np.empty(len(charges))
    _gaussian_rows(points / (np.sqrt(2.0) * width), charges, rows)
    return float(charges @ charges + 2.0 * charges @ rows)


@parallel_kernel
def _gaussian_rows(points, charges, rows):
    """Write ``rows_i = sum_(j < i) charges_j exp(-|x_i - x_j|^2)``, a short row with each long one."""
    count = len(charges)
    for row in numba.prange((count + 1) // 2):
        rows[row] = _gaussian_row(points, charges, row)
        rows[count - 1 - row] = _gaussian_row(points, charges, count - 1 - row)


@kernel
def _gaussian_row(points, charges, row):
    total = 0.0
    for other in range(row):
        square = 0.0
        for axis in range(points.shape[1]):
            square += (points[row, axis] - points[other, axis]) ** 2
        total += charges[other] * np.exp(-square)
    return total
