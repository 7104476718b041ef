"""Squared distances to a target measure: by negative Sobolev norms, and by kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from wgflow.domains import Box, Domain
from wgflow.domains.geometry import Geometry
from wgflow.domains.slab import slab_of
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.anchors import Anchors
from wgflow.functionals.base import Functional, ParticlePotential
from wgflow.functionals.checks import called
from wgflow.functionals.energies.batches import BatchedInteraction
from wgflow.functionals.energies.interaction import Interaction
from wgflow.functionals.energies.internal import check_positive
from wgflow.functionals.energies.zonal_interaction import ZonalInteraction
from wgflow.functionals.factors import RISKS_FALL, check_positive_factor
from wgflow.functionals.fourier import torus_of
from wgflow.functionals.grid import GridFunctional, SheetSums, scaled_grid
from wgflow.functionals.slab_filter import Filter, make_filter, own_columns
from wgflow.measures import Particles, require_particles
from wgflow.measures.checks import described, real_values
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray

Target = ArrayLike | Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class SobolevDiscrepancy(Functional):
    r"""The discrepancy :math:`\frac12 |\mu - \nu|^2` in the homogeneous Sobolev space of order -s.

    .. math:: F(\mu) = \frac12 \sum_{k \neq 0} |\xi_k|^{-2s} |c_k(\mu - \nu)|^2, \quad (-\Delta)^s J = \mu - \nu

    with the coefficients c_k in the orthonormal Fourier basis of the circle or of a periodic box, of frequency
    :math:`\xi_k`: integers on the circle, :math:`2 \pi k / L` on an axis of length L. A constant does not count.
    Near a uniform density rho, modes decay at the rate :math:`\rho |\xi|^{2 - 2s}`. On signed domains mu is the
    difference of the sheets.

    Parameters
    ----------
    target : array of shape ``domain.base.shape``, or callable
        Density of nu; a callable gets the cell centres, shape ``(*shape, p)``.
    order : float
        The number s, finite; 0 is half the squared distance in L^2 to the target, up to the constant.
    strength : float
        A factor > 0 of F.

    Raises
    ------
    InputError
        If the order is not finite, or the strength not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, SobolevDiscrepancy
    >>> distance = SobolevDiscrepancy(np.ones(32), 1.0)
    >>> (0.5 * distance).on_grid(Circle(32)).value(2.0 * np.ones(32))
    0.0
    """

    target: Target
    order: float
    strength: float = 1.0
    shared = True

    def __post_init__(self) -> None:
        check_positive("strength", self.strength)
        if not math.isfinite(self.order):
            raise InputError(f"order = {self.order!r} is not allowed; give a finite number")

    def scaled(self, factor: float) -> Functional:
        """The discrepancy with the factor in its strength."""
        check_positive_factor(factor, self, RISKS_FALL)
        return replace(self, strength=factor * self.strength)

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind to a circle or a box with all axes periodic; raises InputError elsewhere."""
        torus = torus_of(domain)
        if torus is None:
            raise InputError(
                f"Sobolev discrepancies need a circle or a periodic box; the domain is {domain.kind!r}"
                f"{' with walls' if domain.base.walls else ''}"
            )
        target = target_density(self.target, domain).ravel()
        bound = GridDiscrepancy(domain, _negative_laplacian_power(torus.box, -self.order), target)
        return scaled_grid(self.strength, bound)

    def at_particles(self, particles: Particles) -> ParticlePotential:  # noqa: ARG002
        """Raise InputError: Diracs are at an infinite distance unless s is large."""
        raise InputError("Sobolev discrepancies are for grids; particles can follow a KernelDiscrepancy")


class GridDiscrepancy(GridFunctional):
    """F = 1/2 <mu - nu, K (mu - nu)>, the target taken off before the operator so that no digits cancel.

    Parameters
    ----------
    domain : Domain
        Where mu lives.
    operator : callable
        Writes K of cell masses (N,) into an array (N,); symmetric.
    target : array, shape (N,)
        Density of nu.
    """

    def __init__(self, domain: Domain, operator: Callable[[FloatArray, FloatArray], None], target: FloatArray) -> None:
        self.domain = domain
        self._operator = operator
        self._sheets, self._blocks = SheetSums(domain), RowBlocks.of(domain)
        self._target = target * np.ascontiguousarray(domain.base.volumes).ravel()
        values = np.empty_like(self._target)
        operator(self._target, values)
        self._constant = 0.5 * self._blocks.product(self._target, values)

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        """Write J and give F."""
        difference = self._sheets.net_mass(density)
        difference -= self._target
        values = self._sheets.positive_sheet(potential)
        self._operator(difference, values)
        energy = 0.5 * self._blocks.product(difference, values)
        self._sheets.mirror(potential)
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the change of J along a rate."""
        self._operator(self._sheets.net_mass(rate), self._sheets.positive_sheet(potential))
        self._sheets.mirror(potential)

    def scale(self, density: FloatArray) -> float:
        """Size of the numbers that F is the sum of."""
        return super().scale(density) + self._constant


@dataclass(frozen=True)
class KernelDiscrepancy(Functional):
    r"""The discrepancy :math:`\frac12 \iint k\, d(\mu - \nu)\, d(\mu - \nu)`: half a squared maximum mean discrepancy.

    Parameters
    ----------
    interaction : Interaction or ZonalInteraction
        The kernel k, positive semidefinite for a distance; ``Interaction`` on boxes, ``ZonalInteraction`` on circle
        and sphere.
    target : Particles, array of shape ``domain.base.shape``, or callable
        The measure nu: samples with weights, or its density as in `SobolevDiscrepancy`, for grids.

    References
    ----------
    Arbel, Korba, Salim and Gretton (2019), Maximum Mean Discrepancy Gradient Flow, NeurIPS 32.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Interaction, KernelDiscrepancy, Particles
    >>> gaussian = Interaction(lambda z: np.exp(-0.5 * (z**2).sum(axis=-1)), gradient=None)
    >>> samples = Particles([[0.0], [1.0]], [0.5, 0.5])
    >>> KernelDiscrepancy(gaussian, samples).at_particles(samples).energy
    0.0
    """

    interaction: Interaction | ZonalInteraction
    target: Particles | Target
    shared = True

    def __post_init__(self) -> None:
        if not isinstance(self.interaction, Interaction | ZonalInteraction):
            raise InputError(
                f"interaction = {described(self.interaction)} of KernelDiscrepancy is not allowed; give the kernel as "
                "Interaction(k), or ZonalInteraction(k) on circle and sphere"
            )

    def scaled(self, factor: float) -> Functional:
        """The discrepancy by the kernel times the factor."""
        check_positive_factor(factor, self, RISKS_FALL)
        return replace(self, interaction=self.interaction.scaled(factor))

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind to a domain of the kernel; raises InputError elsewhere."""
        bound, sheets = self.interaction.on_grid(domain), SheetSums(domain)
        potential = np.zeros(domain.shape)
        if isinstance(self.target, Particles):
            values, constant = self.interaction.of_samples(domain, self.target)
            sheets.positive_sheet(potential)[...] = values
            sheets.mirror(potential)
        else:
            density = np.zeros(domain.shape)
            sheets.positive_sheet(density)[...] = target_density(self.target, domain).ravel()
            constant = bound.evaluate(density, potential)
        return _GridShifted(bound, potential, constant)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum over all pairs of particles and samples; raises InputError unless the target is given by samples."""
        return self.with_interaction(self.interaction, particles)

    def with_interaction(self, interaction: Functional, particles: Particles) -> ParticlePotential:
        """Evaluate the discrepancy at particles by an interaction of them and the samples."""
        require_particles(particles)
        count = len(particles.weights)
        found = interaction.at_particles(self._with_target(particles))
        return ParticlePotential(found.energy, found.potential[:count], found.gradient[:count])

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:
        """The discrepancy within random batches of particles and samples; raises InputError where they hold one."""
        return BatchedDiscrepancy(self, self.interaction.sampled(count, generator, components))

    @property
    def anchors(self) -> tuple[Anchors, ...]:
        """The samples, where the kernel falls from 0 on with a slope that is not 0, as that of the energy distance."""
        target, slope = self.target, self.interaction.cone if isinstance(self.interaction, Interaction) else None
        if slope is None or not isinstance(target, Particles):
            return ()
        return (Anchors(target.points, target.weights * target.signs, slope),)

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:
        """Sum over all pairs of particles and samples."""
        both = self._with_target(particles)
        return self.interaction.laplacian_at_particles(both, geometry)[: len(particles.weights)]

    def _with_target(self, particles: Particles) -> Particles:
        """The particles, and the samples with the other sign; raises InputError unless there are samples."""
        target = self.target
        if not isinstance(target, Particles):
            raise InputError("particles need a target of a KernelDiscrepancy that is given by samples (Particles)")
        return Particles(
            np.concatenate([particles.points, target.points]),
            np.concatenate([particles.weights, target.weights]),
            np.concatenate([particles.signs, -target.signs]),
        )


@dataclass(frozen=True)
class BatchedDiscrepancy(Functional):
    """A discrepancy to samples within random batches of particles and samples, right in the mean.

    Parameters
    ----------
    whole : KernelDiscrepancy
        The discrepancy.
    interaction : BatchedInteraction
        The interaction of particles and samples within batches.
    """

    whole: KernelDiscrepancy
    interaction: BatchedInteraction

    def scaled(self, factor: float) -> BatchedDiscrepancy:
        """The factor times that within the same batches."""
        check_positive_factor(factor, self, RISKS_FALL)
        return replace(self, interaction=self.interaction.scaled(factor))

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Raise InputError: cells are no particles."""
        return self.interaction.on_grid(domain)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum over the pairs of each batch."""
        return self.whole.with_interaction(self.interaction, particles)


class _GridShifted(GridFunctional):
    """A quadratic energy of the difference to a target, from that of the measure alone."""

    def __init__(self, bound: GridFunctional, potential: FloatArray, constant: float) -> None:
        self.domain = bound.domain
        self._bound, self._potential, self._constant = bound, potential, constant
        self._blocks = RowBlocks.of(bound.domain)
        self._weighted = np.ascontiguousarray(potential * bound.domain.volumes).ravel()

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        energy = self._bound.evaluate(density, potential)
        potential -= self._potential
        return energy - self._blocks.product(density, self._weighted) + self._constant

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        self._bound.hessian(rate, potential)

    def scale(self, density: FloatArray) -> float:
        return self._bound.scale(density) + abs(self._constant) + self._blocks.product(density, np.abs(self._weighted))


def _negative_laplacian_power(box: Box, power: float) -> Filter:
    """The operator ``(-Laplace)^power`` from cell masses to functions of mean zero; it takes constants to 0."""
    whole = box.whole
    frequencies = [2.0 * np.pi * np.fft.fftfreq(n, width) for n, width in zip(whole.shape, whole.spacing, strict=True)]
    frequencies[-1] = np.abs(frequencies[-1][: whole.shape[-1] // 2 + 1])
    first, *others = frequencies if len(frequencies) > 1 else (np.zeros(1), *frequencies)
    columns = own_columns(box, whole.shape)
    square = np.zeros((columns.stop - columns.start, len(first))) + first**2
    for part in np.meshgrid(*others, indexing="ij"):
        square += part.ravel()[columns, np.newaxis] ** 2
    symbol = np.where(square == 0.0, 1.0, square) ** power / math.prod(high - low for low, high in box.bounds)
    return make_filter(box, whole.shape, np.where(square == 0.0, 0.0, symbol))


def target_density(target: Target, domain: Domain) -> FloatArray:
    """Density of a target on the base of a domain, checked.

    Raises
    ------
    ShapeError, InputError
        If it has another shape than the domain, or is not finite.
    """
    base = domain.base
    name = "the target density"
    found = called(name, target, base.points, shape=base.shape) if callable(target) else target
    density, slab = real_values(name, found), slab_of(domain)
    if slab is not None and density.shape == slab.whole.shape:
        density = slab.part(density)
    if density.shape != base.shape:
        raise ShapeError(f"the target density has shape {density.shape}; the domain needs {base.shape}")
    if not np.isfinite(density).all():
        raise InputError("the target density holds values that are not finite")
    return density
