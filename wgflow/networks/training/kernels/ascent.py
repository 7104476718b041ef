"""Steps of the ascent of the soft-min margin in both layers."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import kernel

LARGEST_EXPONENT = 600.0  # of a scale in the weights p: beyond, they are those of the smallest margin alone anyway
LARGEST = 1e12  # margins and norms above are divided by a common factor
NEGLIGIBLE = 1e-20  # share p of a data point, over the largest one, that changes no digit


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
def lower_gaps(least, margins, log_scale):
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
def sum_margins(activation, outputs, labels, margins):
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
def back_propagate(activation, outputs, labels, log_scale, margins, shares):
    """Turn activations (m, n) into ``p y`` times slopes of the features; gives the largest size of a margin."""
    largest = sum_margins(activation, outputs, labels, margins)
    total = share_weights(margins, log_scale, shares)
    for i in range(labels.size):
        shares[i] *= labels[i] / total
    for j in range(outputs.size):
        _select(shares, activation[j])
    return largest


@kernel
def advance(outputs, weights, slopes, rate):
    """Step of both layers; the slope in the output weight is that of the input weights times these (Euler)."""
    for j in range(outputs.size):
        push, slope = rate * outputs[j], slopes.dtype.type(0.0)
        for axis in range(slopes.shape[1]):
            slope += weights[j, axis] * slopes[j, axis]
            weights[j, axis] += push * slopes[j, axis]
        outputs[j] += rate * slope
