"""Potential energies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.base import Functional, GridFunctional, ParticlePotential
from wgflow.functionals.convolution import ScalarFunction
from wgflow.functionals.differences import central_differences
from wgflow.measures import Particles
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Potential(Functional):
    r"""The potential energy :math:`\int V d\mu`, whose first variation is V itself.

    Parameters
    ----------
    potential : callable
        V, vectorised: points (N, p) to values (N,). Both sheets of signed domains have the same V.
    gradient : callable, optional
        Its gradient, points (N, p) to (N, p). Without it particles use central differences, which cost six
        evaluations for each component, give ten digits where V is smooth, and the mean of both slopes at kinks;
        functions that jump or are noisy are refused, and need it.
    """

    potential: ScalarFunction
    gradient: ScalarFunction | None = None

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Evaluate V at the cell centres, once; raises InputError if it is not finite there."""
        base = domain.base
        values = self.values(base.points.reshape(-1, base.points.shape[-1])).reshape(base.shape)
        return _GridPotential(domain, np.broadcast_to(values, domain.shape))

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Evaluate the energy, V and its gradient at the particles."""
        points, values = particles.points, self.values(particles.points)
        if self.gradient is not None:
            gradient = np.asarray(self.gradient(points), dtype=np.float64)
        else:
            gradient = central_differences(self.potential, points)
        return ParticlePotential(float(particles.weights @ values), values, gradient)

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:  # noqa: ARG002
        """Itself: there is nothing to sample."""
        return self

    def values(self, points: FloatArray) -> FloatArray:
        """V at points (N, p), shape (N,), checked."""
        values = np.asarray(self.potential(points), dtype=np.float64)
        if values.shape != (len(points),):
            raise ShapeError(
                f"the potential of {points.shape} points has shape {values.shape}; allowed is {(len(points),)}"
            )
        if not np.isfinite(values).all():
            raise InputError("the potential returned a value that is not finite")
        return values


class _GridPotential(GridFunctional):
    def __init__(self, domain: Domain, values: FloatArray) -> None:
        self.domain = domain
        self._values = values
        self._weighted = np.ascontiguousarray(values * domain.volumes).ravel()

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        potential[...] = self._values
        return inner_product(density.ravel(), self._weighted)

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:  # noqa: ARG002
        potential[...] = 0.0
