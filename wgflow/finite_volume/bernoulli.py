r"""Bernoulli's function :math:`B(x) = x / (e^x - 1)`, from which fluxes of diffusion and drift are made.

Fluxes at the temperature T have the factors T B(q / T), with the rise q of the potential. They tend to upwind ones,
max(-q, 0), as T vanishes, of which nothing is lost by overflow: B(x) = B(\|x\|) + max(-x, 0).
"""

from __future__ import annotations

import numpy as np

from wgflow.typing import FloatArray

LARGEST_EXPONENT = 800.0  # beyond it exp of minus it is 0
SMALL, SMALL_FOR_SLOPES = 1e-8, 1e-4  # below them two terms of a series are exact, or nearly so


def bernoulli(x: FloatArray) -> FloatArray:
    """``x / (exp(x) - 1)``, 1 at 0, tending to -x and 0 at -inf and inf, any shape."""
    size = np.minimum(np.abs(x), LARGEST_EXPONENT)
    small = size < SMALL
    falling = np.where(small, 1.0 - 0.5 * size, size * np.exp(-size) / -np.expm1(-np.where(small, 1.0, size)))
    return falling + np.maximum(-x, 0.0)


def drift_factors(rise: FloatArray, temperature: float) -> tuple[FloatArray, FloatArray]:
    """T B(q / T) and T B(-q / T) for rises q of the potential, any shape, and a temperature T >= 0."""
    size = np.minimum(np.abs(rise), LARGEST_EXPONENT * temperature)
    slower = temperature * bernoulli(size / temperature) if temperature > 0.0 else size
    return slower + np.maximum(-rise, 0.0), slower + np.maximum(rise, 0.0)


def drift_shares(rise: FloatArray, temperature: float) -> FloatArray:
    """Minus the derivative of T B(q / T) by q, from 1 at -inf to 0 at inf."""
    if temperature == 0.0:
        return np.where(rise < 0.0, 1.0, 0.0)
    bound = LARGEST_EXPONENT * temperature
    x = np.clip(rise, -bound, bound) / temperature
    safe = np.where(np.abs(x) < SMALL_FOR_SLOPES, 1.0, x)
    return np.where(safe == x, bernoulli(x) * (bernoulli(-x) - 1.0) / safe, 0.5 - x / 6.0)
