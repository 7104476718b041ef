r"""Losses of classification whose minimum lies at infinity, as functions of margins z = y h.

The weights of the data in the gradient of :math:`\sum_i \ell(z_i)` are :math:`-\ell'(z_i)`. Over their sum
:math:`e^L` they are the multipliers :math:`\lambda_i` of a flow in the time :math:`\tau`, :math:`d\tau = e^L dt`; only
:math:`\lambda`, L and the logarithm of the loss are ever computed, so that nothing overflows or vanishes.

References
----------
Chizat and Bach (2020), Implicit bias of gradient descent for wide two-layer neural networks trained with the logistic
loss, Section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wgflow.errors import InputError
from wgflow.typing import FloatArray

EXPONENTIAL = 36.0  # margin from which log(1 + exp(-z)) is exp(-z) to round-off


@dataclass(frozen=True)
class MarginLoss:
    r"""A decreasing loss :math:`\ell` of margins, in logarithms.

    Parameters
    ----------
    log_value, log_weight : callable
        Margins (n,) to :math:`\log \ell(z_i)` and to :math:`\log(-\ell'(z_i))`, shape (n,).
    log_rate : callable
        Logarithms of the weights (n,) to L.
    saturation : callable
        Logarithms of the weights (n,) to the sum of the weights where each is at most 1, else to 0.
    """

    log_value: Callable[[FloatArray], FloatArray]
    log_weight: Callable[[FloatArray], FloatArray]
    log_rate: Callable[[FloatArray], float]
    saturation: Callable[[FloatArray], float]

    def multipliers(self, margins: FloatArray) -> FloatArray:
        """Weights of the data over their sum, shape (n,)."""
        from scipy.special import softmax

        return np.asarray(softmax(self.log_weight(margins)), dtype=np.float64)

    def log_total(self, margins: FloatArray) -> float:
        """Logarithm of the sum of the losses."""
        from scipy.special import logsumexp

        return float(logsumexp(self.log_value(margins)))


def _negative(values: FloatArray) -> FloatArray:
    return -values


def _zero(values: FloatArray) -> float:  # noqa: ARG001
    return 0.0


def _logistic_log_value(margins: FloatArray) -> FloatArray:
    return np.where(margins > EXPONENTIAL, -margins, np.log(np.logaddexp(0.0, -np.minimum(margins, EXPONENTIAL))))


def _logistic_log_weight(margins: FloatArray) -> FloatArray:
    return -np.logaddexp(0.0, margins)


def _log_mean(log_weights: FloatArray) -> float:
    from scipy.special import logsumexp

    return float(logsumexp(log_weights)) - float(np.log(log_weights.size))


def _sum(log_weights: FloatArray) -> float:
    return float(np.exp(log_weights).sum())


# R = log of the average of exp(-z): its own weights have the sum 1, so tau = t.
SOFTMIN = MarginLoss(_negative, _negative, _zero, _zero)
# R = the average of log(1 + exp(-z)).
LOGISTIC = MarginLoss(_logistic_log_value, _logistic_log_weight, _log_mean, _sum)

MARGIN_LOSSES = {"softmin": SOFTMIN, "logistic": LOGISTIC}


def find_margin_loss(name: str) -> MarginLoss:
    """Look up a loss; raises InputError if it has none of its minima at infinity."""
    if name not in MARGIN_LOSSES:
        raise InputError(f"loss = {name!r} has no normalised form; choose {' or '.join(MARGIN_LOSSES)}")
    return MARGIN_LOSSES[name]
