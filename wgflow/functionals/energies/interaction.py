"""Energies of particles that interact by their displacements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.domains.geometry import Geometry, is_flat, short_way
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.base import Functional, GridFunctional, ParticlePotential
from wgflow.functionals.convolution import (
    BoxConvolution,
    PairConvolution,
    Pairing,
    ScalarFunction,
    warn_of_sampling,
)
from wgflow.functionals.differences import central_differences
from wgflow.functionals.energies.grid_interaction import GridInteraction, potential_of_samples, sum_over_pairs
from wgflow.measures import Particles
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
        Gradient of W, displacements (N, p) to (N, p). Particles use central differences without it, as of `Potential`.
    on_cells : callable, optional
        Lengths of the sides of a cell to a function like W that takes its place on a grid: its averages over a cell
        around each displacement.

    References
    ----------
    Carrillo, Chertock and Huang (2015), Commun. Comput. Phys. 17(1), Section 2.
    """

    kernel: ScalarFunction
    periods: Sequence[float] | None = None
    gradient: ScalarFunction | None = None
    on_cells: Callable[[tuple[float, ...]], ScalarFunction] | None = None

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
            warn_of_sampling(box, bound.values)
        convolution = BoxConvolution(box, bound.values)
        return GridInteraction(domain, convolution, convolution.largest)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum over all pairs, self-interaction included, as on grids."""
        return sum_over_pairs(particles, self._sums)

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

    def _sums(self, targets: FloatArray, sources: FloatArray, charges: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Convolution with the kernel and its gradient at some of the particles."""
        displacements = self.displacements(targets, sources)
        values = self.values(displacements).reshape(len(targets), -1) @ charges
        slopes = self._slopes(displacements).reshape(len(targets), *sources.shape)
        return values, np.einsum("ijk,j->ik", slopes, charges)

    def _slopes(self, displacements: FloatArray) -> FloatArray:
        """Gradient of the even part of W at displacements (N, p)."""
        if self.gradient is None:
            even = np.array_equal(np.asarray(self.kernel(displacements)), np.asarray(self.kernel(-displacements)))
            return central_differences(self.kernel if even else self._even, displacements)
        return 0.5 * (np.asarray(self.gradient(displacements)) - np.asarray(self.gradient(-displacements)))

    def displacements(self, targets: FloatArray, sources: FloatArray) -> FloatArray:
        """All differences of targets (m, p) and sources (n, p), the short way round; shape (m n, p)."""
        displacements = (targets[:, None, :] - sources).reshape(-1, sources.shape[1])
        if self.periods is None:
            return displacements
        return short_way(displacements, np.asarray(self.periods, dtype=np.float64))

    def values(self, displacements: FloatArray) -> FloatArray:
        """Even part of W at displacements (N, p), shape (N,), checked."""
        values = self._even(displacements)
        if values.shape != (len(displacements),):
            raise ShapeError(
                f"the kernel of {displacements.shape} displacements has shape {values.shape}; allowed is "
                f"{(len(displacements),)}"
            )
        if not np.isfinite(values).all():
            raise InputError("the interaction kernel returned a value that is not finite; round its singularity")
        return values

    def _even(self, displacements: FloatArray) -> FloatArray:
        """Even part of W at displacements (N, p), shape (N,)."""
        return 0.5 * (np.asarray(self.kernel(displacements)) + np.asarray(self.kernel(-displacements)))
