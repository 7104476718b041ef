r"""Training of binary classifiers with infinitely growing weights: ascent of the soft-min margin.

A network of width m predicts :math:`h(x) = \frac1m \sum_j a_j (b_j \cdot x)_+`. On data with labels
:math:`y_i = \pm 1` the gradient ascent of :math:`-\log \frac1n \sum_i e^{-y_i h(x_i)}` is, in mean-field scaling,

.. math:: a_j \leftarrow a_j + \gamma_t \sum_i p_i y_i (b_j \cdot x_i)_+, \qquad
          b_j \leftarrow b_j + \gamma_t a_j \sum_i p_i y_i 1_{b_j \cdot x_i > 0}\, x_i, \qquad
          p_i = \frac{e^{-y_i h(x_i)}}{\sum_k e^{-y_k h(x_k)}}, \qquad \gamma_t = \gamma / \sqrt{t + 1}.

The weights grow like :math:`e^{c \sqrt t}`. As the gradient is homogeneous in them, they are stored over a common
factor, whose logarithm is kept: no number of iterations overflows, and the iterates are the same.

If only the output weights move, from :math:`a = 0`, they stay in the span of the features:
:math:`a_j = \sum_i y_i c_i (b_j \cdot x_i)_+`. The ascent is then one of the n numbers c, in which the width appears in
the kernel :math:`\frac1m \sum_j (b_j \cdot x)_+ (b_j \cdot x')_+` alone, and may be infinite. Its steps are
multiplied by :math:`\max(1, \|a\|_2 / \sqrt m)`.

References
----------
Bach and Chizat (2022), Section 5. Chizat and Bach, Implicit bias of gradient descent for wide two-layer neural networks
trained with the logistic loss, COLT (2020).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles
from wgflow.networks.population import arc_cosine_kernel
from wgflow.networks.relu import PRECISIONS, Relu, check_inputs
from wgflow.networks.training.ascent import BLOCK, BothLayers, check_finite
from wgflow.networks.training.kernels.classifiers import ROWS, ascend_outputs
from wgflow.typing import FloatArray

REPORTED = 50 * BLOCK  # iterations between two reports

Report = Callable[[int], None]  # told the number of iterations done


class Classifier(Protocol):
    """A function whose sign is the class."""

    def predict(self, inputs: FloatArray) -> FloatArray:
        """Values at inputs (k, D), shape (k,)."""


@dataclass(frozen=True)
class Network:
    r"""The function :math:`e^s \frac1m \sum_j a_j (b_j \cdot x)_+`.

    Parameters
    ----------
    outputs : array, shape (m,)
        Output weights a.
    inputs : array, shape (m, D)
        Input weights b.
    log_scale : float
        The logarithm s of a factor, which is too large for a number after long trainings.

    Raises
    ------
    ShapeError
        If the shapes do not fit together.
    """

    outputs: FloatArray
    inputs: FloatArray
    log_scale: float = 0.0

    def __post_init__(self) -> None:
        if self.inputs.ndim != 2 or self.outputs.shape != (len(self.inputs),) or self.outputs.size == 0:
            shapes = self.outputs.shape, self.inputs.shape
            raise ShapeError(f"weights of shapes {shapes} are no network; allowed are (m,) and (m, D)")

    @property
    def measure(self) -> Particles:
        """The function without its factor, as a measure of input weights: masses |a|/m and the signs of a."""
        signs = np.where(self.outputs < 0.0, -1.0, 1.0)
        return Particles(self.inputs, np.abs(self.outputs) / len(self.outputs), signs)

    @property
    def variation(self) -> float:
        r"""The bound :math:`\frac1m \sum_j |a_j| |b_j|` of the variation norm, without the factor."""
        return float(np.mean(np.abs(self.outputs) * np.linalg.norm(self.inputs, axis=1)))

    @property
    def output_norm(self) -> float:
        r"""The norm :math:`\|a\|_2 \sqrt{D/m}`, without the factor.

        For fixed b_j drawn from N(0, I) it bounds, as m grows, the norm in the space of the kernel
        :math:`E (\eta \cdot x)_+ (\eta \cdot x')_+` with eta uniform on the unit sphere.
        """
        return float(np.sqrt(np.mean(self.outputs**2) * self.inputs.shape[1]))

    def predict(self, inputs: FloatArray) -> FloatArray:
        """Values at inputs (k, D) without the factor, shape (k,)."""
        return Relu(inputs, merge=False).sums.forward(self.inputs, self.outputs / len(self.outputs))[0]


@dataclass(frozen=True)
class KernelNetwork:
    r"""A network of infinite width with fixed input weights from N(0, I): :math:`\sum_i c_i y_i k(x_i, x)`.

    Parameters
    ----------
    coefficients : array, shape (n,)
        The numbers ``c_i y_i``.
    inputs : array, shape (n, D)
        Data points.
    norm : float
        Norm of the function in the space of the kernel of unit vectors, comparable with `Network.output_norm`.
    """

    coefficients: FloatArray
    inputs: FloatArray
    norm: float

    def predict(self, inputs: FloatArray) -> FloatArray:
        """Values at inputs (k, D), shape (k,), up to a positive factor."""
        return arc_cosine_kernel(inputs, self.inputs) @ self.coefficients


def draw_network(width: int, dimension: int, generator: np.random.Generator) -> Network:
    """Draw all weights from N(0, 1)."""
    return Network(generator.standard_normal(width), generator.standard_normal((width, dimension)))


def margin(classifier: Classifier, inputs: FloatArray, labels: FloatArray) -> float:
    """Smallest ``y f(x)`` over inputs (n, D) with labels (n,)."""
    return float((labels * classifier.predict(inputs)).min())


def error_rate(classifier: Classifier, inputs: FloatArray, labels: FloatArray) -> float:
    """Share of inputs (n, D) that are not on the side of their label (n,); a value 0 or nan is an error."""
    return 1.0 - float((labels * classifier.predict(inputs) > 0.0).mean())


@dataclass(frozen=True)
class MarginAscent:
    """Gradient ascent of the soft-min margin.

    Parameters
    ----------
    iterations : int
        Number of steps.
    step : float
        Size of the first step; step t + 1 is smaller by the root of t + 1.
    precision : str
        "float64" or "float32", of the training of both layers.

    Raises
    ------
    InputError
        If an option is not allowed.
    """

    iterations: int
    step: float = 0.5
    precision: str = "float64"

    def __post_init__(self) -> None:
        for name in ("iterations", "step"):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(f"{name} = {getattr(self, name)!r} is not allowed; give a positive number")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision = {self.precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")

    def train(
        self, start: Network, inputs: FloatArray, labels: FloatArray, report: Report | None = None, *, done: int = 0
    ) -> Network:
        """Train both layers.

        Parameters
        ----------
        start : Network
            Where to start.
        inputs, labels : arrays, shapes (n, D) and (n,)
            Data, labels +1 or -1.
        report : callable, optional
            Called with the number of iterations done, now and then.
        done : int
            Number of steps that led to ``start``; the sizes of steps go on from there.

        Raises
        ------
        InputError, ShapeError
            If a label is neither +1 nor -1, or shapes do not fit together.
        ComputationError
            If a weight is not finite any more: the step is too large for the data.
        """
        check_data(inputs, labels, start.inputs)
        dtype: Any = PRECISIONS[self.precision]
        weights = start.outputs.astype(dtype), start.inputs.astype(dtype)
        ascent = BothLayers(*weights, start.log_scale, inputs.astype(dtype), labels.astype(dtype))
        for first in range(0, self.iterations, BLOCK):
            last = min(first + BLOCK, self.iterations)
            ascent.ascend(self.step / np.sqrt(done + np.arange(first, last) + 1.0))
            if report is not None and (last % REPORTED == 0 or last == self.iterations):
                report(last)
        ascent.rescale()
        return Network(ascent.outputs.astype(np.float64), ascent.weights.astype(np.float64), ascent.log_scale)

    def train_outputs(
        self, weights: FloatArray, inputs: FloatArray, labels: FloatArray, report: Report | None = None
    ) -> Network:
        """Train the output layer from 0, with fixed input weights (m, D).

        Raises
        ------
        InputError, ShapeError, ComputationError
            As `train` does.
        """
        check_data(inputs, labels, weights)
        features = Relu(inputs)(weights) * labels
        coefficients, _, log_scale = self.ascend(features.T @ features / len(weights), report)
        return Network(features @ coefficients, weights, log_scale)

    def train_infinite(self, inputs: FloatArray, labels: FloatArray, report: Report | None = None) -> KernelNetwork:
        """Train the output layer of a network of infinite width, whose input weights are fixed and from N(0, I).

        Raises
        ------
        InputError, ShapeError, ComputationError
            As `train` does.
        """
        check_data(inputs, labels)
        coefficients, margins, _ = self.ascend(arc_cosine_kernel(inputs, inputs) * np.outer(labels, labels), report)
        norm = float(np.sqrt(coefficients @ margins * inputs.shape[1]))
        return KernelNetwork(coefficients * labels, inputs, norm)

    def ascend(self, matrix: FloatArray, report: Report | None = None) -> tuple[FloatArray, FloatArray, float]:
        """Iterate the coefficients c of the output layer from 0.

        Parameters
        ----------
        matrix : array, shape (n, n)
            Kernel at the data, times the labels of both points.
        report : callable, optional
            As in `train`.

        Returns
        -------
        coefficients, margins, log_scale : arrays of shape (n,) and float
            c and the margins ``matrix @ c``, both over a common factor, and its logarithm.

        Raises
        ------
        ComputationError
            If a coefficient is not finite any more.
        """
        count, log_scale = len(matrix), 0.0
        coefficients, margins = np.zeros(count), np.zeros(count)
        rates, active = np.empty(count + ROWS), np.empty(count + ROWS, np.int64)
        for first in range(0, self.iterations, REPORTED):
            last = min(first + REPORTED, self.iterations)
            log_scale = ascend_outputs(matrix, coefficients, margins, rates, active, log_scale, self.step, first, last)
            np.matmul(matrix, coefficients, out=margins)  # forgets the round-off of the updates
            check_finite(coefficients, last)
            if report is not None:
                report(last)
        return coefficients, margins, log_scale


def check_data(inputs: FloatArray, labels: FloatArray, weights: FloatArray | None = None) -> None:
    """Raise InputError or ShapeError unless inputs (n, D) have labels +1 or -1 and fit input weights (m, D)."""
    check_inputs(inputs)
    if labels.shape != (len(inputs),):
        raise ShapeError(f"inputs {inputs.shape} and labels {labels.shape} do not fit; allowed are (n, D), (n,)")
    wrong = labels[~np.isin(labels, (-1.0, 1.0))]
    if wrong.size:
        raise InputError(f"labels hold {wrong[0]:g}; allowed are +1 and -1")
    if weights is not None and weights.shape[1] != inputs.shape[1]:
        raise ShapeError(f"neurons of {weights.shape[1]} inputs do not fit data with {inputs.shape[1]}")
