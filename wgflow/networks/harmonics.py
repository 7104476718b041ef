r"""The population risk of ReLU networks on the circle as a risk of finitely many features: Fourier modes.

The arc-cosine kernel of two directions at the angle p is a cosine series with positive coefficients,

.. math:: k(p) = \frac{2}{\pi^2} + \frac{\cos p}{4} + \sum_{k\ \mathrm{even}} \frac{4 \cos k p}{\pi^2 (k^2 - 1)^2},

so that :math:`F(\nu) = \frac12 |\int \Psi d\nu - \Psi_{teacher}|^2` with the features :math:`\sqrt{c_k} \cos k\theta`
and :math:`\sqrt{c_k} \sin k\theta`. Left out beyond K are :math:`O(K^{-3})` of the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals import Features
from wgflow.functionals.losses import HALF_SQUARED_NORM
from wgflow.networks import Teacher
from wgflow.typing import ComplexArray, FloatArray


@dataclass(frozen=True)
class ArcCosineHarmonics:
    r"""Features of directions in the plane whose products sum to the arc-cosine kernel.

    They depend on the direction of a point alone; their order is cosine and sine for each frequency 0, 1, 2, 4, ...

    Parameters
    ----------
    modes : int
        Largest frequency K, at least 1.

    Raises
    ------
    InputError
        If there is no frequency.
    """

    modes: int = 64

    def __post_init__(self) -> None:
        if self.modes < 1:
            raise InputError(f"modes = {self.modes!r} is not allowed; give the largest frequency, at least 1")

    @cached_property
    def frequencies(self) -> FloatArray:
        """Frequencies whose coefficients are not zero, shape (k,)."""
        return np.concatenate([[0.0, 1.0], np.arange(2.0, self.modes + 1.0, 2.0)])

    @cached_property
    def amplitudes(self) -> FloatArray:
        """Square roots of the coefficients, shape (k,)."""
        even = 2.0 / (np.pi * (self.frequencies[2:] ** 2 - 1.0))
        return np.concatenate([[np.sqrt(2.0) / np.pi, 0.5], even])

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features of points (N, 2), shape (N, 2 k)."""
        return self._table(points).view(np.float64)

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of a combination, shape (N, 2)."""
        return self.jet(points, coefficients)[1]

    def jacobian(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of each feature, shape (N, 2 k, 2)."""
        slopes = (1j * self.frequencies * self._table(points)).view(np.float64)
        return slopes[:, :, None] * self._turned(points)[:, None, :]

    def hessian(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient Hessian of a combination, shape (N, 2, 2)."""
        return self.jet(points, coefficients)[2]

    def jet(self, points: FloatArray, coefficients: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """A combination (N,) with its ambient gradient (N, 2) and Hessian (N, 2, 2)."""
        cosines, sines = coefficients.reshape(-1, 2).T
        derived = (1j * self.frequencies) ** np.arange(3)[:, None] * self.amplitudes * (cosines - 1j * sines)
        value, slope, bend = (derived @ self._powers(points)).real
        turned, outward = self._turned(points), points / (points**2).sum(axis=1, keepdims=True)
        mixed = turned[:, :, None] * outward[:, None, :]
        square = turned[:, :, None] * turned[:, None, :]
        hessian = bend[:, None, None] * square - slope[:, None, None] * (mixed + mixed.transpose(0, 2, 1))
        return value, slope[:, None] * turned, hessian

    def _table(self, points: FloatArray) -> FloatArray:
        """Amplitudes times powers of the direction, shape (N, k)."""
        return np.ascontiguousarray((self.amplitudes[:, None] * self._powers(points)).T)

    def _powers(self, points: FloatArray) -> ComplexArray:
        """Powers of the direction as a complex number, by repeated products, shape (k, N)."""
        direction = (points[:, 0] + 1j * points[:, 1]) / np.linalg.norm(points, axis=1)
        powers = np.empty((len(self.frequencies), len(points)), dtype=np.complex128)
        powers[0], powers[1], square = 1.0, direction, direction**2
        for row in range(2, len(powers)):
            np.multiply(powers[row - 1] if row > 2 else 1.0, square, out=powers[row])
        return powers

    def _turned(self, points: FloatArray) -> FloatArray:
        """Gradient of the angle."""
        return np.column_stack([-points[:, 1], points[:, 0]]) / (points**2).sum(axis=1, keepdims=True)


def harmonic_population(teacher: Teacher, modes: int = 64) -> Features:
    """Population risk of ReLU networks with two inputs, by Fourier modes; see `Population` for the closed form.

    Parameters
    ----------
    teacher : Teacher
        The network to be learned, with two inputs.
    modes : int
        Largest frequency.

    Raises
    ------
    InputError
        If the teacher has another number of inputs.

    Examples
    --------
    >>> teacher, circle = wgflow.Teacher([[1.0, 0.0]], [1.0]), wgflow.Circle(64)
    >>> risks = wgflow.harmonic_population(teacher), wgflow.Population(teacher)
    >>> [round(risk.on_grid(circle).value(np.ones(64)), 4) for risk in risks]
    [2.9768, 2.9768]
    """
    if teacher.directions.shape[1] != 2:
        raise InputError(f"Fourier modes need a teacher with 2 inputs; this one has {teacher.directions.shape[1]}")
    features = ArcCosineHarmonics(modes)
    lengths = np.linalg.norm(teacher.directions, axis=1)
    return Features(features, (teacher.weights * lengths) @ features(teacher.directions), HALF_SQUARED_NORM)
