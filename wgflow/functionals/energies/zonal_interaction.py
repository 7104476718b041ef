"""Energies of particles on unit spheres that interact by the angles between them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Circle, Domain, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import Geometry, UnitSphere
from wgflow.errors import InputError, MissingExtraError
from wgflow.functionals.base import Functional, ParticlePotential
from wgflow.functionals.checks import check_callable, own_gradient, values_of
from wgflow.functionals.convolution import (
    BoxConvolution,
    Convolution,
    PairConvolution,
    ScalarFunction,
    warn_of_sampling,
)
from wgflow.functionals.energies.batches import BatchedInteraction, Batches, all_pairs, batched
from wgflow.functionals.energies.grid_interaction import GridInteraction, potential_of_samples
from wgflow.functionals.energies.particle_interaction import Sums, laplacian_over_pairs, potential_over_pairs
from wgflow.functionals.factors import times, times_made
from wgflow.functionals.grid import GridFunctional
from wgflow.functionals.laplacians import smooth_derivative
from wgflow.functionals.zonal import HarmonicConvolution, largest_degree, warn_of_cutoff
from wgflow.measures import Particles, require_particles
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class ZonalInteraction(Functional):
    r"""The interaction energy :math:`\frac12 \iint W(x \cdot y)\, d\mu(x)\, d\mu(y)` on unit spheres.

    On the circle :math:`x \cdot y` is the cosine of the angle between x and y. On signed domains the measure is the
    difference of the two sheets.

    Parameters
    ----------
    kernel : callable
        W, vectorised: cosines (N,) in [-1, 1] to values (N,), finite.
    gradient : callable, optional
        Its derivative W', (N,) to (N,); by default the method ``gradient`` of W. Particles need it.
    on_arcs : callable, optional
        Length of an arc to a function of angles (N,) that takes the place of W on a circle: its averages over an arc
        around each angle. Without it cells interact by samples of W, with a `FlowWarning` where it varies too much
        within a cell for that.
    slope : callable, optional
        The former name of ``gradient``.

    Raises
    ------
    InputError
        If one of them is no function.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, Particles, ZonalInteraction
    >>> repulsion = ZonalInteraction(np.exp, gradient=np.exp)
    >>> pair = Particles([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5])
    >>> round(repulsion.at_particles(pair).energy, 6)
    0.92957
    """

    kernel: ScalarFunction
    gradient: ScalarFunction | None = None
    on_arcs: Callable[[float], ScalarFunction] | None = None
    slope: ScalarFunction | None = None

    def __post_init__(self) -> None:
        check_callable("the zonal kernel", self.kernel, "ZonalInteraction(numpy.exp)")
        if self.slope is not None and self.gradient is None:
            warnings.warn(
                "ZonalInteraction(slope=...) is called ZonalInteraction(gradient=...) since version 0.2.0",
                DeprecationWarning,
                stacklevel=3,
            )
        given = self.slope if self.gradient is None else self.gradient
        gradient = own_gradient("the zonal kernel", self.kernel, given)
        object.__setattr__(self, "gradient", gradient)
        object.__setattr__(self, "slope", gradient)

    def scaled(self, factor: float) -> ZonalInteraction:
        """The interaction by the kernel times the factor."""
        gradient = times(factor, self.gradient)
        return ZonalInteraction(times(factor, self.kernel), gradient, times_made(factor, self.on_arcs))

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Transform the kernel, once.

        Raises
        ------
        InputError
            On domains that are no unit spheres, or not cut into cells.
        MissingExtraError
            On spheres, if ducc0 is not installed (``pip install 'wgflow[sphere]'``).
        """
        return GridInteraction(domain, *_ZONAL_CONVOLUTIONS.on(domain)(self, domain.base))

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
        require_particles(particles)
        return self.over_batches(particles, all_pairs(len(particles.weights)))

    def over_batches(self, particles: Particles, batches: Batches) -> ParticlePotential:
        """Sum over the pairs of each batch; raises InputError without the slope."""
        return potential_over_pairs(self, particles, batches)

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> BatchedInteraction:  # noqa: ARG002
        """The interaction within random batches of particles; raises InputError where they hold one."""
        return batched(self, count, generator)

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:
        r"""Sum over all pairs of :math:`w'' + (p - 2) \cot\theta\, w'`, :math:`w(\theta) = W(\cos\theta)`.

        Raises
        ------
        InputError
            Without the slope, and where it is not smooth.
        """
        slope, components = self._own_slope, geometry.components

        def between(targets: FloatArray, sources: FloatArray) -> FloatArray:
            angles = np.arccos(_cosines(targets, sources))
            bend = smooth_derivative(
                lambda step: -np.sin(angles + step) * slope(np.cos(angles + step)), 1.0, "a zonal interaction"
            )
            return bend - (components - 2) * np.cos(angles) * slope(np.cos(angles))

        return laplacian_over_pairs(particles, between)

    def of_samples(self, domain: Domain, samples: Particles) -> tuple[FloatArray, float]:
        """Potential of samples at the cells of the positive sheet, flattened, and their own energy."""
        arcs = domain.base.lattice
        if arcs is None or self.on_arcs is None:
            return potential_of_samples(domain, samples, self.pairing, self.pairing)
        averaged = self.between_arcs(*arcs.spacing)
        return potential_of_samples(domain, samples, lambda x, y: averaged(_angles(x, y)), self.pairing)

    def pairing(self, targets: FloatArray, sources: FloatArray) -> FloatArray:
        """W between all unit vectors (m, p) and (n, p), shape (m n,)."""
        return self.values(_cosines(targets, sources))

    lengths: ClassVar[None] = None  # no axis is periodic

    def within(self, points: FloatArray) -> Sums:
        """Values and gradients of W between points (n, p) and themselves."""
        ones = np.ones(len(points))
        return self.values(ones), self._own_slope(ones)[:, None] * points

    def between(self, targets: FloatArray, sources: FloatArray, *charges: FloatArray) -> tuple[Sums, Sums]:
        """Sums over some of the pairs for both of their sides."""
        cosines, shape = _cosines(targets, sources), (len(targets), len(sources))
        values, slopes = self.values(cosines).reshape(shape), self._own_slope(cosines).reshape(shape)
        of_targets, of_sources = charges
        along, back = (slopes * of_sources) @ sources, (slopes.T * of_targets) @ targets
        return (values @ of_sources, along), (of_targets @ values, back)

    @property
    def _own_slope(self) -> ScalarFunction:
        """W' at cosines (N,), shape (N,), checked; raises InputError without it."""
        own = self.gradient
        if own is None:
            raise InputError(
                "particles need the slope W' of a zonal interaction; give ZonalInteraction(W, gradient=dW)"
            )
        return lambda at: values_of("the gradient of the kernel", own, at, at.shape, of="cosines")

    def values(self, cosines: FloatArray) -> FloatArray:
        """W at cosines (N,), shape (N,), checked."""
        return values_of(
            "the kernel", self.kernel, cosines, cosines.shape, of="cosines", finite="; round its singularity"
        )


def _cosines(targets: FloatArray, sources: FloatArray) -> FloatArray:
    return np.clip(targets @ sources.T, -1.0, 1.0).ravel()


def _angles(targets: FloatArray, sources: FloatArray) -> FloatArray:
    """Angles between unit vectors, by their chords, of which small ones keep their digits."""
    chords = np.linalg.norm(targets[:, None, :] - sources, axis=-1)
    return 2.0 * np.arcsin(np.minimum(0.5 * chords, 1.0)).ravel()


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
