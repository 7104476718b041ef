"""Maximum mean discrepancy with a Gaussian kernel."""

from __future__ import annotations

from math import inf, sqrt

from wgflow.analysis.metrics.atoms import charge_difference, check_same_space, on_sheet
from wgflow.analysis.metrics.quadratic_forms import gaussian_form
from wgflow.errors import InputError
from wgflow.measures import Particles


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
    square = 0.0
    for sign in (1.0, -1.0):
        points, charges = charge_difference(on_sheet(first, sign), on_sheet(second, sign))
        square += gaussian_form(points, charges, width)
    return sqrt(max(square, 0.0))
