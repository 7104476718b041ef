r"""A bound of the loss rates of potentials that are near one whose rate is known, without a pass over the cells.

Rates r of rule P are convex and homogeneous in the potential. Where :math:`J = J_0 + \sum_i (c_i - c^0_i)
\partial_i J` with few coordinates c, such as :math:`\nabla R` of few features,

.. math:: r(J) \le r(J_0) + \sum_i |c_i - c^0_i| \max(r(\partial_i J), r(-\partial_i J)).

Coordinates change little within a step: the bound proves rule P at the later stages nearly always.
"""

from __future__ import annotations

import math

import numpy as np

from wgflow.functionals import GridFunctional
from wgflow.typing import FloatArray
from wgflow.upwind.scheme import SpaceScheme

ROUND_OFF = 1e-12  # of rates, by far


class RateBound:
    """The bound for a functional and a scheme.

    Parameters
    ----------
    functional : GridFunctional
        F.
    scheme : SpaceScheme
        Whose loss rates they are.
    """

    def __init__(self, functional: GridFunctional, scheme: SpaceScheme) -> None:
        self._functional, self._scheme = functional, scheme
        self._rates: FloatArray | None = None
        self._place: FloatArray | None = None
        self._loss_rate = math.inf

    def know(self, loss_rate: float) -> None:
        """Start from the loss rate of J as it was evaluated last."""
        place = self._functional.coordinates()
        self._place, self._loss_rate = None if place is None else place.copy(), loss_rate

    def rate(self) -> float:
        """No less than the loss rate of J as it was evaluated last; infinite where its coordinates are not few."""
        place = self._functional.coordinates()
        if place is None or self._place is None:
            return math.inf
        if self._rates is None:
            self._rates = np.array([self._largest_rate(change) for change in np.eye(place.size)])
        moved = math.fsum(np.abs(place - self._place) * self._rates)  # the same on any processor
        return (self._loss_rate + moved) * (1.0 + ROUND_OFF)

    def _largest_rate(self, change: FloatArray) -> float:
        potential = np.empty(self._functional.domain.shape)
        self._functional.along(change, potential)
        rates = [self._scheme.loss_rate(potential)]
        np.negative(potential, out=potential)
        return max(*rates, self._scheme.loss_rate(potential))
