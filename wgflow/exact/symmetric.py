r"""Exact solutions on the half circle: flows on the unit sphere of R^d that are invariant about one direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.domains import HalfCircle
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class SymmetricQuadratic:
    r"""Flow of quadratic features to :math:`\mathrm{diag}(c_1, c_2, \ldots, c_2)` from the uniform measure.

    The moments are diagonal, :math:`\dot f_i = 4 (c_i - f_i) f_i`, and the flow takes a direction y to that of X y with
    :math:`X_i = \sqrt{f_i / f_i(0)}`:

    .. math:: \nu_t(\eta) = \nu_0 |X^{-1} \eta|^{-(d+2)} / \det X.

    Parameters
    ----------
    inputs : int
        Number d of components.
    along, across : float
        The entries c_1 and c_2 >= 0.
    mass : float
        Mass at the start.
    """

    inputs: int
    along: float
    across: float
    mass: float

    def moments(self, time: float) -> tuple[float, float]:
        """The entries f_1 and f_2 of the second moments at a time."""
        start = self.mass / self.inputs
        return _logistic(start, self.along, time), _logistic(start, self.across, time)

    def density(self, points: FloatArray, time: float) -> FloatArray:
        """Density per angle at points (..., 2) of the half circle."""
        start = self.mass / self.inputs
        stretch = np.sqrt(np.array(self.moments(time)) / start)
        back = np.linalg.norm(points / stretch, axis=-1)
        # (r / back)^(d - 2) as one power, so that neither factor leaves the range of numbers
        squeezed = np.stack([points[..., 0], points[..., 1] / (back * stretch[1])], axis=-1)
        uniform = HalfCircle(4, self.inputs).uniform_density(squeezed)
        return np.asarray(self.mass * uniform / (stretch[0] * stretch[1] * back**4))


def _logistic(start: float, limit: float, time: float) -> float:
    if limit == 0.0:
        return start / (1.0 + 4.0 * start * time)
    return float(limit * start / (start + (limit - start) * np.exp(-4.0 * limit * time)))


def linear_flow(points: FloatArray, slope: float, reaction: float, inputs: int, time: float) -> FloatArray:
    r"""Density per angle at points (..., 2) of the flow of :math:`J = c \cos\theta` from the uniform measure of mass 1.

    .. math:: \tan\tfrac\theta2 = e^{ct} \tan\tfrac{\theta_0}2, \qquad
              q_t(\theta) = q_0(\theta_0) \left(\frac{\sin\theta_0}{\sin\theta}\right)^{\beta+1}

    Parameters
    ----------
    points : array, shape (..., 2)
        Points of the half circle.
    slope, reaction : float
        The factors c and beta.
    inputs : int
        Number d of components.
    time : float
        Time t.
    """
    along, across = points[..., 0], points[..., 1]
    half = np.exp(-slope * time) * across / (1.0 + along)  # tan(theta_0 / 2)
    sine = 2.0 * half / (1.0 + half**2)
    before = np.stack([(1.0 - half**2) / (1.0 + half**2), sine], axis=-1)
    return np.asarray(HalfCircle(4, inputs).uniform_density(before) * (sine / across) ** (reaction + 1.0))


def gegenbauer_mode(points: FloatArray, degree: int, inputs: int) -> FloatArray:
    """Harmonic of a degree l that depends on the first component, at points (..., 2), with the maximum 1.

    Under the heat flow of temperature T on the unit sphere of R^d, d >= 3, it decays as exp(-l (l + d - 2) T t).
    """
    from scipy.special import eval_gegenbauer

    weight = 0.5 * (inputs - 2)
    return np.asarray(eval_gegenbauer(degree, weight, points[..., 0]) / eval_gegenbauer(degree, weight, 1.0))
