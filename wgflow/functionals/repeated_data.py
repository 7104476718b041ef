r"""Data points that share their inputs, as those of a season or of categories do, taken together in a square risk.

With the weights :math:`w_i` of data points i, of which those in a group g have the same prediction :math:`h_g`,

.. math:: \tfrac12 \sum_i w_i (h_{g(i)} - y_i)^2 = \tfrac12 \sum_g W_g (h_g - \bar y_g)^2 + c, \qquad
    W_g = \sum_{i \in g} w_i, \quad \bar y_g = \frac{1}{W_g} \sum_{i \in g} w_i y_i,

where c, the risk of the means, does not depend on the prediction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from wgflow.functionals.losses import Loss
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.functionals.features import Features


@dataclass(frozen=True, eq=False)
class _WeightedSquares:
    """Half a weighted sum of squares and a constant, with its gradient."""

    weights: FloatArray
    constant: float

    def __call__(self, prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
        residual = prediction - target
        gradient = self.weights * residual
        return self.constant + 0.5 * float(gradient @ residual), gradient

    def curvature(self, prediction: FloatArray, target: FloatArray) -> FloatArray:  # noqa: ARG002
        """The weights."""
        return self.weights


def without_repeats(functional: Features) -> Features:
    """Give the same square risk with one data point for all that share their inputs; other risks as they are.

    Parameters
    ----------
    functional : Features
        Features whose ``fn`` may have a method ``distinct_inputs()``: it gives those at distinct inputs, and the number
        of its own for each data point, shape (n,).

    Examples
    --------
    >>> from wgflow.functionals.repeated_data import without_repeats
    >>> merged = without_repeats(wgflow.Features(wgflow.Relu([[1.0, 0.0], [1.0, 0.0]]), [1.0, 3.0]))
    >>> merged.targets, merged.risk.evaluate(np.zeros(1), merged.targets)  # half the mean of 1 and 9
    (array([2.]), (2.5, array([-2.])))
    """
    find, risk, targets = getattr(functional.fn, "distinct_inputs", None), functional.risk, functional.targets
    weights = risk.curvature(targets, targets) if risk.quadratic and find is not None else np.zeros(1)
    if find is None or not weights.all():
        return functional
    features, group = find()
    if features.feature_count == targets.size:
        return functional
    together = np.asarray(np.bincount(group, weights), dtype=np.float64)
    means = np.bincount(group, weights * targets) / together
    squares = _WeightedSquares(together, risk.evaluate(means[group], targets)[0])
    merged = Loss(risk.name, squares, squares.curvature, average=risk.average, quadratic=True, nonnegative=True)
    return replace(functional, fn=features, targets=means, loss=merged)
