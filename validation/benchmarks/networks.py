"""Cost of one evaluation of risk, potential and gradient of a network, over that of the two matrix products in it.

The network has m neurons of d inputs, both layers free, on n data; the products are those of the activations and of
the gradient, by BLAS on both cores. They are measured in turns; the ratio is the median of such pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from wgflow import Features, Neurons, Particles, Relu
from wgflow.app.validation import Row, Setting

from ._timing import paired_seconds, ratio_row

PAIRS, REPETITIONS, QUICK_REPETITIONS = 7, 300, 10
SIZES = ((1000, 256, 15), (1000, 1000, 15), (1000, 100, 100), (8192, 133, 2))


def evaluation(neurons: int, count: int, inputs: int, precision: str) -> Callable[[], object]:
    """One evaluation at particles, ready to be called again and again."""
    generator = np.random.default_rng(0)
    hidden = Relu(generator.normal(size=(count, inputs)), precision=precision)
    risk = Features(Neurons(hidden), generator.normal(size=count))
    points, weights = generator.normal(size=(neurons, inputs + 1)), np.full(neurons, 1.0 / neurons)
    particles = Particles(points, weights, np.ones(neurons))
    return lambda: risk.at_particles(particles)


def products(neurons: int, count: int, inputs: int, precision: str) -> Callable[[], object]:
    """The matrix products of activations and of the gradient, into arrays that exist."""
    generator = np.random.default_rng(0)
    data = generator.normal(size=(count, inputs)).astype(precision)
    weights = generator.normal(size=(neurons, inputs)).astype(precision)
    activation, gradient = np.empty((neurons, count), precision), np.empty((neurons, inputs), precision)

    def multiply() -> None:
        np.matmul(weights, data.T, out=activation)
        np.matmul(activation, data, out=gradient)

    return multiply


def validate(setting: Setting) -> Iterator[Row]:
    """Time evaluations of some sizes; quick, a few times only."""
    repetitions = QUICK_REPETITIONS if setting.quick else REPETITIONS
    for size in SIZES:
        for precision in ("float64", "float32"):
            pairs = paired_seconds(evaluation(*size, precision), products(*size, precision), PAIRS, repetitions)
            what = "risk and gradients, m = {}, n = {}, d = {}, {}: over the BLAS products in it".format(
                *size, precision
            )
            row = ratio_row(what, pairs, f"{1e3 * np.median(pairs[:, 0]):.3f} ms")
            yield row.quote() if size == SIZES[0] and precision == "float64" else row
