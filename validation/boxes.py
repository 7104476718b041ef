"""Orders of convergence on boxes of one to three dimensions against two more exact solutions.

- V = |x|^2 / 2 contracts a Gaussian: its covariance decays like exp(-2t).
- F = (int |x|^2 dmu - a)^2 / 2 dilates a Gaussian; its second moment f grows by the logistic law f' = -4 f (f - a).

The order is that of the three finest of four grids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from wgflow import Box, Features, Potential, solve
from wgflow.app.validation import Row, Setting, at_least
from wgflow.domains.quadrature import cell_averages
from wgflow.functionals import Functional
from wgflow.typing import FloatArray

LEAST_ORDER = 1.9
HALF_WIDTH = 4.4  # of the box; the mass outside is well below the error
CONTRACTION_SIZES = {1: (128, 256, 512, 1024), 2: (128, 256, 384, 512), 3: (64, 160, 192, 256)}
DILATION_SIZES = {1: (128, 256, 512, 1024), 2: (64, 128, 256, 512), 3: (48, 64, 96, 128)}


def gaussian(covariance: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Density of N(0, covariance)."""
    inverse, scale = np.linalg.inv(covariance), np.linalg.det(2.0 * np.pi * covariance) ** -0.5
    return lambda points: scale * np.exp(-0.5 * np.einsum("...i,ij,...j->...", points, inverse, points))


def flow_error(functional: Functional, box: Box, start: FloatArray, end: FloatArray, time: float) -> float:
    """L1 error at a time of the flow from N(0, start), whose exact solution is N(0, end)."""
    trajectory = solve(functional, box, cell_averages(box, gaussian(start)), time, times=[time])
    return float((np.abs(trajectory.density[-1] - cell_averages(box, gaussian(end))) * box.volumes).sum())


def contraction_error(dimension: int, cells: int) -> float:
    """L1 error of the quadratic potential at t = 0.25."""
    start = np.diag([0.6, 0.5, 0.55][:dimension])
    box = Box([(-HALF_WIDTH, HALF_WIDTH)] * dimension, (cells,) * dimension)
    bowl = Potential(lambda points: 0.5 * (points**2).sum(axis=-1))
    return flow_error(bowl, box, start, start * np.exp(-0.5), 0.25)


def dilation_error(dimension: int, cells: int) -> float:
    """L1 error of the logistic dilation with a = dimension, at t = 1 / dimension."""
    box, identity = Box([(-5.0, 5.0)] * dimension, (cells,) * dimension), np.eye(dimension)
    first, wanted, time = 0.09 * dimension, float(dimension), 1.0 / dimension
    moment = wanted * first / (first + (wanted - first) * np.exp(-4.0 * wanted * time))
    square = Features(lambda points: (points**2).sum(axis=1, keepdims=True), np.array([wanted]))
    return flow_error(square, box, 0.09 * identity, moment / dimension * identity, time)


def order_of(name: str, error: Callable[[int, int], float], dimension: int, sizes: tuple[int, ...]) -> Row:
    """Order of a flow on some grids, with its errors."""
    errors = np.array([error(dimension, cells) for cells in sizes])
    fitted = -np.polyfit(np.log(sizes[-3:]), np.log(errors[-3:]), 1)[0]
    table = "  ".join(f"{cells}: {value:.2e}" for cells, value in zip(sizes, errors, strict=True))
    return at_least(f"{name} in {dimension}-D: order", fitted, LEAST_ORDER, table).quote()


def validate(setting: Setting) -> Iterator[Row]:
    """All cases; quick, in one dimension only."""
    dimensions = (1,) if setting.quick else (1, 2, 3)
    for name, error, sizes in (
        ("contraction", contraction_error, CONTRACTION_SIZES),
        ("dilation", dilation_error, DILATION_SIZES),
    ):
        for dimension in dimensions:
            yield order_of(name, error, dimension, sizes[dimension])
