r"""Population square risk of ReLU students against a teacher, x ~ N(0, I_d), in closed form.

.. math:: F(\nu) = \tfrac12 E\Big(\int e\,(\eta \cdot x)_+ d\nu - \sum_t c_t (\theta_t \cdot x)_+\Big)^2

Everything follows from the arc-cosine kernel
:math:`k(u, v) = E (u \cdot x)_+ (v \cdot x)_+ = |u||v| (\sin p + (\pi - p) \cos p) / (2\pi)`, p the angle of u and v.

References
----------
Cho and Saul (2009), Kernel Methods for Deep Learning, Section 2.1 (order 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.compilation import kernel
from wgflow.domains import Circle, Domain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.base import Functional, GridFunctional, ParticlePotential, Particles, SheetSums
from wgflow.functionals.circle_convolution import ArcCosineConvolution
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Teacher:
    """A finite network ``sum_t weights_t relu(directions_t . x)``.

    Parameters
    ----------
    directions : array, shape (k, d)
        Input weights, any nonzero length.
    weights : array, shape (k,)
        Output weights.

    Raises
    ------
    InputError
        If the shapes differ, a number is not finite, or a direction is zero.
    """

    directions: FloatArray
    weights: FloatArray

    def __post_init__(self) -> None:
        directions = np.atleast_2d(np.asarray(self.directions, dtype=np.float64))
        weights = np.atleast_1d(np.asarray(self.weights, dtype=np.float64))
        if weights.shape != (len(directions),):
            raise InputError(f"teacher with {len(directions)} directions has {weights.size} weights; give one each")
        if not (np.isfinite(directions).all() and np.isfinite(weights).all()):
            raise InputError("teacher directions and weights must be finite")
        if not np.linalg.norm(directions, axis=1).all():
            raise InputError("a teacher direction is the zero vector; give nonzero directions")
        object.__setattr__(self, "directions", directions)
        object.__setattr__(self, "weights", weights)

    @classmethod
    def from_angles(cls, angles: FloatArray, weights: FloatArray) -> Teacher:
        """Teacher in the plane with unit directions at the given angles in radians."""
        angles = np.asarray(angles, dtype=np.float64)
        return cls(np.stack([np.cos(angles), np.sin(angles)], axis=-1), weights)


def arc_cosine_kernel(first: FloatArray, second: FloatArray) -> FloatArray:
    """Kernel ``E relu(u.x) relu(v.x)`` for all pairs of rows, shapes (m, d) and (n, d) to (m, n)."""
    lengths = np.linalg.norm(first, axis=1)[:, None] * np.linalg.norm(second, axis=1)[None, :]
    angle = _angles_between(first, second)
    return lengths * _angular_part(angle)


def _angular_part(angle: FloatArray) -> FloatArray:
    return (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2.0 * np.pi)


def _angles_between(first: FloatArray, second: FloatArray) -> FloatArray:
    """Angles in [0, pi], accurate near 0 and pi: 2 atan2(|u - v|, |u + v|) for unit u, v."""
    u = first / np.linalg.norm(first, axis=1, keepdims=True)
    v = second / np.linalg.norm(second, axis=1, keepdims=True)
    difference = np.linalg.norm(u[:, None, :] - v[None, :, :], axis=-1)
    total = np.linalg.norm(u[:, None, :] + v[None, :, :], axis=-1)
    return 2.0 * np.arctan2(difference, total)


def arc_cosine_sums(points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give ``sum_j masses_j k(points_i, sources_j)``, shape (m,), and its ambient gradient, shape (m, d).

    In the plane, for unit vectors, by prefix sums over sorted angles in O((m + n) log n), else densely.
    """
    if points.shape[1] == 2:
        return _planar_sums(points, sources, masses)
    return _dense_sums(points, sources, masses)


def _dense_sums(points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
    lengths = np.linalg.norm(points, axis=1)[:, None]
    source_lengths = np.linalg.norm(sources, axis=1)[None, :]
    angle = _angles_between(points, sources)
    values = (lengths * source_lengths * _angular_part(angle)) @ masses
    along = (source_lengths * np.sin(angle)) @ masses
    gradient = along[:, None] * points / lengths + ((np.pi - angle) * masses) @ sources
    return values, gradient / (2.0 * np.pi)


@kernel
def _sorted_circle_sums(targets, order, sources, masses, values, derivatives):
    """Sums of k and k' over sources at sorted angles, at targets visited in the order of their angles.

    With d = target - source, 2 pi k(d) = sin|d| + (pi - |d|) cos d on each side: a few prefix sums
    over the sources behind (0 <= d < pi) and ahead (-pi <= d < 0) of a moving target.
    """
    n = sources.size
    behind, ahead = np.zeros(4), np.zeros(4)
    tau = 2.0 * np.pi
    first, middle, last = -n, -n, -n  # unrolled indices: [first, middle) behind, [middle, last) ahead
    for step in range(targets.size):
        target = targets[order[step]]
        while last < 2 * n and sources[last % n] + tau * (last // n) <= target + np.pi:
            _add(ahead, sources[last % n] + tau * (last // n), masses[last % n], 1.0)
            last += 1
        while middle < last and sources[middle % n] + tau * (middle // n) <= target:
            _add(ahead, sources[middle % n] + tau * (middle // n), masses[middle % n], -1.0)
            _add(behind, sources[middle % n] + tau * (middle // n), masses[middle % n], 1.0)
            middle += 1
        while first < middle and sources[first % n] + tau * (first // n) <= target - np.pi:
            _add(behind, sources[first % n] + tau * (first // n), masses[first % n], -1.0)
            first += 1
        c, s = np.cos(target), np.sin(target)
        cos_b, sin_b = c * behind[0] + s * behind[1], s * behind[0] - c * behind[1]
        cos_a, sin_a = c * ahead[0] + s * ahead[1], s * ahead[0] - c * ahead[1]
        d_cos_b = target * cos_b - (c * behind[2] + s * behind[3])
        d_sin_b = target * sin_b - (s * behind[2] - c * behind[3])
        d_cos_a = target * cos_a - (c * ahead[2] + s * ahead[3])
        d_sin_a = target * sin_a - (s * ahead[2] - c * ahead[3])
        values[order[step]] = (sin_b - sin_a + np.pi * (cos_b + cos_a) - d_cos_b + d_cos_a) / tau
        derivatives[order[step]] = (d_sin_b - d_sin_a - np.pi * (sin_b + sin_a)) / tau


@kernel
def _add(sums, angle, mass, sign):
    """Add (or with sign -1 remove) a source to the sums of mass times cos, sin, angle cos, angle sin."""
    c, s = sign * mass * np.cos(angle), sign * mass * np.sin(angle)
    sums[0] += c
    sums[1] += s
    sums[2] += angle * c
    sums[3] += angle * s


def _planar_sums(points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
    lengths = np.linalg.norm(points, axis=1)
    source_lengths = np.linalg.norm(sources, axis=1)
    angles = np.mod(np.arctan2(points[:, 1], points[:, 0]), 2.0 * np.pi)
    source_angles = np.mod(np.arctan2(sources[:, 1], sources[:, 0]), 2.0 * np.pi)
    sorting = np.argsort(source_angles)
    values, derivatives = np.empty(len(points)), np.empty(len(points))
    _sorted_circle_sums(
        angles,
        np.argsort(angles),
        source_angles[sorting],
        (masses * source_lengths)[sorting],
        values,
        derivatives,
    )
    radial = points / lengths[:, None]
    tangent = np.stack([-radial[:, 1], radial[:, 0]], axis=-1)
    return lengths * values, values[:, None] * radial + derivatives[:, None] * tangent


@dataclass(frozen=True)
class Population(Functional):
    """Population square risk of a two-layer ReLU network, in closed form.

    Parameters
    ----------
    teacher : Teacher
        The network to be learned. On a signed domain students have both signs.
    """

    teacher: Teacher

    @property
    def risk_at_zero(self) -> float:
        """Half the second moment of the teacher, the risk of the zero measure."""
        gram = arc_cosine_kernel(self.teacher.directions, self.teacher.directions)
        return 0.5 * float(self.teacher.weights @ gram @ self.teacher.weights)

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Prepare the convolution with the kernel on a circle; raises InputError on other domains."""
        if not isinstance(domain.base, Circle):
            raise InputError(f"the population risk is not available on the domain {domain.kind!r}; use a circle")
        if self.teacher.directions.shape[1] != 2:
            raise ShapeError(
                f"teacher directions have {self.teacher.directions.shape[1]} components; the circle needs 2"
            )
        return _CirclePopulation(self, domain, domain.base)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Evaluate F, J and grad J at particles; raises ShapeError if they have another dimension."""
        if particles.points.shape[1] != self.teacher.directions.shape[1]:
            raise ShapeError(
                f"particles in {particles.points.shape[1]} dimensions do not fit a teacher in "
                f"{self.teacher.directions.shape[1]}"
            )
        charges = particles.weights * particles.signs
        sources = np.concatenate([particles.points, self.teacher.directions])
        masses = np.concatenate([charges, -self.teacher.weights])
        # One sum for both, so that what cancels in the residual cancels before it is rounded.
        values, gradient = arc_cosine_sums(sources, sources, masses)
        m = len(charges)
        energy = 0.5 * float(masses @ values)
        return ParticlePotential(energy, particles.signs * values[:m], particles.signs[:, None] * gradient[:m])


class _CirclePopulation(GridFunctional):
    """The kernel depends on the difference of angles: one convolution per evaluation, in O(N)."""

    def __init__(self, functional: Population, domain: Domain, circle: Circle) -> None:
        self.domain = domain
        self.scale = functional.risk_at_zero or 1.0
        self._convolution = ArcCosineConvolution(circle)
        teacher = functional.teacher
        self._teacher = arc_cosine_kernel(circle.points, teacher.directions) @ teacher.weights
        self._constant = functional.risk_at_zero
        self._sheets = SheetSums(domain)

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        mass = self._sheets.net_mass(density)
        values = self._convolve(mass, potential)
        values -= self._teacher
        energy = 0.5 * (inner_product(mass, values) - inner_product(mass, self._teacher)) + self._constant
        self._sheets.mirror(potential)
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        self._convolve(self._sheets.net_mass(rate), potential)
        self._sheets.mirror(potential)

    def _convolve(self, mass: FloatArray, potential: FloatArray) -> FloatArray:
        """Write the convolution with the kernel into the positive sheet and return it."""
        values = self._sheets.positive_sheet(potential)
        self._convolution(mass, values)
        return values
