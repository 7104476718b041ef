r"""Internal energies :math:`\int U(\rho)`, whose flows are diffusions.

With the pressure :math:`P(\rho) = \rho U'(\rho) - U(\rho)` the flow of an internal energy is
:math:`\partial_t \rho = \alpha \Delta P(\rho)`: linear diffusion for the entropy, the porous medium equation or fast
diffusion for powers.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.faces import list_faces
from wgflow.domains.geometry import Geometry
from wgflow.errors import InputError
from wgflow.functionals.base import Functional, ParticlePotential
from wgflow.functionals.factors import DIFFUSION_IS_FORWARD, check_positive_factor, is_number
from wgflow.functionals.grid import GridFunctional
from wgflow.functionals.kernels.internal import raise_to_neighbours, write_entropy, write_power_energy
from wgflow.measures import Particles, require_particles
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray, IntArray

LEAST_SHARE = 1e-30  # of the mean density: below it logarithms are continued by a constant
LARGEST_SLOPE = 1e6  # of negative powers of the density over its mean, which are continued by a constant beyond
SMALLEST = float(np.finfo(np.float64).tiny)
FALL_NODES = 12  # Gauss points of an integral of the slope of the pressure
STEEPNESS = 0.1  # least density over that of neighbours in the curvature; see `_GridInternal.hessian`
CONCENTRATION_SHARE, CONCENTRATION_CONTRAST = 0.1, 32.0  # least share of a cell, and over the mean, that is too much


class InternalEnergy(Functional):
    r"""An energy :math:`\int U(\rho) dx` of the density, on grids.

    Below a floor, a fixed share of the mean density, U is continued by its tangent, so that J stays finite in vacuum;
    on signed domains each sheet has its own density, and the mean is that of both.
    """

    shared = True

    @property
    @abstractmethod
    def relative_floor(self) -> float:
        """Density over the mean one below which U is continued by its tangent; 0 where there is no need."""

    def floor(self, mean: float) -> float:
        """Density below which U is continued by its tangent, where the mean density is ``mean`` > 0."""
        share = self.relative_floor
        return max(share * mean, SMALLEST) if share > 0.0 else 0.0

    @abstractmethod
    def slope(self, density: FloatArray) -> FloatArray:
        """Give U' at positive densities, any shape."""

    @abstractmethod
    def pressure(self, density: FloatArray, floor: float) -> FloatArray:
        """Give P = rho U' - U at densities >= 0, any shape; below the floor it falls to 0 with the density."""

    @abstractmethod
    def pressure_slope(self, density: FloatArray, floor: float) -> FloatArray:
        """Give P', above the floor rho U'', at densities >= 0, any shape."""

    @abstractmethod
    def write(
        self,
        density: FloatArray,
        floor: float,
        volumes: FloatArray,
        bounds: IntArray,
        potential: FloatArray,
        energies: FloatArray,
    ) -> None:
        """Write U' at the density, and the energy of each block of cells.

        Parameters
        ----------
        density, volumes, potential : arrays, shape (sheets, N)
            The density, cell volumes, and where U' goes.
        floor : float
            Density below which U is continued by its tangent.
        bounds : array of int, shape (blocks + 1,)
            First cells of the blocks in a sheet, and the end of the last one.
        energies : array, shape (blocks, 1)
            Where the energies go.
        """

    @abstractmethod
    def write_curved(self, density: FloatArray, rate: FloatArray, potential: FloatArray) -> None:
        """Write U'' at positive densities times a rate, all of shape (N,)."""

    def bounded_fall(self, left: FloatArray, right: FloatArray, floor: float, bound: FloatArray) -> FloatArray:
        """Give the integral from ``right`` to ``left`` of the lesser of the slope of the pressure and a bound."""
        nodes, weights = np.polynomial.legendre.leggauss(FALL_NODES)
        total = np.zeros_like(left)
        for place, weight in zip(0.5 * (nodes + 1.0), 0.5 * weights, strict=True):
            between = np.maximum(right + place * (left - right), 0.0)
            total += weight * np.minimum(self.pressure_slope(between, floor), bound)
        return total * (left - right)

    def scaled(self, factor: float) -> Functional:
        """The energy times a factor > 0."""
        check_positive_factor(factor, self, DIFFUSION_IS_FORWARD)
        return super().scaled(factor)

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind to a circle, box or sphere, signed or not; raises InputError on domains without cells."""
        if domain.base.reference is not None and not isinstance(self, Entropy):
            raise InputError(f"{type(self).__name__} is not available on the domain {domain.kind!r}; Entropy is")
        return _GridInternal(domain, self)

    def at_particles(self, particles: Particles) -> ParticlePotential:  # noqa: ARG002
        """Raise InputError: a sum of Diracs has no density."""
        raise InputError(f"{type(self).__name__} needs a density, which particles have not: use a grid")

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:  # noqa: ARG002
        """Raise InputError: the density has derivatives on grids alone."""
        raise InputError(f"{type(self).__name__} spreads mass across characteristics: use a grid, e.g. finite volumes")


@dataclass(frozen=True)
class Entropy(InternalEnergy):
    r"""The entropy :math:`T \int \rho \log \rho`, whose flow is linear diffusion: J = T (log rho + 1).

    With ``Potential(V)`` the flow is the Fokker-Planck equation, which comes to rest at exp(-V / T). Densities below
    1e-30 of the mean over the domain have the J of that density. On half circles and half spheres the entropy is
    relative to the image of the uniform probability measure of the whole sphere, in the place of the volume. Vacuum
    fills fast with the limiter "van_leer" (or with order 1, or "minmod"): the face values of the others vanish beside
    it, so that the steep J there keeps the steps of explicit schemes small.

    A sum of Diracs has no entropy. Particles follow its flow by noise (`wgflow.particles.Langevin`); their F leaves it
    out, and so does the risk on grids, where it counts as a regularisation.

    Parameters
    ----------
    temperature : float
        The factor T > 0.

    Raises
    ------
    InputError
        If the temperature is not a positive number.

    References
    ----------
    Jordan, Kinderlehrer and Otto (1998), SIAM J. Math. Anal. 29(1).

    Examples
    --------
    >>> from wgflow import Entropy
    >>> 0.5 * Entropy(3.0)
    Entropy(temperature=1.5)
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_positive("temperature", self.temperature)

    def scaled(self, factor: float) -> Functional:
        """The entropy with the factor in its temperature."""
        check_positive_factor(factor, self, DIFFUSION_IS_FORWARD)
        return Entropy(factor * self.temperature)

    @property
    def relative_floor(self) -> float:
        """Density over the mean below which the logarithm is continued by a constant."""
        return LEAST_SHARE

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Nothing: particles follow the entropy by noise, see `Langevin`."""
        require_particles(particles)
        return ParticlePotential(0.0, np.zeros(len(particles.weights)), np.zeros_like(particles.points))

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:  # noqa: ARG002
        """Itself: there is nothing to sample."""
        return self

    def slope(self, density: FloatArray) -> FloatArray:
        """T (log rho + 1)."""
        return self.temperature * (np.log(density) + 1.0)

    def pressure(self, density: FloatArray, floor: float) -> FloatArray:  # noqa: ARG002
        """T rho."""
        return self.temperature * density

    def pressure_slope(self, density: FloatArray, floor: float) -> FloatArray:  # noqa: ARG002
        """T."""
        return np.full_like(density, self.temperature)

    def write(
        self,
        density: FloatArray,
        floor: float,
        volumes: FloatArray,
        bounds: IntArray,
        potential: FloatArray,
        energies: FloatArray,
    ) -> None:
        """Write J and the energies."""
        write_entropy(density, volumes, self.temperature, floor, bounds, potential, energies)

    def write_curved(self, density: FloatArray, rate: FloatArray, potential: FloatArray) -> None:
        """Write T / rho times a rate."""
        np.divide(rate, density, out=potential)
        potential *= self.temperature


@dataclass(frozen=True)
class PowerEnergy(InternalEnergy):
    r"""The energy :math:`c \int \rho^m / (m - 1)`: the porous medium equation for m > 1, fast diffusion for m < 1.

    J = c m rho^(m-1) / (m - 1). For m < 1 it is continued by a constant where rho^(m-1) is more than 1e6 times that of
    the mean density over the domain (for m = 1/2 below 1e-12 of the mean), or rho less than 1e-30 of it.

    Parameters
    ----------
    exponent : float
        The exponent m > 0, not 1 (that is `Entropy`).
    strength : float
        The factor c > 0.

    Raises
    ------
    InputError
        If a number is not allowed.

    References
    ----------
    Otto (2001), The geometry of dissipative evolution equations: the porous medium equation, Comm. PDE 26.
    Carrillo, Chertock and Huang (2015), Commun. Comput. Phys. 17(1), Section 3.

    Examples
    --------
    >>> from wgflow import PowerEnergy
    >>> PowerEnergy(2.0) / 4.0
    PowerEnergy(exponent=2.0, strength=0.25)
    """

    exponent: float
    strength: float = 1.0

    def __post_init__(self) -> None:
        check_positive("exponent", self.exponent)
        check_positive("strength", self.strength)
        if self.exponent == 1.0:
            raise InputError("exponent = 1 is the linear diffusion of Entropy(temperature); use that")

    def scaled(self, factor: float) -> Functional:
        """The energy with the factor in its strength."""
        check_positive_factor(factor, self, DIFFUSION_IS_FORWARD)
        return replace(self, strength=factor * self.strength)

    @property
    def relative_floor(self) -> float:
        """Density over the mean below which J is constant; 0 for m > 1."""
        if self.exponent > 1.0:
            return 0.0
        return max(LARGEST_SLOPE ** (-1.0 / (1.0 - self.exponent)), LEAST_SHARE)

    def slope(self, density: FloatArray) -> FloatArray:
        """Give c m rho^(m-1) / (m - 1)."""
        return self.strength * self.exponent / (self.exponent - 1.0) * density ** (self.exponent - 1.0)

    def pressure(self, density: FloatArray, floor: float) -> FloatArray:
        """Give c rho^m; for m < 1 a multiple of rho below the floor, where its slope would have no bound."""
        return self.strength * density * np.maximum(density, floor) ** (self.exponent - 1.0)

    def pressure_slope(self, density: FloatArray, floor: float) -> FloatArray:
        """Give the derivative of the pressure, c m rho^(m-1) above the floor."""
        factor = self.strength * np.where(density < floor, 1.0, self.exponent)
        return factor * np.maximum(density, floor) ** (self.exponent - 1.0)

    def bounded_fall(self, left: FloatArray, right: FloatArray, floor: float, bound: FloatArray) -> FloatArray:
        """Give the integral from ``right`` to ``left`` of the lesser of the slope of the pressure and a bound."""
        return self.bounded_pressure(left, floor, bound) - self.bounded_pressure(right, floor, bound)

    def bounded_pressure(self, density: FloatArray, floor: float, bound: FloatArray) -> FloatArray:
        """Give the integral of the lesser of the slope of the pressure and a bound."""
        with np.errstate(divide="ignore", over="ignore"):
            edge = (bound / (self.strength * self.exponent)) ** (1.0 / (self.exponent - 1.0))
        if self.exponent > 1.0:
            within = np.minimum(density, edge)
            return self.pressure(within, floor) + bound * (density - within)
        edge = np.maximum(edge, floor)
        within = np.minimum(density, edge)
        beyond = np.where(density > edge, self.pressure(density, floor) - self.pressure(within, floor), 0.0)
        return np.minimum(bound, self.strength * floor ** (self.exponent - 1.0)) * within + beyond

    def write(
        self,
        density: FloatArray,
        floor: float,
        volumes: FloatArray,
        bounds: IntArray,
        potential: FloatArray,
        energies: FloatArray,
    ) -> None:
        """Write J and the energies."""
        write_power_energy(density, volumes, self.exponent, self.strength, floor, bounds, potential, energies)

    def write_curved(self, density: FloatArray, rate: FloatArray, potential: FloatArray) -> None:
        """Write c m rho^(m-2) times a rate."""
        np.power(density, self.exponent - 2.0, out=potential)
        potential *= self.strength * self.exponent
        potential *= rate


def check_positive(name: str, value: float) -> None:
    """Raise InputError unless a parameter is a finite positive number."""
    if not (is_number(value) and value > 0.0):
        raise InputError(f"{name} = {value!r} is not allowed; give a positive number")


class _GridInternal(GridFunctional):
    largest_share: float

    def __init__(self, domain: Domain, energy: InternalEnergy) -> None:
        self.domain = domain
        self._energy = energy
        self._cells = list_faces(domain).cells
        self._volumes = np.ascontiguousarray(np.broadcast_to(domain.volumes, domain.shape)).ravel()
        self._reference = domain.base.reference
        if self._reference is not None:
            self._volumes = self._volumes * np.tile(self._reference.weights, domain.sheets)
        self._blocks, self._partition = RowBlocks.of(domain), domain.base.partition
        count = domain.sheets * prod(self._partition.whole)
        self.largest_share = min(max(CONCENTRATION_SHARE, CONCENTRATION_CONTRAST / count), 1.0)
        self._volume, self._mean = self._blocks.product(np.ones_like(self._volumes), self._volumes), 0.0
        self._density, self._raised = np.zeros_like(self._volumes), np.zeros_like(self._volumes)
        self._sheets = (domain.sheets, -1)
        self._energies = np.empty((len(self._partition), 1))

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        self._density[...] = self._relative(density.ravel())
        self._mean = self._blocks.product(self._density, self._volumes) / self._volume
        rho, volumes, phi = (values.reshape(self._sheets) for values in (self._density, self._volumes, potential))
        floor = self._energy.floor(self._mean)
        self._energy.write(rho, floor, volumes, self._partition.cells, phi, self._energies)
        return float(self._partition.sums(self._energies)[0])

    def penalty(self, density: FloatArray) -> float:
        """All of an entropy, and nothing of a power."""
        return self.value(density) if self._energy.temperature > 0.0 else 0.0

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write U'' times the rate, with U'' of densities not much below those around.

        In vacuum beside a full cell U'' may be as large as it likes, but one step, which moves less than half of a
        cell by rule P, ends that.
        """
        np.maximum(self._density, self._least(), out=self._raised)
        raise_to_neighbours(self._density, self._cells, STEEPNESS, self._raised)
        self._energy.write_curved(self._raised, self._relative(rate.reshape(-1)), potential.reshape(-1))

    def local_curvature(self) -> FloatArray:
        curvature = np.empty_like(self._density)
        safe = np.maximum(self._density, self._least())
        self._energy.write_curved(safe, self._relative(np.ones_like(safe)), curvature)
        return curvature

    def nonlocal_hessian(self, rate: FloatArray, potential: FloatArray) -> None:  # noqa: ARG002
        potential[...] = 0.0

    def _relative(self, values: FloatArray) -> FloatArray:
        """Values of densities (N,) over the reference, where there is one."""
        return values if self._reference is None else self._reference.ratio(values)

    def _least(self) -> float:
        """Density that vacuum counts as in U'', which has no bound there."""
        return max(LEAST_SHARE * self._mean, SMALLEST)
