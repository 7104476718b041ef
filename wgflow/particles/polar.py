r"""Particles in polar form: positions on the unit sphere that move, and weights that grow.

.. math:: \dot\eta_j = -\alpha (I - \eta_j \eta_j^T) \nabla J(\eta_j|\nu), \qquad
          \dot w_j = -\beta J(\eta_j|\nu)\, w_j, \qquad \nu = \sum_j w_j \delta_{\eta_j}

References
----------
Bach and Chizat (2022), Section 4.1, with w_j = r_j^2 / m.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals import Functional, ParticlePotential
from wgflow.measures import Particles
from wgflow.measures.placement import check_directions, check_particles
from wgflow.particles.system import ParticleFlow
from wgflow.typing import FloatArray


class PolarFlow(ParticleFlow):
    """The particle system on the unit sphere.

    Parameters
    ----------
    functional : Functional
        The functional F.
    particles : Particles
        Start; positions are unit vectors.
    reaction : float
        The factor beta; 4 is that of 2-homogeneous features.
    **options
        Further options of `ParticleFlow`.

    Raises
    ------
    InputError
        If an argument is not allowed, a position is no unit vector, or the layers have different rates.
    """

    def __init__(self, functional: Functional, particles: Particles, *, reaction: float = 4.0, **options: Any) -> None:
        check_directions(check_particles(particles).points)
        if options.get("input_rate", 1.0) != 1.0:
            raise InputError("input_rate needs both layers: particles in R^p that are pairs (a, b)")
        super().__init__(functional, particles, reaction=reaction, **options)

    def descended(self, state: FloatArray, found: ParticlePotential, step: float) -> FloatArray:
        r"""State after a step of gradient descent of the neurons :math:`r \eta`, whose weights are :math:`r^2`.

        .. math:: r \eta \leftarrow r \left(\eta - \gamma \left(\tfrac\beta2 J \eta
                  + \alpha (I - \eta \eta^T) \nabla J\right)\right)
        """
        points, growth = self._unpack(state)
        tangential = self._tangential(found.gradient, points)
        radial = 0.5 * self._reaction * found.potential[:, None] * points
        moved = points - step * (radial + self._transport * tangential)
        stretched = growth + 2.0 * np.log(np.linalg.norm(moved, axis=1))
        return np.concatenate([self._project(moved).ravel(), stretched])

    def _wandered(self, points: FloatArray, variance: FloatArray, normals: FloatArray) -> FloatArray:
        r"""Points after Brownian motion along geodesics, exact on the circle.

        On the sphere of dimension d the mean of a harmonic of eigenvalue :math:`\lambda` over a geodesic step of
        variance v in each direction is :math:`1 - \lambda v/2 + (\lambda^2/2 - (d-1)\lambda/3) v^2/4` up to the order
        3; shrinking v by 1 + (d - 1) v / 6 makes that :math:`e^{-\lambda v/2}`, what Brownian motion does to it.
        """
        spread = variance[0] / (1.0 + (points.shape[1] - 2) * variance[0] / 6.0)
        steps = np.sqrt(spread) * self._tangential(normals, points)
        length = np.linalg.norm(steps, axis=1, keepdims=True)
        return self._project(np.cos(length) * points + np.sinc(length / np.pi) * steps)

    def sizes(self, state: FloatArray) -> FloatArray:
        """Sizes to which errors are relative: 1."""
        return np.ones_like(state)

    def _project(self, points: FloatArray) -> FloatArray:
        return points / np.linalg.norm(points, axis=1, keepdims=True)

    def _tangential(self, gradient: FloatArray, points: FloatArray) -> FloatArray:
        return gradient - np.einsum("ij,ij->i", gradient, points)[:, None] * points
