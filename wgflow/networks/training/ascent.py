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

from wgflow.compilation import kernel
from wgflow.errors import ComputationError
from wgflow.typing import FloatArray

LARGEST_EXPONENT = 600.0  # of a scale in the weights p: beyond, they are those of the smallest margin alone anyway
LARGEST = 1e12  # margins and norms above are divided by a common factor
NEGLIGIBLE = 1e-20  # share p of a data point, over the largest one, that changes no digit
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
        _sum_margins(activation, self.outputs, self._labels, margins)
        return (margins - margins.min()) * np.exp(min(self.log_scale, LARGEST_EXPONENT))

    def _take_steps(self, chosen: NDArray[np.bool_], rates: FloatArray) -> FloatArray:
        """Take steps in which some of the data count; gives the least gap on the way, of the others that at the end."""
        inputs, labels, least = self._inputs[chosen], self._labels[chosen], self._gaps[chosen]
        margins, shares = np.empty_like(labels), np.empty_like(labels)
        activation = self._activation[: self.outputs.size * labels.size].reshape(self.outputs.size, labels.size)
        for rate in rates:
            np.matmul(self.weights, inputs.T, out=activation)
            largest = _back_propagate(activation, self.outputs, labels, self.log_scale, margins, shares)
            _lower(least, margins, self.log_scale)
            np.matmul(activation, inputs, out=self._slopes)
            _advance(self.outputs, self.weights, self._slopes, self.outputs.dtype.type(rate))
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


@kernel
def share_weights(margins, log_scale, shares):
    """Write exp(smallest margin - margin), with margins that are over a factor; gives the sum."""
    lowest, scale = margins[0], np.exp(min(log_scale, LARGEST_EXPONENT))
    for i in range(margins.size):
        lowest = min(lowest, margins[i])
    total = 0.0
    for i in range(margins.size):
        shares[i] = np.exp((lowest - margins[i]) * scale)
        total += shares[i]
    return total


@kernel
def _lower(least, margins, log_scale):
    """Lower the least gaps to those of the margins, which are over a factor."""
    lowest, scale = margins[0], np.exp(min(log_scale, LARGEST_EXPONENT))
    for i in range(margins.size):
        lowest = min(lowest, margins[i])
    for i in range(margins.size):
        least[i] = min(least[i], (margins[i] - lowest) * scale)


@kernel
def _add_feature(output, activation, prediction):
    zero = activation.dtype.type(0.0)
    for i in range(prediction.size):
        prediction[i] += output * max(activation[i], zero)


@kernel
def _select(values, activation):
    """Put a value where the activation is positive, and 0 elsewhere."""
    zero = activation.dtype.type(0.0)
    for i in range(values.size):
        activation[i] = values[i] if activation[i] > zero else zero


@kernel
def _sum_margins(activation, outputs, labels, margins):
    """Write the margins of the data from activations (m, n); gives the largest size of one."""
    margins[:] = 0.0
    for j in range(outputs.size):
        _add_feature(outputs[j], activation[j], margins)
    largest = 0.0
    for i in range(labels.size):
        margins[i] *= labels[i] / outputs.size
        largest = max(largest, abs(margins[i]))
    return largest


@kernel
def _back_propagate(activation, outputs, labels, log_scale, margins, shares):
    """Turn activations (m, n) into ``p y`` times slopes of the features; gives the largest size of a margin."""
    largest = _sum_margins(activation, outputs, labels, margins)
    total = share_weights(margins, log_scale, shares)
    for i in range(labels.size):
        shares[i] *= labels[i] / total
    for j in range(outputs.size):
        _select(shares, activation[j])
    return largest


@kernel
def _advance(outputs, weights, slopes, rate):
    """Step of both layers; the slope in the output weight is that of the input weights times these (Euler)."""
    for j in range(outputs.size):
        push, slope = rate * outputs[j], slopes.dtype.type(0.0)
        for axis in range(slopes.shape[1]):
            slope += weights[j, axis] * slopes[j, axis]
            weights[j, axis] += push * slopes[j, axis]
        outputs[j] += rate * slope
