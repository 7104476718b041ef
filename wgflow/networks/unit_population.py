r"""Population risk of students of unit input weights whose activation is not ReLU, in any number of inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.geometry import is_flat
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.base import Functional, ParticlePotential, scaled_potential
from wgflow.functionals.energies.internal import check_positive
from wgflow.functionals.feature_maps import FeatureMap
from wgflow.functionals.features import Features
from wgflow.functionals.grid import GridFunctional, scaled_grid
from wgflow.functionals.moments import MEMORY_LIMIT
from wgflow.measures import Particles, require_particles
from wgflow.networks.activations import SmoothLayer
from wgflow.networks.links import Link
from wgflow.networks.low_rank import LowRank, LowRankSums, factorise
from wgflow.networks.orbit_kernel import orbit_nodes
from wgflow.networks.population import Population, Teacher
from wgflow.networks.population_risk import PopulationRisk
from wgflow.networks.symmetric_population import (
    MeanProduct,
    frame_on,
    level_and_width,
    potential_along,
)
from wgflow.networks.unit_neurons import UNIT_NEURONS, UnitNeuron
from wgflow.networks.zonal_population import ZonalPopulation
from wgflow.text import shown
from wgflow.typing import FloatArray

AT_ONCE = 2**18  # pairs of points


@dataclass(frozen=True)
class UnitKernel:
    r"""Mean of the products of neurons, averaged over the rotations of their rest, :math:`E_t \kappa(p p' + r r' t)`.

    Parameters
    ----------
    neuron : UnitNeuron
        The activation.
    dimension : int
        Number d - k of components of the rest; 0 where points are those of R^d themselves.
    """

    neuron: UnitNeuron
    dimension: int

    @cached_property
    def nodes(self) -> tuple[FloatArray, FloatArray]:
        """Nodes and weights of the average."""
        return orbit_nodes(self.dimension) if self.dimension else (np.ones(1), np.ones(1))

    def pairs(self, points: FloatArray, others: FloatArray) -> FloatArray:
        """Kernel of points (n, k + 1) and as many others, or one, shape (n,)."""
        products = points * others
        return self._mean(products[:, :-1].sum(axis=1), products[:, -1])

    def _mean(self, along: FloatArray, across: FloatArray) -> FloatArray:
        nodes, weights = self.nodes
        return np.asarray(self.neuron.kernel(along[:, None] + across[:, None] * nodes) @ weights)

    def sums(self, points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums over sources (n, k + 1) of masses (n,) at points (m, k + 1), and their gradients (m, k + 1)."""
        values, slopes = np.empty(len(points)), np.empty(points.shape)
        size = max(AT_ONCE // len(sources), 1)
        for first in range(0, len(points), size):
            part = slice(first, first + size)
            values[part], slopes[part] = self._sums(points[part], sources, masses)
        return values, slopes

    def _sums(self, points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
        along, across = points[:, :-1] @ sources[:, :-1].T, points[:, -1:] * sources[:, -1]
        values, by_along, by_across = np.zeros(len(points)), np.zeros(along.shape), np.zeros(along.shape)
        for node, weight in zip(*self.nodes, strict=True):
            cosines = along + node * across
            values += weight * (self.neuron.kernel(cosines) @ masses)
            slope = weight * self.neuron.kernel_slope(cosines)
            by_along += slope
            by_across += node * slope
        return values, np.column_stack([(by_along * masses) @ sources[:, :-1], by_across @ (masses * sources[:, -1])])


@dataclass(frozen=True)
class OrbitNeurons:
    """Neurons averaged over the rotations of their rest, at inputs that are points (p, r) themselves.

    Parameters
    ----------
    neuron : UnitNeuron
        The activation.
    inputs : array, shape (n, k + 1)
        Components of the inputs along the directions, and the length of the rest.
    dimension : int
        Number d - k of components of the rest.
    """

    neuron: UnitNeuron
    inputs: FloatArray
    dimension: int

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at points (N, k + 1), shape (N, n)."""
        return self.neuron.averaged(*level_and_width(points, self.inputs), self.dimension)


@dataclass(frozen=True)
class UnitPopulation(PopulationRisk):
    r"""Population square risk of a two-layer network of unit input weights: tanh, softplus or squared ReLU.

    For inputs x ~ N(0, I_d), a target y and a student measure nu of unit vectors eta with signs e,

    .. math:: F(\nu) = \tfrac12 E \left( \int e\,\sigma(\eta \cdot x)\, d\nu - y \right)^2.

    The mass of nu is the size of output weights. ReLU is homogeneous, so that its flow on the sphere is the image of
    gradient descent on all weights, see `Population`. These activations are not (tanh, softplus), or of degree 2
    (squared ReLU): here the flow is that of networks whose input weights are kept at length 1, and whose output weights
    grow at a rate in proportion to themselves, nothing else. On half circles and half spheres, and at particles on the
    unit sphere of R^d.

    Parameters
    ----------
    target : Teacher or Link
        What is to be learned: a ReLU network, or a function of one or two projections of the inputs; a single tanh
        neuron is ``Link("tanh", directions)``.
    activation : str
        "tanh", "softplus" (log(1 + exp z)) or "squared_relu" (max(z, 0)^2).
    strength : float
        A factor > 0 of F.
    tolerance : float, optional
        Largest error of the kernel over its largest value, see `Population`.
    memory_limit : float
        Bytes that the kernel's matrix may take.

    Raises
    ------
    InputError
        If the activation is another one, or a number is not allowed.

    References
    ----------
    Chizat (2022), Sparse optimization on measures with over-parameterized gradient descent, Section 2.2, for the flow;
    Daniely, Frostig and Singer (2016), Section 4, for the kernels.

    Examples
    --------
    >>> domain = wgflow.HalfCircle(64, inputs=50)
    >>> risk = wgflow.UnitPopulation(wgflow.Link("tanh", np.eye(1, 50)), "tanh")
    >>> flow = wgflow.solve(risk, wgflow.Signed(domain), np.stack([domain.uniform] * 2), 5.0, times=[5.0])
    >>> bool(flow.risk[-1] < 0.1 * flow.risk[0])
    True
    """

    target: Teacher | Link
    activation: str
    strength: float = 1.0
    tolerance: float | None = None
    memory_limit: float = MEMORY_LIMIT

    def __post_init__(self) -> None:
        if self.activation not in UNIT_NEURONS:
            raise InputError(
                f"activation = {shown(self.activation)} has no averaged kernel; choose one of "
                f"{', '.join(UNIT_NEURONS)}, or Population for ReLU"
            )
        check_positive("strength", self.strength)
        Population(self.target, tolerance=self.tolerance, memory_limit=self.memory_limit)

    @property
    def _neuron(self) -> UnitNeuron:
        return UNIT_NEURONS[self.activation]

    @property
    def target_moment(self) -> float:
        """The second moment of the target."""
        return self.target.second_moment

    def with_strength(self, strength: float) -> UnitPopulation:
        """The same risk with another factor."""
        return replace(self, strength=strength)

    def averaged_kernel(self, domain: SymmetricDomain, tolerance: float) -> LowRank:
        """See `kernel_on`."""
        kernel = UnitKernel(self._neuron, domain.inputs - domain.kept)
        return factorise(kernel, domain.points, tolerance, self.memory_limit)

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Prepare the sums with the kernel; raises as `kernel_on`, and ShapeError if the target does not fit."""
        base = _symmetric(domain)
        wanted = self._wanted(base.points, self._frame(base))[0]
        sums = LowRankSums(self.kernel_on(domain))
        return scaled_grid(self.strength, ZonalPopulation(domain, sums, wanted, 0.5 * self.target.second_moment))

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Evaluate F, J and grad J at unit vectors of R^d, or at points of a half circle or half sphere.

        Raises
        ------
        InputError
            If they live in a space or a box, where input weights have any length.
        ShapeError
            If they have another dimension.
        """
        require_particles(particles)
        points, charges, domain = particles.points, particles.weights * particles.signs, particles.domain
        if domain is not None and isinstance(domain.base, SymmetricDomain):
            kernel, frame = UnitKernel(self._neuron, domain.base.inputs - domain.base.kept), self._frame(domain.base)
        else:
            self._check_directions(particles)
            kernel, frame = UnitKernel(self._neuron, 0), None
        values, slopes = kernel.sums(points, points, charges)
        wanted, wanted_slopes = self._wanted(points, frame)
        energy = 0.5 * float(charges @ (values - 2.0 * wanted)) + 0.5 * self.target.second_moment
        signs = particles.signs
        found = ParticlePotential(energy, signs * (values - wanted), signs[:, None] * (slopes - wanted_slopes))
        return scaled_potential(self.strength, found)

    def _check_directions(self, particles: Particles) -> None:
        domain = particles.domain
        if domain is not None and is_flat(domain.geometry):
            raise InputError(
                f"activation = {self.activation!r} is for unit input weights, and those in a {domain.kind} have any "
                "length; choose particles on a hypersphere, or SmoothLayer features of data"
            )
        if particles.points.shape[1] != self.target.inputs:
            raise ShapeError(
                f"particles in {particles.points.shape[1]} dimensions do not fit {self.target.inputs} inputs"
            )

    def _frame(self, domain: SymmetricDomain) -> FloatArray:
        """Directions (k, d) of a domain, with a column of zeros for the length of the rest."""
        return frame_on(self.target, domain)

    @cached_property
    def _parts(self) -> list[tuple[float, Link, MeanProduct]]:
        """Functions of one or two projections that the target is a sum of, with factors and their potentials."""
        if isinstance(self.target, Link):
            return [(1.0, self.target, self._neuron.against(self.target))]
        potential = self._neuron.against(Link("relu", np.eye(1, 2)))
        lengths = np.linalg.norm(self.target.directions, axis=1)
        return [
            (float(weight * length), Link("relu", direction / length), potential)
            for weight, length, direction in zip(self.target.weights, lengths, self.target.directions, strict=True)
        ]

    def _wanted(self, points: FloatArray, frame: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """MeanProduct of the target at points (m, p), in a frame or of R^d, and its gradient (m, p)."""
        values, slopes = np.zeros(len(points)), np.zeros(points.shape)
        for factor, link, potential in self._parts:
            axes = link.frame
            if frame is not None:
                axes = np.column_stack([axes @ frame.T, np.zeros(len(axes))])
            found, slope = potential_along(potential, axes, points)
            values += factor * found
            slopes += factor * slope
        return values, slopes

    def orbits_at(self, inputs: FloatArray, domain: SymmetricDomain) -> OrbitNeurons:
        """Neurons of a half circle or half sphere at inputs (k, d) of R^d, averaged over their orbits."""
        reduced = domain.reduced(inputs, self._frame(domain))
        return OrbitNeurons(self._neuron, reduced, domain.inputs - domain.kept)

    def neurons_at(self, inputs: FloatArray, components: int) -> FeatureMap:  # noqa: ARG002
        """Neurons at inputs (k, d); see `Trajectory.predict`."""
        return SmoothLayer(inputs, self.activation)

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:  # noqa: ARG002
        """Risk on fresh Gaussian inputs."""
        samples = generator.standard_normal((count, self.target.inputs))
        return Features(SmoothLayer(samples, self.activation), self.target.targets(samples)).scaled(self.strength)


def _symmetric(domain: Domain) -> SymmetricDomain:
    if not isinstance(domain.base, SymmetricDomain):
        raise InputError(
            f"activations other than ReLU have a population risk on half circles and half spheres, not on the domain "
            f"{domain.kind!r}; choose HalfCircle or HalfSphere of as many inputs, or SmoothLayer features of data"
        )
    return domain.base
