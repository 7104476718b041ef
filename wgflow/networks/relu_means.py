r"""Means of ReLU and its square over Gaussians, and over uniform directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wgflow.typing import FloatArray

FAR = 37.0  # standard deviations beyond which a Gaussian density is no number

Means = tuple[FloatArray, FloatArray, FloatArray]
"""A mean, and its derivatives with respect to the shift and the height."""


@dataclass(frozen=True)
class GaussianMeans:
    r""":math:`S(m, r) = E\,\sigma(m + r g)` and its derivatives, g a standard normal variable.

    Parameters
    ----------
    of_tail : callable
        From m and r >= 0 of one shape, and Phi(m/r) and phi(m/r), to S, its derivative in m, and that in r.
    """

    of_tail: Callable[[FloatArray, FloatArray, FloatArray, FloatArray], Means]

    def __call__(self, shift: FloatArray, height: FloatArray) -> Means:
        """S, its derivative in m, and that in r."""
        from scipy.special import ndtr

        ratio = np.clip(shift / np.maximum(height, 1e-300), -FAR, FAR)
        return self.of_tail(shift, height, ndtr(ratio), np.exp(-0.5 * ratio**2) / np.sqrt(2.0 * np.pi))


RELU_MEANS = GaussianMeans(lambda m, r, share, spread: (m * share + r * spread, share, spread))
SQUARED_RELU_MEANS = GaussianMeans(
    lambda m, r, share, spread: (
        (m**2 + r**2) * share + m * r * spread,
        2.0 * (m * share + r * spread),
        2.0 * r * share,
    )
)


def tail_moments(level: FloatArray, width: FloatArray, dimension: int) -> Means:
    r"""Means of 1, t and t^2 where level + width t > 0, t the first coordinate of a uniform direction of R^n.

    With :math:`\tau = -a/b` and c the factor of the density of t,

    .. math:: E_0 = P(t > \tau), \quad E_1 = \frac{c}{n-1} (1 - \tau^2)_+^{(n-1)/2}, \quad
              E_2 = \frac{(n-1) \tau E_1 + E_0}{n}.
    """
    from scipy.special import betainc, gammaln

    if dimension == 1:
        above, below = 0.5 * (level + width > 0.0), 0.5 * (level - width > 0.0)
        return above + below, above - below, above + below
    cut = np.clip(-level / np.where(width > 0.0, width, 1e-300), -1.0, 1.0)
    half = 0.5 * (dimension - 1)
    inside = 1.0 - cut**2
    tail = 0.5 * betainc(half, 0.5, inside)
    factor = np.exp(gammaln(half + 0.5) - gammaln(half)) / (np.sqrt(np.pi) * 2.0 * half)
    share, first = np.where(cut > 0.0, tail, 1.0 - tail), factor * inside**half
    return share, first, ((dimension - 1.0) * cut * first + share) / dimension
