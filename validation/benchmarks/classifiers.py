"""Cost of an iteration of the training of classifiers, over that of the BLAS products in it, on one thread.

Both layers of m neurons of d inputs on n data: the products of the activations and of the gradient. The output layer
alone, by its kernel: the product of the n x n matrix with a vector, over the first 1000 iterations, where all data
points count, and over 5 10^4. Both are measured in turns in one process; ratios are medians of such pairs.

    python validation/benchmarks/classifiers.py
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from wgflow import Relu
from wgflow.networks.training.classifiers import MarginAscent, draw_network
from wgflow.networks.training.clusters import draw_clusters

from ._timing import paired_seconds

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


def main() -> None:
    """Print the table."""
    print(f"{'m, n, d':14s} {'training':20s} {'us':>8s} {'x BLAS':>7s}  range")
    for size in SIZES:
        name = ", ".join(map(str, size))
        for precision in ("float64", "float32"):
            pairs = paired_seconds(*both_layers(*size, precision), PAIRS, 5) / ITERATIONS
            show(name, f"both, {precision}", pairs)
        for iterations, calls in ((1000, 5), (PUBLISHED, 1)):
            pairs = paired_seconds(*output_layer(*size, iterations), PAIRS, calls) / [iterations, 1000]
            show(name, f"output, {iterations}", pairs)


def show(name: str, training: str, pairs: np.ndarray) -> None:
    """Print a line."""
    ratios = pairs[:, 0] / pairs[:, 1]
    print(
        f"{name:14s} {training:20s} {1e6 * np.median(pairs[:, 0]):8.1f} {np.median(ratios):7.2f}  "
        f"{ratios.min():.2f}, {ratios.max():.2f}"
    )


if __name__ == "__main__":
    # One thread, as in the processes of the figures; the variable is read by a process when it starts.
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(main).result()
