r"""What it costs a particle to move and to change its mass in one step of size tau.

With the reaction beta = 0 this is the Wasserstein distance, :math:`c(d) = d^2 / (2 \alpha \tau)`. With a reaction it is
the cone: a particle of mass :math:`r^2` at the distance d from where it was with mass 1 pays

.. math:: \frac{2}{\beta \tau} \big(1 + r^2 - 2 r \cos(\kappa d \wedge \pi)\big), \qquad
          \kappa = \sqrt{\beta / (4\alpha)}.

Against a potential h the best r is :math:`\cos(\kappa d) / (1 + \gamma h)` with :math:`\gamma = \tau\beta/2`, and what
is left to minimise over places is :math:`(1 - e^{-\gamma E}) / \gamma`, that is

.. math:: E = c(d) + \ell(h), \qquad c(d) = -\tfrac{2}{\gamma} \log \cos(\kappa d), \quad
          \ell(h) = \tfrac1\gamma \log(1 + \gamma h).

Both tend to their values without reaction as beta tends to 0. To first order in tau the mass changes by the factor
:math:`1 - \beta \tau h` and the place by :math:`-\alpha \tau \nabla h`.

References
----------
Liero, Mielke and Savare, "Optimal entropy-transport problems and a new Hellinger-Kantorovich distance" (2018),
Section 7; Kondratyev, Monsaingeon and Vorotnikov (2016) for other factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.typing import FloatArray


@dataclass(frozen=True)
class StepCost:
    """The cost of one step.

    Parameters
    ----------
    tau : float
        Size of the step, positive.
    transport : float
        The factor alpha, positive.
    reaction : float
        The factor beta, not negative.
    """

    tau: float
    transport: float = 1.0
    reaction: float = 0.0

    @property
    def gamma(self) -> float:
        """Half of beta tau; 0 where mass does not change."""
        return 0.5 * self.tau * self.reaction

    @property
    def angle_factor(self) -> float:
        """Angle kappa in the cone for a distance of 1."""
        return float(np.sqrt(0.25 * self.reaction / self.transport))

    @property
    def stiffness(self) -> float:
        """Curvature of c at 0, 1 / (alpha tau)."""
        return 1.0 / (self.transport * self.tau)

    def distance(self, distance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give c and its first two derivatives at distances (N,); infinite where a particle cannot reach."""
        if self.gamma == 0.0:
            k = self.stiffness
            return 0.5 * k * distance**2, k * distance, np.full_like(distance, k)
        kappa = self.angle_factor
        angle = kappa * distance
        reached = angle < 0.5 * np.pi * (1.0 - 1e-12)
        angle = np.where(reached, angle, 0.0)
        value = np.where(reached, -np.log1p(-(np.sin(angle) ** 2)) / self.gamma, np.inf)
        tangent = np.tan(angle)
        return value, 2.0 * kappa * tangent / self.gamma, 2.0 * kappa**2 * (1.0 + tangent**2) / self.gamma

    def reach(self, level: FloatArray) -> FloatArray:
        """Distances (N,) at which c is a given level; 0 for negative ones."""
        level = np.maximum(level, 0.0)
        if self.gamma == 0.0:
            return np.sqrt(2.0 * level / self.stiffness)
        return np.arccos(np.exp(-0.5 * self.gamma * level)) / self.angle_factor

    def link(self, potential: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give l and its derivative at potentials (N,); l is minus infinity where the step has no minimum."""
        if self.gamma == 0.0:
            return potential, np.ones_like(potential)
        grown = 1.0 + self.gamma * potential
        bounded = grown > 0.0
        safe = np.where(bounded, grown, 1.0)
        value = np.where(bounded, np.log1p(np.where(bounded, self.gamma * potential, 0.0)) / self.gamma, -np.inf)
        return value, 1.0 / safe

    def least(self, level: FloatArray) -> FloatArray:
        """What a step of unit mass costs together with its potential, from the least E, shape (N,)."""
        return level if self.gamma == 0.0 else -np.expm1(-self.gamma * level) / self.gamma

    def growth(self, level: FloatArray, link_slope: FloatArray) -> FloatArray:
        """Logarithm of the mass factor :math:`r^2` at the least E, shape (N,)."""
        return np.log(link_slope) - self.gamma * level

    def extrapolate(self, distance: FloatArray, growth: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Distances and growths twice as far along the geodesics that begin with mass 1."""
        if self.gamma == 0.0:
            return 2.0 * distance, growth
        kappa, radius = self.angle_factor, np.exp(0.5 * growth)
        along = 2.0 * radius * np.cos(kappa * distance) - 1.0
        across = 2.0 * radius * np.sin(kappa * distance)
        return np.arctan2(across, along) / kappa, np.log(along**2 + across**2)
