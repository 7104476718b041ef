"""Cost of an iteration of the training of classifiers, over that of the BLAS products in it, on one thread.

Both layers of m neurons of d inputs on n data: the products of the activations and of the gradient. The output layer
alone, by its kernel: the product of the n x n matrix with a vector, over the first 1000 iterations, where all data
points count, and over 5 10^4. Both are measured in turns in one process; ratios are medians of such pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from wgflow import Relu
from wgflow.app.validation import Row, Setting
from wgflow.networks.training.classifiers import MarginAscent, draw_network
from wgflow.networks.training.clusters import draw_clusters
from wgflow.typing import FloatArray

from .._pool import single_threaded_pool
from ._timing import paired_seconds, ratio_row

PAIRS = 7
Pair = tuple[Callable[[], object], Callable[[], object]]  # ours and that of BLAS
SIZES = ((1000, 256, 15), (1000, 512, 15), (1000, 100, 3))
ITERATIONS = 50
PUBLISHED = 50_000  # iterations of Figure 6


def both_layers(neurons: int, count: int, inputs: int, precision: str) -> Pair:
    """Some iterations, and as many times the two products."""
    generator = np.random.default_rng(0)
    data, labels = draw_clusters(3, inputs, generator).draw(count, generator)
    start, ascent = draw_network(neurons, inputs, generator), MarginAscent(ITERATIONS, precision=precision)
    points, weights = data.astype(precision), start.inputs.astype(precision)
    activation, gradient = np.empty((neurons, count), precision), np.empty((neurons, inputs), precision)

    def multiply() -> None:
        for _ in range(ITERATIONS):
            np.matmul(weights, points.T, out=activation)
            np.matmul(activation, points, out=gradient)

    return lambda: ascent.train(start, data, labels), multiply


def output_layer(neurons: int, count: int, inputs: int, iterations: int) -> Pair:
    """Some iterations, and 1000 products of the kernel and a vector."""
    generator = np.random.default_rng(0)
    data, labels = draw_clusters(3, inputs, generator).draw(count, generator)
    features = Relu(data)(draw_network(neurons, inputs, generator).inputs) * labels
    matrix, ascent = features.T @ features / neurons, MarginAscent(iterations)
    vector, product = np.ones(count), np.empty(count)

    def multiply() -> None:
        for _ in range(1000):
            np.matmul(matrix, vector, out=product)

    return lambda: ascent.ascend(matrix), multiply


def rows_of(size: tuple[int, int, int], *, quick: bool) -> list[Row]:
    """Time the trainings of one size."""
    rows, network, pairs = [], "m = {}, n = {}, d = {}".format(*size), 3 if quick else PAIRS
    for precision in ("float64", "float32"):
        found = paired_seconds(*both_layers(*size, precision), pairs, 5) / ITERATIONS
        what = f"an iteration of both layers, {network}, {precision}: over its BLAS products"
        rows.append(ratio_row(what, found, cost_of(found)))
    for iterations, calls in ((1000, 5),) if quick else ((1000, 5), (PUBLISHED, 1)):
        found = paired_seconds(*output_layer(*size, iterations), pairs, calls) / [iterations, 1000]
        what = f"an iteration of the output layer, {network}, of {iterations}: over its BLAS product"
        rows.append(ratio_row(what, found, cost_of(found)))
    return [row.quote() for row in rows] if size == SIZES[0] else rows


def cost_of(pairs: FloatArray) -> str:
    """Median of the first durations."""
    return f"{1e6 * np.median(pairs[:, 0]):.1f} microseconds"


def validate(setting: Setting) -> Iterator[Row]:
    """Time trainings of three sizes, on one thread as in the processes of the figures; quick, of one, a few times."""
    with single_threaded_pool(1) as pool:
        for size in SIZES[:1] if setting.quick else SIZES:
            yield from pool.submit(rows_of, size, quick=setting.quick).result()
