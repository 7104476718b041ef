"""Perturbations of uniform densities of given modes, and the risk of ReLU neurons beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.domains import Circle, Domain, HalfCircle, Sphere
from wgflow.errors import InputError
from wgflow.functionals import Functional, ParticlePotential
from wgflow.functionals.convolution import Convolution
from wgflow.functionals.energies.discrepancies import GridDiscrepancy
from wgflow.functionals.grid import GridFunctional
from wgflow.measures import Particles
from wgflow.networks.low_rank import LowRankSums
from wgflow.networks.orbit_kernel import factor_on
from wgflow.networks.zonal_population import CONVOLUTIONS
from wgflow.typing import FloatArray

LEAST_ERROR, MEMORY = 1e-14, 2.0**28  # of the averaged kernel, relative, and bytes
QUADRATURE = 400  # nodes of integrals over angles


@dataclass(frozen=True)
class UniformTeacher(Functional):
    """Population risk of ReLU neurons against uniformly many of mass 1, half a squared distance of their measures."""

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind to a circle, a half circle or a sphere."""
        return GridDiscrepancy(domain, _sums(domain), uniform_density(domain))

    def at_particles(self, particles: Particles) -> ParticlePotential:  # noqa: ARG002
        """Raise InputError: it is for densities."""
        raise InputError("the distance to uniformly many neurons is computed on grids; choose finite volumes")


def _sums(domain: Domain) -> Convolution:
    if isinstance(domain, HalfCircle):
        return LowRankSums(factor_on(domain, LEAST_ERROR, MEMORY))
    sums: Convolution = CONVOLUTIONS.on(domain)(domain)
    return sums


def uniform_density(domain: Domain) -> FloatArray:
    """Cell averages of the uniform probability measure, or its image, shape ``domain.shape``."""
    if isinstance(domain, HalfCircle):
        return domain.uniform
    return np.full(domain.shape, 1.0 / domain.volumes.sum())


def waves_on_circle(circle: Circle, moduli: FloatArray, amplitude: float) -> tuple[FloatArray, FloatArray]:
    """Sum of cosines of frequencies 1, 2, ... with random phases, scaled to an amplitude, and the factor of each."""
    phases = 2.0 * np.pi * np.random.default_rng(0).random(moduli.size)
    spectrum = np.zeros(circle.cells // 2 + 1, dtype=np.complex128)
    spectrum[1 : moduli.size + 1] = 0.5 * circle.cells * moduli * np.exp(1j * phases)
    waves = np.fft.irfft(spectrum, circle.cells)
    scale = amplitude / np.abs(waves).max()
    return scale * waves, scale * moduli


def waves_on_sphere(sphere: Sphere, moduli: FloatArray, amplitude: float) -> tuple[FloatArray, FloatArray]:
    """Sum of all harmonics of degrees 1, 2, ... of given moduli with random phases, scaled, and the modulus of each."""
    import ducc0

    largest, generator = moduli.size, np.random.default_rng(0)
    whole, rows = np.append(0.0, moduli), []
    for m in range(largest + 1):
        phases = np.exp(2j * np.pi * generator.random(largest + 1 - m))
        rows.append(whole[m:] * (np.sign(phases.real) if m == 0 else phases))
    x, y, z = sphere.points.T
    places = np.stack([np.arctan2(np.hypot(x, y), z), np.mod(np.arctan2(y, x), 2.0 * np.pi)], axis=1)
    options = {"spin": 0, "lmax": largest, "loc": places, "epsilon": 1e-12, "nthreads": 1}
    waves = ducc0.sht.synthesis_general(alm=np.concatenate(rows)[None, :], **options)[0]
    scale = amplitude / np.abs(waves).max()
    return scale * waves, scale * moduli


def smooth_waves(
    domain: Circle | HalfCircle | Sphere, smoothness: float, largest: int, amplitude: float
) -> tuple[FloatArray, FloatArray]:
    """Waves of r derivatives, and their mean square in each degree 1, ..., L: of even degrees l, like l^(-1 - 2 r)."""
    degrees: FloatArray = np.arange(1.0, largest + 1.0)
    moduli = np.where(degrees % 2.0 == 0.0, degrees ** (-0.5 - smoothness), 0.0)
    if isinstance(domain, Circle):
        waves, moduli = waves_on_circle(domain, moduli, amplitude)
        return waves, 0.5 * moduli**2
    if isinstance(domain, Sphere):
        many = 2.0 * degrees + 1.0
        waves, moduli = waves_on_sphere(domain, moduli / np.sqrt(many), amplitude)
        return waves, many * moduli**2 / (4.0 * np.pi)
    waves, moduli = waves_on_half_circle(domain, moduli, amplitude)
    return waves, moduli**2


def zonal_harmonics(cosines: FloatArray, largest: int, inputs: int) -> FloatArray:
    """Zonal harmonics of degrees 0, ..., L of the unit sphere of R^d, d > 2, shape (L + 1, n), of mean square 1."""
    from scipy.special import eval_gegenbauer, gammaln

    degrees, index = np.arange(largest + 1.0)[:, None], 0.5 * inputs - 1.0
    logarithm = gammaln(degrees + 2.0 * index) - gammaln(degrees + 1.0) - gammaln(2.0 * index)  # of C_l(1)
    dimensions = np.exp(logarithm) * (degrees + index) / index  # of the spaces of all harmonics of a degree
    return np.asarray(eval_gegenbauer(degrees, index, cosines) * np.exp(-logarithm) * np.sqrt(dimensions))


def waves_on_half_circle(domain: HalfCircle, moduli: FloatArray, amplitude: float) -> tuple[FloatArray, FloatArray]:
    """Sum of zonal harmonics of degrees 1, 2, ... with random signs, scaled, and the modulus of each."""
    signs = np.sign(np.random.default_rng(0).random(moduli.size) - 0.5)
    waves = (signs * moduli) @ zonal_harmonics(np.cos(domain.angles), moduli.size, domain.inputs)[1:]
    scale = amplitude / np.abs(waves).max()
    return scale * waves, scale * moduli


def neuron_eigenvalues(largest: int, inputs: int) -> FloatArray:
    """Eigenvalues of the arc-cosine kernel against the uniform probability on the sphere of R^d, degrees 0, ..., L.

    The kernel is d times the convolution of relu with itself, so that they are d times the squares of those of relu.
    """
    if inputs == 2:
        even: FloatArray = np.arange(0.0, largest + 1.0, 2.0)
        moments = np.zeros(largest + 1)
        moments[::2], moments[1] = 1.0 / (np.pi * (1.0 - even**2)), 0.25
        return 2.0 * moments**2
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE)
    angles = 0.25 * np.pi * (nodes + 1.0)
    weights = weights * np.sin(angles) ** (inputs - 2)
    weights /= 2.0 * weights.sum()  # there is another half
    zonal, top = (zonal_harmonics(cosines, largest, inputs) for cosines in (np.cos(angles), np.ones(1)))
    return np.asarray(inputs * ((zonal / top) @ (weights * np.cos(angles))) ** 2)
