r"""Students of a teacher on fresh Gaussian inputs, trained by stochastic gradient descent: many widths side by side.

A student of width m predicts :math:`h(x) = \frac1m \sum_j a_j (b_j \cdot x)_+`. In mean-field scaling a step with the
samples :math:`x_1, ..., x_n` is

.. math:: a_j \leftarrow a_j - \frac{\gamma_a}{n} \sum_i r_i (b_j \cdot x_i)_+, \qquad
          b_j \leftarrow b_j - \frac{\gamma_b}{n} \sum_i r_i a_j 1_{b_j \cdot x_i > 0}\, x_i, \qquad r = h - y.

All students see the same samples, which are independent of teacher and start, so that each has the law of a student
that is trained alone; two matrix products then serve them all.

References
----------
Bach and Chizat (2022), Section 4.4 and Figure 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wgflow.compilation import kernel, reduction
from wgflow.errors import ComputationError, InputError, ShapeError
from wgflow.functionals import Particles, Population, Teacher
from wgflow.typing import FloatArray, IntArray

PRECISIONS = {"float64": np.float64, "float32": np.float32}


@dataclass(frozen=True)
class Students:
    """Networks of several widths, their neurons in one array.

    Parameters
    ----------
    outputs : array, shape (M,)
        Output weights a of all neurons, network after network.
    inputs : array, shape (M, d)
        Input weights b.
    widths : array of int, shape (k,)
        Number of neurons of each network; they add up to M.

    Raises
    ------
    ShapeError
        If the shapes do not fit together.
    InputError
        If a width is not positive.
    """

    outputs: FloatArray
    inputs: FloatArray
    widths: IntArray

    def __post_init__(self) -> None:
        count = int(np.sum(self.widths))
        if np.size(self.widths) == 0 or np.min(self.widths) < 1:
            raise InputError(
                f"widths = {np.asarray(self.widths).tolist()} are not allowed; give integers of at least 1"
            )
        if self.outputs.shape != (count,) or self.inputs.ndim != 2 or len(self.inputs) != count:
            raise ShapeError(
                f"students of widths that add up to {count} have outputs {self.outputs.shape} and inputs "
                f"{self.inputs.shape}; allowed are ({count},) and ({count}, d)"
            )

    @property
    def starts(self) -> IntArray:
        """First neuron of each network, and the end, shape (k + 1,)."""
        return np.concatenate([[0], np.cumsum(self.widths)])

    def network(self, index: int) -> Particles:
        """Give one network as a measure of its input weights, with masses |a|/m and the signs of a."""
        chosen = slice(*self.starts[index : index + 2])
        outputs = self.outputs[chosen]
        weights = np.abs(outputs) / self.widths[index]
        return Particles(self.inputs[chosen], weights, np.where(outputs < 0.0, -1.0, 1.0))

    def risks(self, teacher: Teacher) -> FloatArray:
        """Population risk of each network against a teacher, in closed form, shape (k,)."""
        population = Population(teacher)
        return np.array([population.at_particles(self.network(index)).energy for index in range(len(self.widths))])


def draw_students(widths: Sequence[int], dimension: int, generator: np.random.Generator) -> Students:
    """Draw networks with output weights +1 or -1 and input weights uniform on the unit sphere."""
    count = sum(widths)
    inputs = generator.standard_normal((count, dimension))
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    return Students(generator.choice([-1.0, 1.0], count), inputs, np.array(widths, dtype=np.int64))


def draw_teacher(neurons: int, dimension: int, generator: np.random.Generator) -> Teacher:
    """Draw a teacher with output weights +1 or -1 and input weights uniform on the unit sphere."""
    directions = generator.standard_normal((neurons, dimension))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return Teacher(directions, generator.choice([-1.0, 1.0], neurons))


@reduction
def _residuals(activation, outputs, starts, targets, residual):
    """Write ``h - y`` of each network at each sample, and rectify the activations in place."""
    for i in range(activation.shape[0]):
        row = activation[i]
        for k in range(starts.size - 1):
            total = row.dtype.type(0.0)
            for j in range(starts[k], starts[k + 1]):
                row[j] = max(row[j], row.dtype.type(0.0))
                total += outputs[j] * row[j]
            residual[i, k] = total / (starts[k + 1] - starts[k]) - targets[i]


@kernel
def _back_propagate(activation, outputs, starts, residual, output_slopes):
    """Add the slopes in the output weights; replace features by the residual times a where they are active."""
    output_slopes[:] = 0.0
    zero = activation.dtype.type(0.0)
    for i in range(activation.shape[0]):
        row = activation[i]
        for k in range(starts.size - 1):
            error = residual[i, k]
            for j in range(starts[k], starts[k + 1]):
                output_slopes[j] += error * row[j]
                row[j] = error * outputs[j] if row[j] > zero else zero


@kernel
def _descend(values, slopes, rate):
    for i in range(values.size):
        values[i] -= rate * slopes[i]


@dataclass(frozen=True)
class Descent:
    """Stochastic gradient descent on fresh Gaussian inputs.

    Parameters
    ----------
    iterations : int
        Number of steps.
    batch : int
        Fresh samples in each step.
    output_rate, input_rate : float
        Step sizes of the two layers in mean-field scaling; time is ``iterations * output_rate``.
    precision : str
        "float64" or "float32".

    Raises
    ------
    InputError
        If an option is not allowed.
    """

    iterations: int
    batch: int = 100
    output_rate: float = 0.005
    input_rate: float = 0.005
    precision: str = "float64"

    def __post_init__(self) -> None:
        for name in ("iterations", "batch", "output_rate", "input_rate"):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise InputError(f"{name} = {value!r} is not allowed; give a positive number")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision = {self.precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")

    def train(self, students: Students, teacher: Teacher, generator: np.random.Generator) -> Students:
        """Train all networks on the same samples.

        Parameters
        ----------
        students : Students
            Networks at the start; they are left as they are.
        teacher : Teacher
            What is to be learned, with as many inputs.
        generator : numpy.random.Generator
            Source of the samples.

        Raises
        ------
        ShapeError
            If teacher and students have different numbers of inputs.
        ComputationError
            If the weights diverge.
        """
        dimension = teacher.directions.shape[1]
        if students.inputs.shape[1] != dimension:
            raise ShapeError(f"students of {students.inputs.shape[1]} inputs cannot learn a teacher of {dimension}")
        step = _prepare(self, students, teacher)
        outputs, inputs = (values.astype(PRECISIONS[self.precision]) for values in (students.outputs, students.inputs))
        samples = np.empty((self.batch, dimension), dtype=outputs.dtype)
        for _ in range(self.iterations):
            generator.standard_normal(dtype=samples.dtype, out=samples)
            step(outputs, inputs, samples)
        if not (np.isfinite(outputs).all() and np.isfinite(inputs).all()):
            raise ComputationError("the weights of a student diverged; choose smaller rates")
        return Students(outputs.astype(np.float64), inputs.astype(np.float64), students.widths)


def _prepare(descent: Descent, students: Students, teacher: Teacher) -> Callable[..., None]:
    """Give a function that does one step in place; its buffers are allocated once."""
    dtype: Any = PRECISIONS[descent.precision]
    starts, count = students.starts, len(students.outputs)
    directions, weights = teacher.directions.T.astype(dtype), teacher.weights.astype(dtype)
    activation, hidden = np.empty((descent.batch, count), dtype), np.empty((descent.batch, len(weights)), dtype)
    residual = np.empty((descent.batch, len(students.widths)), dtype)
    output_slopes, input_slopes = np.empty(count, dtype), np.empty(students.inputs.shape, dtype)
    rates = dtype(descent.output_rate / descent.batch), dtype(descent.input_rate / descent.batch)

    def step(outputs: NDArray[Any], inputs: NDArray[Any], samples: NDArray[Any]) -> None:
        np.matmul(samples, directions, out=hidden)
        targets = np.maximum(hidden, 0.0, out=hidden) @ weights
        np.matmul(samples, inputs.T, out=activation)
        _residuals(activation, outputs, starts, targets, residual)
        _back_propagate(activation, outputs, starts, residual, output_slopes)
        np.matmul(activation.T, samples, out=input_slopes)
        _descend(outputs, output_slopes, rates[0])
        _descend(inputs.reshape(-1), input_slopes.reshape(-1), rates[1])

    return step
