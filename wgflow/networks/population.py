r"""Population square risk of ReLU students against a teacher, x ~ N(0, I_d), in closed form.

.. math:: F(\nu) = \tfrac12 E\Big(\int e\,(\eta \cdot x)_+ d\nu - \sum_t c_t (\theta_t \cdot x)_+\Big)^2

Everything follows from the arc-cosine kernel
:math:`k(u, v) = E (u \cdot x)_+ (v \cdot x)_+ = |u||v| (\sin p + (\pi - p) \cos p) / (2\pi)`, p the angle of u and v.

References
----------
Cho and Saul (2009), Kernel Methods for Deep Learning, Section 2.1 (order 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Circle, Domain, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import is_flat
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.base import Functional, ParticlePotential, scaled_potential
from wgflow.functionals.convolution import Convolution
from wgflow.functionals.energies.internal import check_positive
from wgflow.functionals.factors import RISKS_FALL, check_positive_factor
from wgflow.functionals.feature_maps import FeatureMap
from wgflow.functionals.features import Features
from wgflow.functionals.grid import GridFunctional, SheetSums, scaled_grid
from wgflow.measures import Particles, require_particles
from wgflow.networks.arc_cosine import PairSums
from wgflow.networks.arc_sums import planar_sums
from wgflow.networks.circle_convolution import ArcCosineConvolution
from wgflow.networks.neurons import Neurons
from wgflow.networks.pair_population import PairPopulation, input_weights
from wgflow.networks.relu import Relu
from wgflow.networks.zonal_convolution import zonal_convolution
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Teacher:
    r"""A finite ReLU network of d inputs, :math:`\sum_t c_t (\theta_t \cdot x)_+`, that others are to learn.

    Parameters
    ----------
    directions : array, shape (k, d)
        Input weights theta, any nonzero length.
    weights : array, shape (k,)
        Output weights c, of both signs.

    Raises
    ------
    InputError
        If the shapes differ, a number is not finite, or a direction is zero.

    Examples
    --------
    >>> teacher = wgflow.Teacher.from_angles([0.0, np.pi / 2], [1.0, -1.0])
    >>> abs(teacher.directions.round(6)), teacher.weights
    (array([[1., 0.],
            [0., 1.]]), array([ 1., -1.]))
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
    u, v = _directions(first), _directions(second)
    difference = np.linalg.norm(u[:, None, :] - v[None, :, :], axis=-1)
    total = np.linalg.norm(u[:, None, :] + v[None, :, :], axis=-1)
    return 2.0 * np.arctan2(difference, total)


def _directions(vectors: FloatArray) -> FloatArray:
    """Unit vectors; the origin keeps its place, where the kernel is zero whatever the angle."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0.0, lengths, 1.0)


def arc_cosine_sums(points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give ``sum_j masses_j k(points_i, sources_j)``, shape (m,), and its ambient gradient, shape (m, d).

    On the line and in the plane by prefix sums over sorted angles in O((m + n) log n), else over all pairs.
    """
    if points.shape[1] <= 2:
        return planar_sums(points, sources, masses)
    return PairSums(points, sources).with_gradient(masses)


@dataclass(frozen=True)
class Population(Functional):
    r"""Population square risk of a two-layer ReLU network, in closed form.

    For inputs x ~ N(0, I) and a student measure nu of directions eta with signs e,

    .. math:: F(\nu) = \frac{1}{2} E \left( \int e (\eta \cdot x)_+ d\nu - \sum_t c_t (\theta_t \cdot x)_+ \right)^2,

    by the arc-cosine kernel of order 1. On circles potentials are convolutions, on spheres transforms or sums over
    all pairs of cells, at particles sums over pairs (in the plane prefix sums over sorted angles). Points with one more
    component than the teacher has inputs are pairs (a, b) of output and input weights.

    Parameters
    ----------
    teacher : Teacher
        The network to be learned, of d inputs. On a signed domain students have both signs.
    strength : float
        A factor > 0 of F.

    Raises
    ------
    InputError
        If the strength is not positive; where it is used, if the domain has not d or d + 1 components.

    References
    ----------
    Bach and Chizat (2022), Section 4, for the problem; Cho and Saul (2009), Section 2.1, for the kernel.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, Population, Signed, Teacher
    >>> risk = Population(Teacher.from_angles([0.5, 2.9], [1.0, -1.0]))
    >>> domain = Signed(Circle(64))
    >>> bool((2.0 * risk).on_grid(domain).value(np.ones((2, 64))) == 2.0 * risk.on_grid(domain).value(np.ones((2, 64))))
    True
    """

    teacher: Teacher
    strength: float = 1.0

    def __post_init__(self) -> None:
        check_positive("strength", self.strength)

    def scaled(self, factor: float) -> Functional:
        """The risk with the factor in its strength."""
        check_positive_factor(factor, self, RISKS_FALL)
        return replace(self, strength=factor * self.strength)

    @property
    def has_risk(self) -> bool:
        """It is one."""
        return True

    @property
    def risk_at_zero(self) -> float:
        """Half the second moment of the teacher, the risk of the zero measure."""
        gram = arc_cosine_kernel(self.teacher.directions, self.teacher.directions)
        return self.strength * (0.5 * float(self.teacher.weights @ gram @ self.teacher.weights))

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Prepare the sums with the kernel.

        Domains whose points have as many components as the inputs hold balanced neurons, sign and direction;
        unsigned ones with one component more hold pairs (a, b) of output and input weights.

        Raises
        ------
        ShapeError
            If there is no fast evaluation for the domain and the dimension of the teacher.
        """
        return scaled_grid(self.strength, replace(self, strength=1.0)._bound(domain))

    def _bound(self, domain: Domain) -> GridFunctional:
        inputs, components = self.teacher.directions.shape[1], domain.points.shape[-1]
        if components == inputs and domain.base.has_cells and not is_flat(domain.geometry):
            return _ZonalPopulation(self, domain, _CONVOLUTIONS.on(domain)(domain.base))
        if components == inputs + 1 and inputs <= 2 and domain.sheets == 1:
            kernel = arc_cosine_kernel(input_weights(domain), self.teacher.directions)
            return PairPopulation(domain, kernel @ self.teacher.weights, self.risk_at_zero)
        raise ShapeError(
            f"the population risk with a teacher of {inputs} inputs is not available on the domain {domain.kind!r}, "
            f"whose points have {components} components; use a circle for 2 inputs, a sphere for 3, or "
            f"for 1 or 2 an unsigned domain of pairs (a, b) with {inputs + 1} components"
        )

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Evaluate F, J and grad J at particles, directions with signs or pairs (a, b).

        Raises
        ------
        ShapeError
            If they have another dimension.
        """
        require_particles(particles)
        inputs, points = self.teacher.directions.shape[1], particles.points
        if points.shape[1] not in (inputs, inputs + 1):
            raise ShapeError(f"particles in {points.shape[1]} dimensions do not fit a teacher in {inputs}")
        pairs = points.shape[1] == inputs + 1
        outputs = points[:, 0] if pairs else np.ones(len(points))
        inner = points[:, 1:] if pairs else points
        sources = np.concatenate([inner, self.teacher.directions])
        masses = np.concatenate([particles.weights * particles.signs * outputs, -self.teacher.weights])
        # One sum for both, so that what cancels in the residual cancels before it is rounded.
        values, gradient = arc_cosine_sums(sources, sources, masses)
        count = len(points)
        energy = 0.5 * float(masses @ values)
        slopes = outputs[:, None] * gradient[:count]
        if pairs:
            slopes = np.column_stack([values[:count], slopes])
        found = ParticlePotential(energy, particles.signs * outputs * values[:count], particles.signs[:, None] * slopes)
        return found if self.strength == 1.0 else scaled_potential(self.strength, found)

    def neurons_at(self, inputs: FloatArray, components: int) -> FeatureMap:
        """Neurons at inputs (k, d), for particles that are directions or pairs (a, b); see `Trajectory.predict`."""
        return self._neurons(Relu(inputs), components)

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:
        """Risk on fresh Gaussian inputs, for particles that are directions or pairs (a, b)."""
        inputs = self.teacher.directions.shape[1]
        samples = generator.standard_normal((count, inputs))
        targets = np.maximum(samples @ self.teacher.directions.T, 0.0) @ self.teacher.weights
        risk = Features(self._neurons(Relu(samples, merge=False), components), targets)
        return risk if self.strength == 1.0 else risk.scaled(self.strength)

    def _neurons(self, hidden: Relu, components: int) -> FeatureMap:
        return Neurons(hidden) if components == self.teacher.directions.shape[1] + 1 else hidden


def _over_all_pairs(domain: UnsignedDomain) -> Convolution:
    """Sums over all pairs of cells, for domains without a faster way."""
    points = domain.points.reshape(-1, domain.points.shape[-1])
    return PairSums(points, points)


_CONVOLUTIONS: DomainTable[Callable[..., Convolution]] = DomainTable(
    "a convolution with the arc-cosine kernel",
    {Circle: ArcCosineConvolution, Sphere: zonal_convolution, object: _over_all_pairs},
)


class _ZonalPopulation(GridFunctional):
    """Directions with signs: one convolution with the kernel per evaluation."""

    def __init__(self, functional: Population, domain: Domain, convolution: Convolution) -> None:
        self.domain = domain
        self._convolution = convolution
        teacher = functional.teacher
        points = domain.base.points.reshape(-1, domain.base.points.shape[-1])
        self._teacher = arc_cosine_kernel(points, teacher.directions) @ teacher.weights
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

    def scale(self, density: FloatArray) -> float:
        return super().scale(density) + self._constant

    def _convolve(self, mass: FloatArray, potential: FloatArray) -> FloatArray:
        """Write the convolution with the kernel into the positive sheet and return it."""
        values = self._sheets.positive_sheet(potential)
        self._convolution(mass, values)
        return values
