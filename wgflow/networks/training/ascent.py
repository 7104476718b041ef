r"""Steps of the ascent of the soft-min margin in both layers, on the data that count.

The shares :math:`p_i` of the data in a step are proportional to :math:`e^{-y_i h(x_i)}`, and the weights grow: after
some time most of the data change no digit of a step. Such data are left out for `BLOCK` steps at a time. Which they are
is decided by all margins before the block and by how far one fell towards the smallest in the last one, and checked by
all margins after it: a block in which one of them came to count is done again with all data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wgflow.errors import ComputationError
from wgflow.networks.training.kernels.ascent import (
    LARGEST,
    LARGEST_EXPONENT,
    NEGLIGIBLE,
    advance,
    back_propagate,
    lower_gaps,
    sum_margins,
)
from wgflow.typing import FloatArray

BLOCK = 20  # steps between two looks at all margins
CAUTION = 4.0  # times the way that a margin fell in the last block is what none is expected to fall in the next one


class BothLayers:
    """Weights of a network on the way up, over a common factor whose logarithm is kept.

    Parameters
    ----------
    outputs, weights : arrays, shapes (m,) and (m, D)
        Output and input weights, of one precision; they are changed in place.
    log_scale : float
        Logarithm of a factor of the predictions.
    inputs, labels : arrays, shapes (n, D) and (n,)
        Data, labels +1 or -1, of the same precision.
    """

    def __init__(
        self,
        outputs: NDArray[Any],
        weights: NDArray[Any],
        log_scale: float,
        inputs: NDArray[Any],
        labels: NDArray[Any],
    ) -> None:
        self.outputs, self.weights, self.log_scale = outputs, weights, log_scale
        self._inputs, self._labels = inputs, labels
        self._activation = np.empty(outputs.size * labels.size, outputs.dtype)
        self._slopes, self._done = np.empty_like(weights), 0
        self._gaps, self._fallen = self._measure_gaps(), np.inf

    def ascend(self, rates: FloatArray) -> None:
        """Take steps of the given sizes, `BLOCK` at most.

        Raises
        ------
        ComputationError
            If a weight is not finite any more.
        """
        before = self.outputs.copy(), self.weights.copy(), self.log_scale
        gaps, counting = self._gaps, -np.log(NEGLIGIBLE)
        left_out = gaps > counting + CAUTION * self._fallen
        least = self._take_steps(~left_out, rates)
        if (least[left_out] < counting).any():
            self.outputs[:], self.weights[:], self.log_scale = before
            least = self._take_steps(np.ones_like(left_out), rates)
        self._fallen = float((gaps - least).max())
        self._done += len(rates)

    def rescale(self) -> None:
        """Divide all weights by their root mean square, which goes to the common factor.

        Raises
        ------
        ComputationError
            If a weight is not finite any more.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # reported below, once
            squares = np.sum(self.outputs**2) + np.sum(self.weights**2)
            size = np.sqrt(squares / (self.outputs.size + self.weights.size))
        check_finite(size, self._done)
        self.outputs /= size
        self.weights /= size
        self.log_scale += 2.0 * float(np.log(size))

    def _measure_gaps(self) -> FloatArray:
        """By how much each margin exceeds the smallest one, shape (n,)."""
        activation = self._activation.reshape(self.outputs.size, -1)
        np.matmul(self.weights, self._inputs.T, out=activation)
        margins = np.empty_like(self._labels)
        sum_margins(activation, self.outputs, self._labels, margins)
        return (margins - margins.min()) * np.exp(min(self.log_scale, LARGEST_EXPONENT))

    def _take_steps(self, chosen: NDArray[np.bool_], rates: FloatArray) -> FloatArray:
        """Take steps in which some of the data count; gives the least gap on the way, of the others that at the end."""
        inputs, labels, least = self._inputs[chosen], self._labels[chosen], self._gaps[chosen]
        margins, shares = np.empty_like(labels), np.empty_like(labels)
        activation = self._activation[: self.outputs.size * labels.size].reshape(self.outputs.size, labels.size)
        for rate in rates:
            np.matmul(self.weights, inputs.T, out=activation)
            largest = back_propagate(activation, self.outputs, labels, self.log_scale, margins, shares)
            lower_gaps(least, margins, self.log_scale)
            np.matmul(activation, inputs, out=self._slopes)
            advance(self.outputs, self.weights, self._slopes, self.outputs.dtype.type(rate))
            if not largest < LARGEST:
                self.rescale()
        self._gaps = self._measure_gaps()
        found = self._gaps.copy()
        found[chosen] = np.minimum(found[chosen], least)
        return found


def check_finite(values: FloatArray, iteration: int) -> None:
    """Raise ComputationError unless all values are finite."""
    if not np.isfinite(values).all():
        raise ComputationError(f"the weights diverged after iteration {iteration}; choose a smaller step")
