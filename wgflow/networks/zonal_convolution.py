r"""The arc-cosine kernel on the sphere S^2 as a zonal convolution.

For x ~ N(0, I_3) the kernel is 3 / (4 pi) times the convolution of relu with itself over the sphere, so that by Funk
and Hecke's formula its eigenvalues are

.. math:: \lambda_l = 3 \pi a_l^2, \quad a_l = \int_0^1 t P_l(t)\, dt, \quad a_{l+2} = -a_l (l - 1) / (l + 4),

a_0 = 1/2, a_1 = 1/3, and the other odd ones are 0.

References
----------
Bach (2017), Breaking the curse of dimensionality with convex neural networks, JMLR 18, Appendix D: the eigenvalues.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from wgflow.domains import Sphere
from wgflow.functionals.convolution import Convolution
from wgflow.functionals.zonal import HarmonicConvolution
from wgflow.networks.arc_cosine import PairSums
from wgflow.typing import FloatArray


def kernel_coefficients(largest: int) -> FloatArray:
    """Eigenvalues lambda_l of the arc-cosine kernel on S^2 for l = 0, ..., ``largest`` >= 1, shape (largest + 1,)."""
    moments = np.zeros(largest + 1)
    moments[:2] = 1.0 / 2.0, 1.0 / 3.0
    for degree in range(0, largest - 1, 2):
        moments[degree + 2] = -moments[degree] * (degree - 1) / (degree + 4)
    return 3.0 * np.pi * moments**2


def zonal_convolution(sphere: Sphere) -> Convolution:
    """Choose the convolution on a sphere.

    Returns
    -------
    callable
        By spherical harmonics where ducc0 is installed (``pip install 'wgflow[sphere]'``), else over all pairs of
        cells in O(N^2). It takes cell masses (N,) and writes the sums into an array (N,).
    """
    if find_spec("ducc0") is not None:
        return HarmonicConvolution(sphere, kernel_coefficients)
    return PairSums(sphere.points, sphere.points)
