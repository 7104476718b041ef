r"""Weights of the data in a proximal step of a normalised measure: a convex problem on the simplex.

With the masses :math:`\hat\nu_j` before the step and :math:`U_\lambda = \sum_i \lambda_i y_i \Psi_i`, minimise

.. math:: \frac{1}{\beta\tau} \log \sum_j \hat\nu_j e^{\beta\tau U_\lambda(x_j)} + \varepsilon H_S(\lambda), \qquad
          H_S(\lambda) = \sum_i \lambda_i \log \lambda_i + \frac{(1 - S \lambda_i) \log(1 - S \lambda_i)}{S},

by Newton's method, n unknowns. The first term has the slope :math:`m_i`, the margins after the step, so that
:math:`\lambda_i / (1 - S \lambda_i) \propto e^{-m_i / \varepsilon}`: the weights of the softmin risk for S = 0, and
those of the logistic loss where S is the sum of its weights. Where :math:`\varepsilon` is small the problem is nearly a
linear program; if Newton's method from the last weights is not quick, it starts anew from equal weights, with larger
:math:`\varepsilon` that decrease to the wanted one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from wgflow.flows.planned_steps import StepError
from wgflow.typing import FloatArray

# Of the dual function's slope: wanted, and still accepted at the last iteration.
TOLERANCE, LOOSE_TOLERANCE = 1e-7, 1e-3
QUICK_ITERATIONS, MAX_ITERATIONS, MAX_HALVINGS = 20, 60, 20
COOLING = 0.2  # of epsilon, from one Newton problem to the next
COARSE_ITERATIONS, COARSE_TOLERANCE = 12, 1e-2  # of the problems on the way; the tolerance falls with epsilon
DESCENT = 1e-4  # share of the predicted decrease that a Newton step must reach
ROUND_OFF = 1e-14
TO_BOUNDARY = 0.95  # of the way to zero, or to 1 / S, that a weight may go at once
NEGLIGIBLE = 1e-15  # share of the mass of cells that the Hessian leaves out
LEAST_WEIGHT = 1e-14  # of a datum at the start of a step
TO_FULL = 1.0 - 1e-9  # of 1 / S, the most that a weight may get
LEAST_SATURATION = 1e-30  # so that 1 / S is a number: no weight feels it
FULL_SATURATION = 1e-6  # S is at most this share below n, beyond which only equal weights would be left


@dataclass(frozen=True)
class FermiDiracEntropy:
    """The entropy of weights that have an upper bound, whose slope is the logarithm of lambda / (1 - S lambda)."""

    saturation: float

    @classmethod
    def of(cls, saturation: float, count: int) -> FermiDiracEntropy:
        """Entropy for a sum S of the weights of n data, kept away from 0 and n."""
        return cls(min(max(saturation, LEAST_SATURATION), (1.0 - FULL_SATURATION) * count))

    def value(self, weights: FloatArray) -> float:
        """Value of the entropy at weights, shape (n,)."""
        filled = self.saturation * weights
        return float(weights @ np.log(weights)) + float((1.0 - filled) @ np.log1p(-filled)) / self.saturation

    def slope(self, weights: FloatArray) -> FloatArray:
        """Derivatives (n,)."""
        return np.log(weights) - np.log1p(-self.saturation * weights)

    def curvature(self, weights: FloatArray) -> FloatArray:
        """Second derivatives (n,)."""
        return 1.0 / weights + self.saturation / (1.0 - self.saturation * weights)

    def reach(self, weights: FloatArray, change: FloatArray) -> float:
        """Share of a change that keeps all weights below 1 / S."""
        room = TO_BOUNDARY * (TO_FULL / self.saturation - weights)
        return float(np.divide(room, change, out=np.ones_like(room), where=change > room).min())

    def inside(self, weights: FloatArray) -> FloatArray:
        """Weights between the given ones and equal ones, as near to the given as 1 / S allows, of sum 1."""
        bounded = np.maximum(weights, LEAST_WEIGHT)
        bounded /= bounded.sum()
        equal = 1.0 / weights.size
        most, largest = 0.5 * (equal + 1.0 / self.saturation), float(bounded.max())
        share = (largest - most) / (largest - equal) if largest > most else 0.0
        return np.asarray(bounded + share * (equal - bounded))

    def least(self, slope: FloatArray) -> float:
        """Least product of a slope (n,) with weights of sum 1 of which none is beyond 1 / S."""
        bound = 1.0 / self.saturation
        return float(np.sort(slope) @ np.clip(1.0 - bound * np.arange(slope.size), 0.0, bound))


@dataclass(frozen=True)
class DualIterate:
    """Multipliers (n,), the dual function there, its slope, and the measure that belongs to them.

    ``log_masses`` (2, N) are those of the new measure, and ``log_integral`` the logarithm of its mass before scaling;
    ``excess`` bounds how far the value is from the least one, over the size of the margins.
    """

    multipliers: FloatArray
    value: float
    slope: FloatArray
    margins: FloatArray
    log_masses: FloatArray
    log_integral: float
    excess: float


@dataclass(frozen=True)
class DualFunction:
    """The convex function of the multipliers that a proximal step minimises.

    Parameters
    ----------
    log_masses : array, shape (2, N)
        Logarithms of the masses before the step.
    signed : array, shape (N, n)
        Features at the cells times labels.
    factor, temperature : float
        The products beta tau, and epsilon.
    entropy : FermiDiracEntropy
        H_S.
    """

    log_masses: FloatArray
    signed: FloatArray
    factor: float
    temperature: float
    entropy: FermiDiracEntropy

    def minimise(self, start: FloatArray) -> tuple[DualIterate, int]:
        """Find the least value on the simplex; count iterations.

        Raises
        ------
        StepError
            If it is not found.
        """
        best, iterations = self._newton(start, QUICK_ITERATIONS, TOLERANCE)
        if best.excess <= TOLERANCE:
            return best, iterations
        cooled, more = self._cool()
        best = min(best, cooled, key=lambda weighing: weighing.excess)
        if not best.excess <= LOOSE_TOLERANCE:
            raise StepError(f"the weights of the data were not found: relative excess {best.excess:.1e}")
        return best, iterations + more

    def _cool(self) -> tuple[DualIterate, int]:
        """Go from equal weights and a large epsilon to the wanted one."""
        count, size = self.signed.shape[1], float(np.abs(self.signed).max())
        multipliers, iterations, temperature = np.full(count, 1.0 / count), 0, size
        while temperature > self.temperature:
            warm, tolerance = replace(self, temperature=temperature), COARSE_TOLERANCE * temperature / size
            found, taken = warm._newton(multipliers, COARSE_ITERATIONS, tolerance)
            multipliers, iterations, temperature = found.multipliers, iterations + taken, COOLING * temperature
        found, taken = self._newton(multipliers, MAX_ITERATIONS, TOLERANCE)
        return found, iterations + taken

    def _newton(self, start: FloatArray, most: int, tolerance: float) -> tuple[DualIterate, int]:
        best = now = self._at(self.entropy.inside(start))
        for iteration in range(most):
            if best.excess <= tolerance:
                return best, iteration
            try:
                change = self._direction(now)
            except np.linalg.LinAlgError:  # singular to round-off
                return best, iteration
            found = self._search(now, change)
            if found is None:
                return best, iteration
            now = found
            best = min(best, now, key=lambda weighing: weighing.excess)
        return best, most

    def _at(self, weights: FloatArray) -> DualIterate:
        multipliers = weights / weights.sum()
        rising = self.factor * (self.signed @ multipliers)
        exponents = self.log_masses + np.stack([rising, -rising])
        top = float(exponents.max())
        log_integral = top + math.log(np.exp(exponents - top).sum())
        exponents -= log_integral
        masses = np.exp(exponents)
        margins = (masses[0] - masses[1]) @ self.signed
        value = log_integral / self.factor + self.temperature * self.entropy.value(multipliers)
        slope = margins + self.temperature * self.entropy.slope(multipliers)
        gap = float(multipliers @ slope) - self.entropy.least(slope)
        excess = gap / max(float(np.abs(margins).max()), 1e-300)
        return DualIterate(multipliers, value, slope, margins, exponents, log_integral, excess)

    def _direction(self, now: DualIterate) -> FloatArray:
        """Change of the multipliers of sum 0 at which the quadratic model is least."""
        from scipy.linalg import cho_factor, cho_solve

        total = np.exp(now.log_masses).sum(axis=0)
        active = total > NEGLIGIBLE
        root = np.sqrt(total[active])[:, None] * self.signed[active]
        hessian = self.factor * (root.T @ root - np.outer(now.margins, now.margins))
        hessian[np.diag_indices_from(hessian)] += self.temperature * self.entropy.curvature(now.multipliers)
        factors = cho_factor(hessian)
        ascent, level = cho_solve(factors, now.slope), cho_solve(factors, np.ones_like(now.slope))
        return level * (ascent.sum() / level.sum()) - ascent

    def _search(self, now: DualIterate, change: FloatArray) -> DualIterate | None:
        """Go along a direction, each weight at most near to its bounds, as far as the function falls enough."""
        round_off = ROUND_OFF * max(1.0, abs(now.log_integral)) / self.factor
        change = self.entropy.reach(now.multipliers, change) * change
        for halvings in range(MAX_HALVINGS):
            wanted = now.multipliers + 0.5**halvings * change
            then = self._at(np.maximum(wanted, (1.0 - TO_BOUNDARY) * now.multipliers))
            predicted = float(now.slope @ (then.multipliers - now.multipliers))
            if then.value <= now.value + DESCENT * predicted + round_off:
                return then
        return None
