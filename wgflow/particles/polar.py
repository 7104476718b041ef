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

from wgflow.domains.geometry import UnitSphere
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
        sphere = UnitSphere(particles.points.shape[1])
        super().__init__(functional, particles, reaction=reaction, geometry=sphere, **options)

    def descended(self, state: FloatArray, found: ParticlePotential, step: float) -> FloatArray:
        r"""State after a step of gradient descent of the neurons :math:`r \eta`, whose weights are :math:`r^2`.

        .. math:: r \eta \leftarrow r \left(\eta - \gamma \left(\tfrac\beta2 J \eta
                  + \alpha (I - \eta \eta^T) \nabla J\right)\right)
        """
        points, growth = self._unpack(state)
        tangential = self._geometry.tangential(points, found.gradient)
        radial = 0.5 * self._reaction * found.potential[:, None] * points
        moved = points - step * (radial + self._transport * tangential)
        stretched = growth + 2.0 * np.log(np.linalg.norm(moved, axis=1))
        return np.concatenate([self._geometry.project(moved).ravel(), stretched])

    def sizes(self, state: FloatArray) -> FloatArray:
        """Sizes to which errors are relative: 1."""
        return np.ones_like(state)
