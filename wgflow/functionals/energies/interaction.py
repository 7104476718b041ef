"""Energies of interacting particles: an outer potential, and interactions by convolution."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain, Sphere, total_mass
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import Geometry, UnitSphere, is_flat
from wgflow.errors import InputError, MissingExtraError, ShapeError
from wgflow.functionals.base import Functional, GridFunctional, ParticlePotential, SheetSums
from wgflow.functionals.convolution import (
    BoxConvolution,
    Convolution,
    PairConvolution,
    Pairing,
    ScalarFunction,
    warn_of_sampling,
)
from wgflow.functionals.differences import central_differences
from wgflow.functionals.zonal import HarmonicConvolution, largest_degree, warn_of_cutoff
from wgflow.measures import Particles
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray

PAIRS_AT_ONCE = 2**20  # of particles, so that memory stays bounded


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
            return _GridInteraction(domain, over_pairs, over_pairs.largest)
        bound = self._between_cells(box)
        if self.on_cells is None:
            warn_of_sampling(box, bound.values)
        convolution = BoxConvolution(box, bound.values)
        return _GridInteraction(domain, convolution, convolution.largest)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum over all pairs, self-interaction included, as on grids."""
        return _sum_over_pairs(particles, self._sums)

    def of_samples(self, domain: Domain, samples: Particles) -> tuple[FloatArray, float]:
        """Potential of samples at the cells of the positive sheet, flattened, and their own energy."""
        box, exact = domain.base.lattice, self._pairing(domain.geometry)
        at_cells = exact if box is None else self._between_cells(box)._pairing(domain.geometry)
        return _of_samples(domain, samples, at_cells, exact)

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
        lengths = np.asarray(self.periods, dtype=np.float64)
        turns = np.round(displacements / lengths)
        return displacements - np.where(np.isfinite(lengths), turns * np.nan_to_num(lengths), 0.0)

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


@dataclass(frozen=True)
class ZonalInteraction(Functional):
    r"""The interaction energy :math:`\frac12 \iint W(x \cdot y)\, d\mu(x)\, d\mu(y)` on unit spheres.

    On the circle :math:`x \cdot y` is the cosine of the angle between x and y. On signed domains the measure is the
    difference of the two sheets.

    Parameters
    ----------
    kernel : callable
        W, vectorised: cosines (N,) in [-1, 1] to values (N,), finite.
    slope : callable, optional
        Its derivative W', (N,) to (N,); particles need it.
    on_arcs : callable, optional
        Length of an arc to a function of angles (N,) that takes the place of W on a circle: its averages over an arc
        around each angle. Without it cells interact by samples of W, with a `FlowWarning` where it varies too much
        within a cell for that.
    """

    kernel: ScalarFunction
    slope: ScalarFunction | None = None
    on_arcs: Callable[[float], ScalarFunction] | None = None

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Transform the kernel, once.

        Raises
        ------
        InputError
            On domains that are no unit spheres, or not cut into cells.
        MissingExtraError
            On spheres, if ducc0 is not installed (``pip install 'wgflow[sphere]'``).
        """
        return _GridInteraction(domain, *_ZONAL_CONVOLUTIONS.on(domain)(self, domain.base))

    def between_arcs(self, spacing: float) -> ScalarFunction:
        """W as a function of the angle between two cells of a circle, of the given length."""
        if self.on_arcs is None:
            return lambda angles: self.values(np.cos(angles))
        return self.on_arcs(spacing)

    def eigenvalues(self, largest: int) -> FloatArray:
        """Eigenvalues of W on S^2 up to a degree, by Funk and Hecke's formula, shape (largest + 1,)."""
        nodes, weights = np.polynomial.legendre.leggauss(2 * largest + 2)
        weighted = 2.0 * np.pi * weights * self.values(nodes)
        before, here = np.zeros_like(nodes), np.ones_like(nodes)
        found = np.empty(largest + 1)
        for degree in range(largest + 1):
            found[degree] = weighted @ here
            before, here = here, ((2 * degree + 1) * nodes * here - degree * before) / (degree + 1)
        return found

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum over all pairs, self-interaction included, as on grids; raises InputError without the slope."""
        if self.slope is None:
            raise InputError("particles need the slope W' of a zonal interaction; give ZonalInteraction(kernel, slope)")
        return _sum_over_pairs(particles, self._sums)

    def of_samples(self, domain: Domain, samples: Particles) -> tuple[FloatArray, float]:
        """Potential of samples at the cells of the positive sheet, flattened, and their own energy."""
        arcs = domain.base.lattice
        if arcs is None or self.on_arcs is None:
            return _of_samples(domain, samples, self.pairing, self.pairing)
        averaged = self.between_arcs(*arcs.spacing)
        return _of_samples(domain, samples, lambda x, y: averaged(_angles(x, y)), self.pairing)

    def pairing(self, targets: FloatArray, sources: FloatArray) -> FloatArray:
        """W between all unit vectors (m, p) and (n, p), shape (m n,)."""
        return self.values(_cosines(targets, sources))

    def _sums(self, targets: FloatArray, sources: FloatArray, charges: FloatArray) -> tuple[FloatArray, FloatArray]:
        cosines = _cosines(targets, sources)
        slopes = np.asarray(self.slope(cosines)) if self.slope is not None else np.zeros_like(cosines)
        shape = (len(targets), len(sources))
        return self.values(cosines).reshape(shape) @ charges, (slopes.reshape(shape) * charges) @ sources

    def values(self, cosines: FloatArray) -> FloatArray:
        """W at cosines (N,), shape (N,), checked."""
        values = np.asarray(self.kernel(cosines), dtype=np.float64)
        if values.shape != cosines.shape:
            raise ShapeError(
                f"the kernel of {cosines.shape} cosines has shape {values.shape}; allowed is {cosines.shape}"
            )
        if not np.isfinite(values).all():
            raise InputError("the zonal kernel returned a value that is not finite; round its singularity")
        return values


def _cosines(targets: FloatArray, sources: FloatArray) -> FloatArray:
    return np.clip(targets @ sources.T, -1.0, 1.0).ravel()


def _angles(targets: FloatArray, sources: FloatArray) -> FloatArray:
    """Angles between unit vectors, by their chords, of which small ones keep their digits."""
    chords = np.linalg.norm(targets[:, None, :] - sources, axis=-1)
    return 2.0 * np.arcsin(np.minimum(0.5 * chords, 1.0)).ravel()


def _blocks(targets: int, sources: int) -> Iterator[slice]:
    """Slices of targets with at most `PAIRS_AT_ONCE` pairs each."""
    size = max(PAIRS_AT_ONCE // max(sources, 1), 1)
    return (slice(start, start + size) for start in range(0, targets, size))


def _sum_over_pairs(
    particles: Particles,
    sums: Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
) -> ParticlePotential:
    """Energy, potential and gradient of charges that act on each other."""
    charges = particles.weights * particles.signs
    values, gradient = np.empty(len(charges)), np.empty_like(particles.points)
    for block in _blocks(len(charges), len(charges)):
        values[block], gradient[block] = sums(particles.points[block], particles.points, charges)
    energy = 0.5 * float(charges @ values)
    return ParticlePotential(energy, particles.signs * values, particles.signs[:, None] * gradient)


def _of_samples(domain: Domain, samples: Particles, at_cells: Pairing, exact: Pairing) -> tuple[FloatArray, float]:
    """Sum of a kernel over charges at all cells of the base domain, and half of the exact one's at the charges."""
    cells = domain.base.points.reshape(-1, domain.base.points.shape[-1])
    if samples.points.shape[1] != cells.shape[1]:
        raise ShapeError(f"samples with {samples.points.shape[1]} components do not fit points with {cells.shape[1]}")
    charges = samples.weights * samples.signs

    def potential(points: FloatArray, kernel: Pairing) -> FloatArray:
        values = np.empty(len(points))
        for block in _blocks(len(points), len(charges)):
            values[block] = kernel(points[block], samples.points).reshape(-1, len(charges)) @ charges
        return values

    return potential(cells, at_cells), 0.5 * float(charges @ potential(samples.points, exact))


def _around_circle(energy: ZonalInteraction, circle: Circle) -> tuple[Convolution, float]:
    """Convolution by FFT."""
    kernel = energy.between_arcs(circle.spacing)
    if energy.on_arcs is None:
        warn_of_sampling(circle.lattice, lambda z: kernel(z[:, 0]))
    convolution = BoxConvolution(circle.lattice, lambda z: kernel(z[:, 0]))
    return convolution, convolution.largest


def _over_sphere(energy: ZonalInteraction, sphere: Sphere) -> tuple[Convolution, float]:
    """Convolution by spherical harmonics."""
    if find_spec("ducc0") is None:
        raise MissingExtraError("ducc0", "sphere", "a zonal interaction on the sphere")
    largest = float(np.abs(energy.values(np.linspace(-1.0, 1.0, 1001))).max())
    coefficients = energy.eigenvalues(largest_degree(sphere.cells))
    warn_of_cutoff(sphere, coefficients)
    return HarmonicConvolution(sphere, lambda _: coefficients), largest


def _over_pairs(energy: ZonalInteraction, base: UnsignedDomain) -> tuple[Convolution, float]:
    """Convolution on other unit spheres, over all pairs of cells."""
    if not (base.has_cells and base.geometry == UnitSphere(base.geometry.components)):
        raise InputError(f"zonal interactions live on circle and sphere; on the domain {base.kind!r} Interaction")
    convolution = PairConvolution(base, energy.pairing)
    return convolution, convolution.largest


_ZONAL_CONVOLUTIONS: DomainTable[Callable[..., tuple[Convolution, float]]] = DomainTable(
    "a zonal interaction", {Circle: _around_circle, Sphere: _over_sphere, object: _over_pairs}
)  # (energy, base domain) to the convolution and the largest size of the kernel


class _GridInteraction(GridFunctional):
    def __init__(self, domain: Domain, convolution: Convolution, largest: float) -> None:
        self.domain = domain
        self._largest = largest
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

    def scale(self, density: FloatArray) -> float:
        return super().scale(density) + 0.5 * self._largest * total_mass(self.domain, density) ** 2
