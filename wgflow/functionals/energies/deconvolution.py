"""Sparse deconvolution: a measure from its convolution with a known kernel on the torus."""

from __future__ import annotations

import math

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.energies.discrepancies import Target, target_density
from wgflow.functionals.energies.periodic_kernels import PeriodicKernel
from wgflow.functionals.features import Features
from wgflow.functionals.fourier import FourierFeatures, FourierMoments, torus_of
from wgflow.functionals.losses import HALF_SQUARED_NORM
from wgflow.measures import Particles
from wgflow.measures.randomness import random_generator
from wgflow.typing import FloatArray


def Deconvolution(  # noqa: N802 - named like the functionals it stands beside
    kernel: PeriodicKernel,
    target: Particles | Target,
    domain: Domain,
    *,
    noise: float = 0.0,
    seed: int | None = None,
    rng: np.random.Generator | None = None,
) -> Features:
    r"""Half the squared distance of a convolution to a signal, in L^2 of the uniform probability measure on the torus.

    .. math:: F(\nu) = \frac12 \frac{1}{|T|} \int_T |k * \nu - y|^2\, dx
              = \frac12 \sum_\xi |c_\xi \hat\nu_\xi - \hat y_\xi|^2

    over the frequencies of the kernel, of which the signal y keeps no others. With ``+ Mass(lambda)`` its minimisers
    are sparse (Beurling lasso). On grids it is evaluated by FFT, at particles by its finitely many features; both are
    the same function of points and weights.

    Parameters
    ----------
    kernel : DirichletKernel, PeriodicGaussian, FourierKernel or SampledKernel
        The kernel k.
    target : Particles, array of shape ``domain.base.shape``, or callable
        Spikes, with signs, whose convolution with k is the signal y; or values of y at the cell centres; a callable
        gets these, shape ``(*shape, p)``.
    domain : Box, Circle or Signed
        The torus: a box with all axes periodic, or the circle.
    noise : float
        Standard deviation of white noise on the :math:`\prod_i (2 f_i + 1)` values on a grid that determine the signal.
    seed : int, optional
        Seed of the noise (numpy's PCG64), 0 by default.
    rng : numpy.random.Generator, optional
        Source of the noise, in the place of a seed.

    Returns
    -------
    Features

    Raises
    ------
    InputError
        If the domain is no torus, spikes, values or noise are not allowed, or the grid is too coarse for the kernel and
        a signal given by its values.
    ShapeError
        If kernel, target and domain have different dimensions.

    References
    ----------
    Chizat (2022), Sparse optimization on measures with over-parameterized gradient descent, Math. Program. 194,
    487-532, Section 5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Box, Deconvolution, DirichletKernel, Particles
    >>> torus = Box([(0.0, 2.0 * np.pi)], 64, periodic=True)
    >>> spikes = Particles([[1.0], [3.0]], [1.0, 0.5], [1.0, 1.0])
    >>> risk = Deconvolution(DirichletKernel(5), spikes, torus)
    >>> risk.at_particles(spikes).energy
    0.0
    """
    if not (math.isfinite(noise) and noise >= 0.0):
        raise InputError(f"noise = {noise!r} is not allowed; give a finite number >= 0")
    torus = torus_of(domain)
    if torus is None:
        walls = " with walls" if domain.base.walls else ""
        raise InputError(f"deconvolution needs a circle or a periodic box; the domain is {domain.kind!r}{walls}")
    features = FourierFeatures(kernel.coefficients(torus.periods), torus.periods, torus.angular)
    wanted = _moments_of_target(features, target, domain, torus.box)
    if noise > 0.0:
        generator = random_generator(0 if seed is None and rng is None else seed, rng)
        shape = features.coefficients.shape
        wanted = wanted + noise * features.of_signal(generator.standard_normal(shape))
    return Features(features, wanted, HALF_SQUARED_NORM)


def _moments_of_target(features: FourierFeatures, target: Particles | Target, domain: Domain, torus: Box) -> FloatArray:
    """What the predictions should be, shape (n,)."""
    if not isinstance(target, Particles):
        values = target_density(target, domain)
        plain = FourierFeatures(np.ones_like(features.coefficients), features.periods, features.angular)
        return FourierMoments(torus, plain).moments(values.ravel() / values.size)
    if target.points.shape[1] != domain.points.shape[-1]:
        raise ShapeError(
            f"spikes with {target.points.shape[1]} components do not fit points with {domain.points.shape[-1]}"
        )
    if not (np.isfinite(target.points).all() and np.isfinite(target.weights).all()):
        raise InputError("a spike has a position or a weight that is not finite")
    return features.forward(target.points, target.weights * target.signs)[0]
