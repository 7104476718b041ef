r"""Population square risk of ReLU students against a teacher, x ~ N(0, I_d), in closed form.

.. math:: F(\nu) = \tfrac12 E\Big(\int e\,(\eta \cdot x)_+ d\nu - \sum_t c_t (\theta_t \cdot x)_+\Big)^2

Everything follows from the arc-cosine kernel
:math:`k(u, v) = E (u \cdot x)_+ (v \cdot x)_+ = |u||v| (\sin p + (\pi - p) \cos p) / (2\pi)`, p the angle of u and v.

References
----------
Cho and Saul (2009), Kernel Methods for Deep Learning, Section 2.1 (order 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.geometry import Geometry, is_flat
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.base import Functional, ParticlePotential, scaled_potential
from wgflow.functionals.energies.internal import check_positive
from wgflow.functionals.feature_maps import FeatureMap
from wgflow.functionals.features import Features
from wgflow.functionals.grid import GridFunctional, scaled_grid
from wgflow.functionals.moments import MEMORY_LIMIT
from wgflow.measures import Particles, require_particles
from wgflow.networks.arc_cosine import PairSums
from wgflow.networks.arc_sums import planar_sums
from wgflow.networks.links import Link, spanned
from wgflow.networks.low_rank import LowRank, LowRankSums
from wgflow.networks.neuron_laplacian import neuron_laplacian
from wgflow.networks.neurons import Neurons
from wgflow.networks.orbit_kernel import factor_on
from wgflow.networks.orbit_pairs import at_orbit_pairs, bind_orbit_pairs, holds_orbits
from wgflow.networks.pair_population import PairPopulation, input_weights
from wgflow.networks.population_risk import PopulationRisk
from wgflow.networks.relu import Relu
from wgflow.networks.symmetric_population import (
    OrbitRelu,
    at_orbits,
    frame_on,
    laplacian_in_space,
    orbit_laplacian,
    potential_in_space,
    potential_on,
)
from wgflow.networks.tolerances import LARGEST_TOLERANCE, LEAST_TOLERANCE
from wgflow.networks.zonal_population import CONVOLUTIONS, ZonalPopulation
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

    @property
    def inputs(self) -> int:
        """Number d of inputs."""
        return self.directions.shape[1]

    @property
    def frame(self) -> FloatArray:
        """Orthonormal directions that span those of the neurons, the first one first, shape (k, d)."""
        return spanned(self.directions)

    @property
    def second_moment(self) -> float:
        """The mean of its square over Gaussian inputs."""
        gram = arc_cosine_kernel(self.directions, self.directions)
        return float(self.weights @ gram @ self.weights)

    def targets(self, inputs: FloatArray) -> FloatArray:
        """Outputs (n,) at inputs (n, d)."""
        return np.asarray(np.maximum(inputs @ self.directions.T, 0.0) @ self.weights)

    def potential(self, reduced: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean of its product with ReLU neurons (m, k + 1) in the frame and beside it, and the gradient (m, k + 1)."""
        along = self.directions @ self.frame.T
        return PairSums(reduced, np.column_stack([along, np.zeros(len(along))])).with_gradient(self.weights)

    def potential_laplacian(self, reduced: FloatArray, dimension: int) -> FloatArray:
        """Laplacian (m,) of that mean along the unit sphere of a dimension at unit vectors (m, k + 1)."""
        along = self.directions @ self.frame.T
        sums = PairSums(reduced, np.column_stack([along, np.zeros(len(along))]))
        values, sines = sums.with_sines(self.weights)
        return (dimension + 1) * sines - dimension * values

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
class Population(PopulationRisk):
    r"""Population square risk of a two-layer ReLU network, in closed form.

    For inputs x ~ N(0, I) and a student measure nu of directions eta with signs e,

    .. math:: F(\nu) = \frac{1}{2} E \left( \int e (\eta \cdot x)_+ d\nu - \sum_t c_t (\theta_t \cdot x)_+ \right)^2,

    by the arc-cosine kernel of order 1. On circles potentials are convolutions, on spheres transforms or sums over
    all pairs of cells, at particles sums over pairs (in the plane prefix sums over sorted angles). Points with one more
    component than the teacher has inputs are pairs (a, b) of output and input weights.

    Parameters
    ----------
    teacher : Teacher or Link
        The network to be learned, or another function of one or two projections of the inputs. On a signed domain
        students have both signs.
    strength : float
        A factor > 0 of F.
    tolerance : float, optional
        Largest error of the kernel on half circles and half spheres over its largest value, in [1e-14, 0.1]; by default
        1e-12 and 1e-6. The kernel is stored there as a matrix of low rank, see `kernel_on`.
    memory_limit : float
        Bytes that this matrix may take.

    Raises
    ------
    InputError
        If the strength is not positive, or the tolerance not allowed; where it is used, if the domain does not fit.

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

    teacher: Teacher | Link
    strength: float = 1.0
    tolerance: float | None = None
    memory_limit: float = MEMORY_LIMIT
    is_smooth = False  # second derivatives of J bend where a neuron meets another one

    def __post_init__(self) -> None:
        check_positive("strength", self.strength)
        check_positive("memory_limit", self.memory_limit)
        if self.tolerance is not None and not LEAST_TOLERANCE <= self.tolerance <= LARGEST_TOLERANCE:
            raise InputError(
                f"tolerance = {self.tolerance!r} is not allowed; give a number from {LEAST_TOLERANCE:g} to "
                f"{LARGEST_TOLERANCE:g}"
            )

    @property
    def target_moment(self) -> float:
        """The second moment of the teacher."""
        return self.teacher.second_moment

    def with_strength(self, strength: float) -> Population:
        """The same risk with another factor."""
        return replace(self, strength=strength)

    def averaged_kernel(self, domain: SymmetricDomain, tolerance: float) -> LowRank:
        """See `kernel_on`."""
        return factor_on(domain, tolerance, self.memory_limit)

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Prepare the sums with the kernel.

        Domains whose points have as many components as the inputs hold balanced neurons, sign and direction;
        unsigned ones with one component more hold pairs (a, b) of output and input weights.

        Raises
        ------
        ShapeError
            If there is no fast evaluation for the domain and the dimension of the teacher.
        """
        return scaled_grid(self.strength, self.with_strength(1.0)._bound(domain))

    def _bound(self, domain: Domain) -> GridFunctional:
        inputs, components = self.teacher.inputs, domain.points.shape[-1]
        if isinstance(domain.base, SymmetricDomain):
            frame_on(self.teacher, domain.base)
            wanted = potential_on(self.teacher, domain.base.points)[0]
            return ZonalPopulation(domain, LowRankSums(self.kernel_on(domain)), wanted, self.risk_at_zero)
        if components == inputs and domain.base.has_cells and not is_flat(domain.geometry):
            wanted = self._wanted(domain.base.points.reshape(-1, components))
            return ZonalPopulation(domain, CONVOLUTIONS.on(domain)(domain.base), wanted, self.risk_at_zero)
        if components == inputs + 1 and inputs <= 2 and domain.sheets == 1:
            return PairPopulation(domain, self._wanted(input_weights(domain)), self.risk_at_zero)
        if holds_orbits(domain, self.teacher):
            return bind_orbit_pairs(self.teacher, domain, self.tolerance, self.memory_limit)
        raise ShapeError(
            f"the population risk with a teacher of {inputs} inputs is not available on the domain {domain.kind!r}, "
            f"whose points have {components} components; use a circle for 2 inputs, a sphere for 3, or "
            f"for 1 or 2 an unsigned domain of pairs (a, b) with {inputs + 1} components"
        )

    def _wanted(self, points: FloatArray) -> FloatArray:
        """Potential of the teacher at points (m, d) of R^d."""
        if isinstance(self.teacher, Link):
            return potential_in_space(self.teacher, points)[0]
        return np.asarray(arc_cosine_kernel(points, self.teacher.directions) @ self.teacher.weights)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Evaluate F, J and grad J at particles, directions with signs or pairs (a, b).

        Raises
        ------
        ShapeError
            If they have another dimension.
        """
        require_particles(particles)
        inputs, points = self.teacher.inputs, particles.points
        domain = particles.domain
        if domain is not None and isinstance(domain.base, SymmetricDomain):
            return scaled_potential(self.strength, at_orbits(self.teacher, particles, domain.base))
        if domain is not None and holds_orbits(domain, self.teacher):
            return scaled_potential(self.strength, at_orbit_pairs(self.teacher, particles))
        if points.shape[1] not in (inputs, inputs + 1):
            raise ShapeError(f"particles in {points.shape[1]} dimensions do not fit a teacher in {inputs}")
        pairs = points.shape[1] == inputs + 1
        outputs = points[:, 0] if pairs else np.ones(len(points))
        charges = particles.weights * particles.signs * outputs
        energy, values, gradient = self._sums(points[:, 1:] if pairs else points, charges)
        slopes = outputs[:, None] * gradient
        if pairs:
            slopes = np.column_stack([values, slopes])
        found = ParticlePotential(energy, particles.signs * outputs * values, particles.signs[:, None] * slopes)
        return found if self.strength == 1.0 else scaled_potential(self.strength, found)

    def _sums(self, points: FloatArray, charges: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """F, and the potential and gradient of neurons of given charges at their own points."""
        count, teacher = len(points), self.teacher
        if isinstance(teacher, Link):
            values, gradient = arc_cosine_sums(points, points, charges)
            wanted, slopes = potential_in_space(teacher, points)
            energy = 0.5 * float(charges @ (values - 2.0 * wanted)) + 0.5 * teacher.second_moment
            return energy, values - wanted, gradient - slopes
        sources, masses = np.concatenate([points, teacher.directions]), np.concatenate([charges, -teacher.weights])
        # One sum for both, so that what cancels in the residual cancels before it is rounded.
        values, gradient = arc_cosine_sums(sources, sources, masses)
        return 0.5 * float(masses @ values), values[:count], gradient[:count]

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:
        """In closed form, of pairs that learn a link by differences; see ``neuron_laplacian``."""
        teacher, domain = self.teacher, particles.domain
        if domain is not None and isinstance(domain.base, SymmetricDomain):
            return self.strength * orbit_laplacian(teacher, particles, domain.base)
        if domain is not None and holds_orbits(domain, teacher):
            raise InputError(
                "densities along characteristics are not available for neurons (a, p, r); use particles or a grid"
            )
        if isinstance(teacher, Teacher):
            return self.strength * neuron_laplacian(particles, teacher.directions, teacher.weights)
        if is_flat(geometry):
            return super().laplacian_at_particles(particles, geometry)
        among = neuron_laplacian(particles, np.empty((0, teacher.inputs)), np.empty(0))
        wanted = laplacian_in_space(teacher, particles.points)
        return np.asarray(self.strength * (among - particles.signs * wanted))

    def orbits_at(self, inputs: FloatArray, domain: SymmetricDomain) -> OrbitRelu:
        """Neurons of a half circle or half sphere at inputs (k, d) of R^d, averaged over their orbits."""
        reduced = domain.reduced(inputs, frame_on(self.teacher, domain))
        return OrbitRelu(reduced, domain.inputs - domain.kept)

    def neurons_at(self, inputs: FloatArray, components: int) -> FeatureMap:
        """Neurons at inputs (k, d), for particles that are directions or pairs (a, b); see `Trajectory.predict`."""
        return self._neurons(Relu(inputs), components)

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:
        """Risk on fresh Gaussian inputs, for particles that are directions or pairs (a, b)."""
        samples = generator.standard_normal((count, self.teacher.inputs))
        risk = Features(self._neurons(Relu(samples, merge=False), components), self.teacher.targets(samples))
        return risk if self.strength == 1.0 else risk.scaled(self.strength)

    def _neurons(self, hidden: Relu, components: int) -> FeatureMap:
        return Neurons(hidden) if components == self.teacher.inputs + 1 else hidden
