"""Potential energies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wgflow.domains import Domain
from wgflow.functionals.base import Functional, ParticlePotential
from wgflow.functionals.checks import check_callable, own_gradient, values_of
from wgflow.functionals.convolution import ScalarFunction
from wgflow.functionals.differences import central_differences
from wgflow.functionals.factors import times
from wgflow.functionals.grid import GridFunctional
from wgflow.functionals.moments import at_cells
from wgflow.measures import Particles, require_particles
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Potential(Functional):
    r"""The potential energy :math:`\int V d\mu`, whose first variation is V itself.

    Parameters
    ----------
    potential : callable
        V, vectorised: points (N, p) to values (N,). Both sheets of signed domains have the same V.
    gradient : callable, optional
        Its gradient, points (N, p) to (N, p); by default the method ``gradient`` of V. Without either particles use
        central differences, which cost six evaluations for each component, give ten digits where V is smooth, and the
        mean of both slopes at kinks; functions that jump or are noisy are refused, and need it.

    Raises
    ------
    InputError
        If one of them is no function.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Box, Potential
    >>> well = Potential(lambda x: 0.5 * (x**2).sum(axis=-1), gradient=lambda x: x)
    >>> float((2.0 * well).on_grid(Box([(-1.0, 1.0)], 4)).value(np.ones(4)))
    0.625
    """

    potential: ScalarFunction
    gradient: ScalarFunction | None = None
    shared = True

    def __post_init__(self) -> None:
        check_callable("the potential", self.potential, "Potential(lambda x: (x**2).sum(axis=-1))")
        object.__setattr__(self, "gradient", own_gradient("the potential", self.potential, self.gradient))

    def scaled(self, factor: float) -> Functional:
        """The energy of the potential times the factor."""
        return replace(self, potential=times(factor, self.potential), gradient=times(factor, self.gradient))

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Evaluate V at the cell centres, once; raises InputError if it is not finite there."""
        base = domain.base
        points = base.points.reshape(-1, base.points.shape[-1])
        values = at_cells(self.values, points, base.partition)
        return _GridPotential(domain, np.broadcast_to(values.reshape(base.shape), domain.shape))

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Evaluate the energy, V and its gradient at the particles."""
        require_particles(particles)
        points, values = particles.points, self.values(particles.points)
        if self.gradient is not None:
            gradient = values_of("the gradient of the potential", self.gradient, points, points.shape)
        else:
            gradient = central_differences(self.potential, points)
        return ParticlePotential(float(particles.weights @ values), values, gradient)

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:  # noqa: ARG002
        """Itself: there is nothing to sample."""
        return self

    def values(self, points: FloatArray) -> FloatArray:
        """V at points (N, p), shape (N,), checked."""
        return values_of("the potential", self.potential, points, (len(points),))


class _GridPotential(GridFunctional):
    is_linear = True

    def __init__(self, domain: Domain, values: FloatArray) -> None:
        self.domain = domain
        self._values, self._blocks = values, RowBlocks.of(domain)
        self._weighted = np.ascontiguousarray(values * domain.volumes).ravel()

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        potential[...] = self._values
        return self._blocks.product(density, self._weighted)

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:  # noqa: ARG002
        potential[...] = 0.0
