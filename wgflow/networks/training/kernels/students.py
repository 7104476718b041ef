"""Steps of gradient descent of students, on samples and on the population risk."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import arrays_apart, kernel, reduction
from wgflow.networks.kernels.arc_cosine import angular_sums
from wgflow.reductions import inner_product


@reduction
def _fill_half_chords(target, sources, apart, together):
    """Write |u - v|^2 / 4 and |u + v|^2 / 4 for one target (d,) and sources (d, n)."""
    arrays_apart()
    apart[:] = 0.0
    together[:] = 0.0
    for axis in range(target.size):
        here, there = target[axis], sources[axis]
        for j in range(apart.size):
            apart[j] += 0.25 * (here - there[j]) * (here - there[j])
            together[j] += 0.25 * (here + there[j]) * (here + there[j])


@kernel
def _add_feature(charge, activation, error):
    """Rectify the activations of a neuron in place, and add its part to the prediction."""
    zero = activation.dtype.type(0.0)
    for i in range(error.size):
        activation[i] = max(activation[i], zero)
        error[i] += charge * activation[i]


@reduction
def _pull_back(output, error, activation):
    """Slope in the output weight; features become the error times the output weight where they are active."""
    arrays_apart()
    zero = activation.dtype.type(0.0)
    slope = zero
    for i in range(error.size):
        slope += error[i] * activation[i]
        activation[i] = output * error[i] if activation[i] > zero else zero
    return slope


@kernel
def back_propagate(activation, outputs, starts, targets, error, rate):
    """Step of the output weights; activations (M, n) become the slopes in what enters the neurons."""
    for k in range(starts.size - 1):
        first, last = starts[k], starts[k + 1]
        share = outputs.dtype.type(1.0 / (last - first))
        for i in range(error.size):
            error[i] = -targets[i]
        for j in range(first, last):
            _add_feature(share * outputs[j], activation[j], error)
        for j in range(first, last):
            outputs[j] -= rate * _pull_back(outputs[j], error, activation[j])


@kernel
def gradient_step(values, slopes, rate):
    """Step against the slopes."""
    for i in range(values.size):
        values[i] -= rate * slopes[i]


@kernel
def _point(outputs, inputs, lengths, sources, masses):
    """Write lengths, directions (as columns of the sources) and masses of the neurons of one network."""
    for j in range(outputs.size):
        lengths[j] = np.sqrt(inner_product(inputs[j], inputs[j]))
        masses[j] = outputs[j] * lengths[j] / outputs.size
        for axis in range(inputs.shape[1]):
            sources[axis, j] = inputs[j, axis] / max(lengths[j], 1e-300)


@kernel
def train_on_population(outputs, inputs, rates, iterations, sources, masses, work):
    """Descend with the population gradient; the teacher is in the last columns of the sources (d, m + k)."""
    count, dimension = inputs.shape
    apart, together, lengths = work[0], work[1], work[2, :count]
    output_rate, input_rate = rates[0] / (2.0 * np.pi), rates[1] / (2.0 * np.pi)
    for _ in range(iterations):
        _point(outputs, inputs, lengths, sources, masses)  # not changed below, while the neurons move one by one
        for j in range(count):
            target = sources[:, j]
            _fill_half_chords(target, sources, apart, together)
            value, along = angular_sums(apart, together, masses)
            push = input_rate * outputs[j]
            for axis in range(dimension):
                inputs[j, axis] -= push * (along * target[axis] + inner_product(apart, sources[axis]))
            outputs[j] -= output_rate * lengths[j] * value
