"""Energies of particles that interact by their displacements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.domains.geometry import Geometry, is_flat, short_way
from wgflow.errors import InputError
from wgflow.functionals.base import Functional, ParticlePotential
from wgflow.functionals.checks import check_callable, own_gradient, values_of
from wgflow.functionals.convolution import (
    BoxConvolution,
    PairConvolution,
    Pairing,
    ScalarFunction,
    warn_of_sampling,
)
from wgflow.functionals.differences import central_differences
from wgflow.functionals.energies.batches import BatchedInteraction, Batches, all_pairs, batched
from wgflow.functionals.energies.grid_interaction import GridInteraction, potential_of_samples
from wgflow.functionals.energies.particle_interaction import Sums, laplacian_over_pairs, potential_over_pairs
from wgflow.functionals.energies.radial_differences import radial_differences
from wgflow.functionals.energies.radial_kernels import RadialKernel
from wgflow.functionals.energies.radial_profiles import radial_slopes
from wgflow.functionals.factors import Times, times, times_made
from wgflow.functionals.grid import GridFunctional
from wgflow.functionals.laplacians import smooth_derivative
from wgflow.measures import Particles, require_particles
from wgflow.measures.checks import described
from wgflow.measures.particles import extent_of
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Interaction(Functional):
    r"""The interaction energy :math:`\frac12 \iint W(x - y)\, d\mu(x)\, d\mu(y)` on boxes and other flat domains.

    On signed domains the measure is the difference of the two sheets. Only the even part of W acts. At half a period,
    where it may jump, cells take the mean of both sides.

    Cells interact by samples of W, with a `FlowWarning` where W varies too much within a cell for that, or by its
    averages over cells, where they are given.

    Parameters
    ----------
    kernel : callable
        W, vectorised: displacements (N, p) to values (N,); finite everywhere, 0 included.
    periods : sequence of float, optional
        Length of each axis, for particles on a periodic box; inf where it is not periodic. Grids know their own.
    gradient : callable, optional
        Gradient of W, displacements (N, p) to (N, p); by default the method ``gradient`` of W. Particles use central
        differences without either, as of `Potential`.
    on_cells : callable, optional
        Lengths of the sides of a cell to a function like W that takes its place on a grid: its averages over a cell
        around each displacement.

    Raises
    ------
    InputError
        If one of them is no function, or the periods are one.

    References
    ----------
    Carrillo, Chertock and Huang (2015), Commun. Comput. Phys. 17(1), Section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Box, Interaction
    >>> attraction = Interaction(lambda z: 0.5 * (z**2).sum(axis=-1), gradient=lambda z: z)
    >>> attraction.on_grid(Box([(-1.0, 1.0)], 4)).value(np.ones(4))
    0.625
    """

    kernel: ScalarFunction
    periods: Sequence[float] | None = None
    gradient: ScalarFunction | None = None
    on_cells: Callable[[tuple[float, ...]], ScalarFunction] | None = None
    shared = True

    def __post_init__(self) -> None:
        check_callable("the interaction kernel", self.kernel, "Interaction(lambda z: (z**2).sum(axis=-1))")
        if callable(self.periods):
            raise InputError(
                f"periods = {described(self.periods)} of Interaction is no length; write Interaction(W, gradient=dW) "
                "for the gradient of W, or give the length of each axis"
            )
        object.__setattr__(self, "gradient", own_gradient("the interaction kernel", self.kernel, self.gradient))

    def scaled(self, factor: float) -> Interaction:
        """The interaction by the kernel times the factor."""
        return replace(
            self,
            kernel=times(factor, self.kernel),
            gradient=times(factor, self.gradient),
            on_cells=times_made(factor, self.on_cells),
        )

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Transform the kernel, once, or sum over all pairs of cells where they do not stand in rows.

        Raises
        ------
        InputError
            If the domain is not flat, or not cut into cells.
        """
        if not (domain.base.has_cells and is_flat(domain.geometry)):
            raise InputError(
                f"the interaction energy is not available on the domain {domain.kind!r}; use a box, or "
                "ZonalInteraction on circle and sphere"
            )
        box = domain.base.lattice
        if box is None:
            over_pairs = PairConvolution(domain.base, self._pairing(domain.geometry))
            return GridInteraction(domain, over_pairs, over_pairs.largest)
        bound = self._between_cells(box)
        if self.on_cells is None:
            warn_of_sampling(box.whole, bound.values)
        convolution = BoxConvolution(box, bound.values)
        return GridInteraction(domain, convolution, convolution.largest)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum over all pairs, self-interaction included, as on grids; compiled for kernels by name."""
        require_particles(particles)
        return self.over_batches(particles, all_pairs(len(particles.weights)))

    def over_batches(self, particles: Particles, batches: Batches) -> ParticlePotential:
        """Sum over the pairs of each batch."""
        return potential_over_pairs(self, particles, batches)

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> BatchedInteraction:  # noqa: ARG002
        """The interaction within random batches of particles; raises InputError where they hold one."""
        return batched(self, count, generator)

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:  # noqa: ARG002
        """Sum over all pairs of the trace of the Hessian of W; raises InputError where that is not smooth."""

        def between(targets: FloatArray, sources: FloatArray) -> FloatArray:
            return self._bends(self.displacements(targets, sources))

        return laplacian_over_pairs(particles, between)

    def of_samples(self, domain: Domain, samples: Particles) -> tuple[FloatArray, float]:
        """Potential of samples at the cells of the positive sheet, flattened, and their own energy."""
        box, exact = domain.base.lattice, self._pairing(domain.geometry)
        at_cells = exact if box is None else self._between_cells(box)._pairing(domain.geometry)
        return potential_of_samples(domain, samples, at_cells, exact)

    def _pairing(self, geometry: Geometry) -> Pairing:
        """The even part of W between all targets and sources, the short way round."""

        def between(targets: FloatArray, sources: FloatArray) -> FloatArray:
            starts, ends = np.tile(sources, (len(targets), 1)), np.repeat(targets, len(sources), axis=0)
            return self.values(geometry.displacement(starts, ends))

        return between

    def _between_cells(self, box: Box) -> Interaction:
        """The interaction of the cells of a box."""
        return self if self.on_cells is None else replace(self, kernel=self.on_cells(box.spacing))

    @property
    def lengths(self) -> FloatArray | None:
        """Lengths of periodic axes, inf for others; None where no axis is periodic."""
        return None if self.periods is None else np.asarray(self.periods, dtype=np.float64)

    @property
    def cone(self) -> Callable[[FloatArray], FloatArray] | None:
        """Slope of -W along rays, distances (k,) to (k,), where it is a kernel by name with a peak at 0; else None."""
        factor, kernel = (
            (self.kernel.factor, self.kernel.function) if isinstance(self.kernel, Times) else (1.0, self.kernel)
        )
        if not isinstance(kernel, RadialKernel) or not factor * kernel.cusp < 0.0 or self.periods is not None:
            return None

        def falling(distances: FloatArray) -> FloatArray:
            with np.errstate(invalid="ignore"):
                return np.where(
                    distances > 0.0, -2.0 * distances * factor * kernel.slope(distances**2), -factor * kernel.cusp
                )

        return falling

    def within(self, points: FloatArray) -> Sums:
        """Values and gradients of W between points (n, p) and themselves."""
        return self.values(np.zeros_like(points)), np.zeros_like(points)

    def between(self, targets: FloatArray, sources: FloatArray, *charges: FloatArray) -> tuple[Sums, Sums]:
        """Sums over some of the pairs for both of their sides."""
        displacements, shape = self.displacements(targets, sources), (len(targets), len(sources))
        values, slopes = self._with_slopes(displacements)
        values, slopes = values.reshape(shape), slopes.T.reshape(-1, *shape)
        of_targets, of_sources = charges
        here = np.stack([part @ of_sources for part in slopes], axis=-1)
        there = np.stack([of_targets @ part for part in slopes], axis=-1)
        return (values @ of_sources, here), (of_targets @ values, -there)

    def _with_slopes(self, displacements: FloatArray) -> Sums:
        """Values and gradients of the even part of W at displacements (N, p)."""
        forward = self._own(displacements)
        found = radial_slopes(self.kernel, displacements, forward) if self.gradient is None else None
        if found is not None:
            return forward, found
        back = self._own(-displacements)
        values, even = 0.5 * (forward + back), np.array_equal(forward, back)
        return values, self._slopes(displacements, values, even)

    def _slopes(self, displacements: FloatArray, values: FloatArray | None = None, even: bool = False) -> FloatArray:
        """Gradient of the even part of W at displacements (N, p), where perhaps its values are known."""
        gradient = self.gradient
        if gradient is None:
            found = radial_differences(self.kernel, displacements, values) if even and values is not None else None
            if found is not None:
                return found
            return central_differences(self.kernel if even else self.values, displacements, values)

        def own(at: FloatArray) -> FloatArray:
            return values_of("the gradient of the kernel", gradient, at, at.shape, of="displacements")

        return 0.5 * (own(displacements) - own(-displacements))

    def _bends(self, displacements: FloatArray) -> FloatArray:
        """Laplacian of the even part of W at displacements (N, p), shape (N,)."""
        total, scale = np.zeros(len(displacements)), extent_of(displacements)
        for axis, along in enumerate(np.eye(displacements.shape[1])):
            total += smooth_derivative(
                lambda step, way=along, k=axis: self._slopes(displacements + step * way)[:, k],  # type: ignore[misc]
                scale,
                "an interaction",
            )
        return total

    def displacements(self, targets: FloatArray, sources: FloatArray) -> FloatArray:
        """All differences of targets (m, p) and sources (n, p), the short way round; shape (m n, p).

        Each component lies in one piece: NumPy sums over a last axis that is short much faster so.
        """
        ends, starts = np.ascontiguousarray(targets.T), np.ascontiguousarray(sources.T)
        displacements = (ends[:, :, None] - starts[:, None, :]).reshape(len(starts), -1).T
        return displacements if self.lengths is None else short_way(displacements, self.lengths)

    def values(self, displacements: FloatArray) -> FloatArray:
        """Even part of W at displacements (N, p), shape (N,), checked."""
        return 0.5 * (self._own(displacements) + self._own(-displacements))

    def _own(self, displacements: FloatArray) -> FloatArray:
        """W itself at displacements (N, p), shape (N,), checked."""
        return values_of(
            "the interaction kernel",
            self.kernel,
            displacements,
            (len(displacements),),
            of="displacements",
            finite="; round its singularity",
        )
