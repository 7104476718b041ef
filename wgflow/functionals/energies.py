"""Energies of interacting particles: an outer potential, and an interaction by convolution."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.base import Functional, GridFunctional, ParticlePotential, Particles, SheetSums
from wgflow.functionals.maps import DifferencedFeatures
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray

ScalarFunction = Callable[[FloatArray], FloatArray]

PAIRS_AT_ONCE = 2**20  # of particles, so that memory stays bounded


@dataclass(frozen=True)
class Potential(Functional):
    r"""The potential energy :math:`\int V d\mu`, whose first variation is V itself.

    Parameters
    ----------
    potential : callable
        V, vectorised: points (N, p) to values (N,). Both sheets of signed domains have the same V.
    gradient : callable, optional
        Its gradient, points (N, p) to (N, p); particles use central differences without it.
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
            gradient = DifferencedFeatures(lambda x: self.values(x)[:, None]).gradient(points, np.ones(1))
        return ParticlePotential(float(particles.weights @ values), values, gradient)

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
        self.scale = float(np.abs(values).max())

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        potential[...] = self._values
        return inner_product(density.ravel(), self._weighted)

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:  # noqa: ARG002
        potential[...] = 0.0


@dataclass(frozen=True)
class Interaction(Functional):
    r"""The interaction energy :math:`\frac12 \iint W(x - y)\, d\mu(x)\, d\mu(y)` on boxes.

    On signed domains the measure is the difference of the two sheets. Only the even part of W acts.

    Parameters
    ----------
    kernel : callable
        W, vectorised: displacements (N, p) to values (N,); finite everywhere, 0 included.
    periods : sequence of float, optional
        Length of each axis, for particles on a periodic box; inf where it is not periodic. Grids know their own.

    References
    ----------
    Carrillo, Chertock and Huang (2015), Commun. Comput. Phys. 17(1), Section 2.
    """

    kernel: ScalarFunction
    periods: Sequence[float] | None = None

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Transform the kernel, once; raises InputError on other domains than boxes."""
        if not isinstance(domain.base, Box):
            raise InputError(f"the interaction energy is not available on the domain {domain.kind!r}; use a box")
        return _GridInteraction(domain, BoxConvolution(domain.base, self.values))

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum over all pairs, self-interaction included, as on grids."""
        charges = particles.weights * particles.signs
        values, gradient = np.empty(len(charges)), np.empty_like(particles.points)
        size = max(PAIRS_AT_ONCE // max(len(charges), 1), 1)
        for start in range(0, len(charges), size):
            block = slice(start, start + size)
            values[block], gradient[block] = self._sums(particles.points[block], particles.points, charges)
        energy = 0.5 * float(charges @ values)
        return ParticlePotential(energy, particles.signs * values, particles.signs[:, None] * gradient)

    def _sums(self, targets: FloatArray, sources: FloatArray, charges: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Convolution with the kernel and its gradient at some of the particles."""
        displacements = (targets[:, None, :] - sources).reshape(-1, sources.shape[1])
        if self.periods is not None:
            lengths = np.asarray(self.periods, dtype=np.float64)
            turns = np.round(displacements / lengths)
            displacements = displacements - np.where(np.isfinite(lengths), turns * lengths, 0.0)
        differenced = DifferencedFeatures(lambda z: self.values(z)[:, None])
        values = self.values(displacements).reshape(len(targets), -1) @ charges
        slopes = differenced.gradient(displacements, np.ones(1)).reshape(len(targets), *sources.shape)
        return values, np.einsum("ijk,j->ik", slopes, charges)

    def values(self, displacements: FloatArray) -> FloatArray:
        """Even part of W at displacements (N, p), shape (N,), checked."""
        values = 0.5 * (np.asarray(self.kernel(displacements)) + np.asarray(self.kernel(-displacements)))
        if values.shape != (len(displacements),):
            raise ShapeError(
                f"the kernel of {displacements.shape} displacements has shape {values.shape}; allowed is "
                f"{(len(displacements),)}"
            )
        if not np.isfinite(values).all():
            raise InputError("the interaction kernel returned a value that is not finite; round its singularity")
        return values


class BoxConvolution:
    """Convolution of cell masses with a kernel on a box, by FFT: periodic axes wrap, others are padded with zeros.

    Parameters
    ----------
    box : Box
    kernel : callable
        Displacements (N, p) to values (N,).

    Attributes
    ----------
    largest : float
        Largest absolute value of the kernel on the box.
    """

    def __init__(self, box: Box, kernel: ScalarFunction) -> None:
        from scipy import fft

        self._fft, self._workers = fft, os.cpu_count() or 1
        self._shape = box.shape
        self._padded = tuple(
            n if periodic else fft.next_fast_len(2 * n - 1, real=True)
            for n, periodic in zip(box.shape, box.periodic, strict=True)
        )
        steps = [np.fft.fftfreq(n, 1.0 / n) * width for n, width in zip(self._padded, box.spacing, strict=True)]
        displacements = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, len(box.shape))
        values = kernel(displacements)
        self.largest = float(np.abs(values).max())
        self._symbol = fft.rfftn(values.reshape(self._padded))

    def __call__(self, mass: FloatArray, result: FloatArray) -> None:
        """Write ``sum_L W(x_K - x_L) mass_L``; both arrays have as many entries as the box has cells."""
        spectrum = self._fft.rfftn(mass.reshape(self._shape), self._padded, workers=self._workers)
        spectrum *= self._symbol
        full = self._fft.irfftn(spectrum, self._padded, overwrite_x=True, workers=self._workers)
        result.reshape(self._shape)[...] = full[tuple(slice(n) for n in self._shape)]


class _GridInteraction(GridFunctional):
    def __init__(self, domain: Domain, convolution: BoxConvolution) -> None:
        self.domain = domain
        self.scale = convolution.largest
        self._convolution = convolution
        self._sheets = SheetSums(domain)

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        mass = self._sheets.net_mass(density)
        values = self._sheets.positive_sheet(potential)
        self._convolution(mass, values)
        energy = 0.5 * inner_product(mass, values)
        self._sheets.mirror(potential)
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        self._convolution(self._sheets.net_mass(rate), self._sheets.positive_sheet(potential))
        self._sheets.mirror(potential)
