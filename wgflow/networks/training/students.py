r"""Students of a teacher on Gaussian inputs, trained by gradient descent: many widths side by side.

A student of width m predicts :math:`h(x) = \frac1m \sum_j a_j (b_j \cdot x)_+`. In mean-field scaling a step with the
samples :math:`x_1, ..., x_n` is

.. math:: a_j \leftarrow a_j - \frac{\gamma_a}{n} \sum_i r_i (b_j \cdot x_i)_+, \qquad
          b_j \leftarrow b_j - \frac{\gamma_b}{n} \sum_i r_i a_j 1_{b_j \cdot x_i > 0}\, x_i, \qquad r = h - y.

With common samples, which are independent of teacher and start, each student has the law of one that is trained
alone, and two matrix products serve them all. Without samples the means are those of the population.

References
----------
Bach and Chizat (2022), Section 4.4 and Figure 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from wgflow.errors import ComputationError, InputError, ShapeError
from wgflow.measures import Particles
from wgflow.networks import Population, Teacher
from wgflow.networks.relu import PRECISIONS
from wgflow.networks.training.kernels.students import back_propagate, gradient_step, train_on_population
from wgflow.typing import FloatArray, IntArray


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

    def apart(self) -> list[Students]:
        """Give each network on its own."""
        parts = [slice(first, last) for first, last in pairwise(self.starts)]
        return [Students(self.outputs[part], self.inputs[part], np.array([part.stop - part.start])) for part in parts]

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


def join_students(parts: Sequence[Students]) -> Students:
    """Put networks side by side."""
    outputs, inputs, widths = zip(*((part.outputs, part.inputs, part.widths) for part in parts), strict=True)
    return Students(np.concatenate(outputs), np.concatenate(inputs), np.concatenate(widths))


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


@dataclass(frozen=True)
class StudentTraining:
    """Stochastic gradient descent on fresh Gaussian inputs, or descent on the population risk.

    Parameters
    ----------
    iterations : int
        Number of steps.
    batch : int or None
        Fresh samples in each step; None for the gradient of the population risk, in closed form and without samples.
    output_rate, input_rate : float
        Step sizes of the two layers in mean-field scaling; time is ``iterations * output_rate``.
    precision : str
        "float64" or "float32" for the samples and what is computed from them.
    common_samples : bool
        Whether all networks see the same samples, several times faster than samples of their own. The law of
        each network is the same either way, and only networks that are trained together depend on each other.

    Raises
    ------
    InputError
        If an option is not allowed.
    """

    iterations: int
    batch: int | None = 100
    output_rate: float = 0.005
    input_rate: float = 0.005
    precision: str = "float64"
    common_samples: bool = True

    def __post_init__(self) -> None:
        for name in ("iterations", "batch", "output_rate", "input_rate"):
            value = getattr(self, name)
            if not ((name == "batch" and value is None) or 0 < value < np.inf):
                raise InputError(f"{name} = {value!r} is not allowed; give a positive number")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision = {self.precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")

    def train(self, students: Students, teacher: Teacher, generator: np.random.Generator) -> Students:
        """Train all networks.

        Parameters
        ----------
        students : Students
            Networks at the start; they are left as they are.
        teacher : Teacher
            What is to be learned, with as many inputs.
        generator : numpy.random.Generator
            Source of the samples; each network has one spawned from it unless samples are common.

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
        if self.batch is None:
            trained = join_students([_follow_population(self, one, teacher) for one in students.apart()])
        elif self.common_samples:
            trained = _follow_samples(self, self.batch, students, teacher, generator)
        else:
            sources = generator.spawn(len(students.widths))
            pairs = zip(students.apart(), sources, strict=True)
            trained = join_students([_follow_samples(self, self.batch, one, teacher, own) for one, own in pairs])
        if not (np.isfinite(trained.outputs).all() and np.isfinite(trained.inputs).all()):
            raise ComputationError("the weights of a student diverged; choose smaller rates")
        return trained


def _follow_samples(
    descent: StudentTraining, batch: int, students: Students, teacher: Teacher, generator: np.random.Generator
) -> Students:
    """Train all networks on the same samples; two matrix products serve them all."""
    dtype: Any = PRECISIONS[descent.precision]
    starts, (count, dimension) = students.starts, students.inputs.shape
    outputs, inputs = students.outputs.astype(dtype), students.inputs.astype(dtype)
    directions, weights = teacher.directions.T.astype(dtype), teacher.weights.astype(dtype)
    samples, hidden = np.empty((batch, dimension), dtype), np.empty((batch, len(weights)), dtype)
    targets, error = np.empty(batch, dtype), np.empty(batch, dtype)
    activation, slopes = np.empty((count, batch), dtype), np.empty((count, dimension), dtype)
    output_rate, input_rate = dtype(descent.output_rate / batch), dtype(descent.input_rate / batch)
    for _ in range(descent.iterations):
        generator.standard_normal(dtype=dtype, out=samples)
        np.matmul(samples, directions, out=hidden)
        np.matmul(np.maximum(hidden, 0.0, out=hidden), weights, out=targets)
        np.matmul(inputs, samples.T, out=activation)
        back_propagate(activation, outputs, starts, targets, error, output_rate)
        np.matmul(activation, samples, out=slopes)
        gradient_step(inputs.reshape(-1), slopes.reshape(-1), input_rate)
    return Students(outputs.astype(np.float64), inputs.astype(np.float64), students.widths)


def _follow_population(descent: StudentTraining, student: Students, teacher: Teacher) -> Students:
    """Train one network without samples, in the space that its neurons and the teacher span and never leave."""
    basis = np.linalg.qr(np.concatenate([student.inputs, teacher.directions]).T)[0]
    outputs, inputs = student.outputs.copy(), student.inputs @ basis
    lengths = np.linalg.norm(teacher.directions, axis=1)
    units = teacher.directions / lengths[:, None] @ basis
    sources = np.ascontiguousarray(np.concatenate([inputs, units]).T)
    masses = np.concatenate([outputs, -teacher.weights * lengths])
    rates, work = np.array([descent.output_rate, descent.input_rate]), np.empty((3, masses.size))
    train_on_population(outputs, inputs, rates, descent.iterations, sources, masses, work)
    return Students(outputs, inputs @ basis.T, student.widths)
