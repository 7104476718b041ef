"""Strong-stability-preserving Runge-Kutta methods, as convex combinations of Euler stages, with estimates of error.

Stage i is ``start_weight u^n + stage_weight (u_{i-1} + c dt L(u_{i-1}))`` with the same c for all stages of a method;
what holds for an Euler stage of the size c dt and is convex (positivity, decay of a convex energy) holds for the step.
The two weights add to 1 exactly, also in floating point: 1/3 and 2/3 rounded would lose 4e-17 of the mass each time.

The difference to a method of one order less, a combination of the same stages, estimates the error of a step. With the
state u at its start, and the last two stages v and w, it is ``a u + b v + c w``:

========  ============================================================  ==================
method    that of one order less                                        (a, b, c)
========  ============================================================  ==================
euler     the trapezoidal rule, of one order more; w is a stage beyond  (1/2, -1, 1/2)
ssprk2    Euler                                                         (0, -1, 1)
ssprk3    weights (1/2, 1/2, 0)                                         (1, -2, 1)
ssprk43   weights (1/4, 1/4, 1/4, 1/4) of its own stages' slopes        (1/2, -1, 1/2)
========  ============================================================  ==================

References
----------
Shu and Osher (1988), J. Comput. Phys. 77, Eqs. (2.16) and (2.18).
Kraaijevanger (1991), Contractivity of Runge-Kutta methods, BIT 31, and Gottlieb, Ketcheson and Shu (2009), High order
strong stability preserving time discretizations, J. Sci. Comput. 38: ssprk43.
Conde, Fekete and Shadid (2022), Embedded pairs for optimal explicit strong stability preserving Runge-Kutta methods,
J. Comput. Appl. Math. 412: its estimate of the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.slab import whole_of
from wgflow.registry import Cited, Registry
from wgflow.typing import FloatArray
from wgflow.upwind.scheme import Combination

# Cells per axis up to which the bounds need no factor, and the range of that of E: the error of a stage in time is of
# third order in it, so that the lower end stands for round-off.
TRANSPORT_CELLS, DECAY_CELLS = 64, 32
DECAY_RANGE = (1e-3, 0.25)


@dataclass(frozen=True)
class RungeKutta:
    """A method in time.

    Parameters
    ----------
    name : str
        Its name.
    order : int
        Its order.
    stages : tuple of (float, float)
        The weights (start_weight, stage_weight) of each stage.
    stage_step : float
        Size c of an Euler stage over that of the step: the bounds of a stage hold for c times the step.
    error : tuple of float
        The factors (a, b, c) of the estimate of the error.
    error_constant : float
        The estimate over the change in a step z of u' = u is this times z to the power ``error_order``, for small z.
    looks_ahead : bool
        Whether the estimate needs a stage beyond the step.
    cites : tuple of Cited
        What it rests on.
    """

    name: str
    order: int
    stages: tuple[tuple[float, float], ...]
    stage_step: float
    error: tuple[float, float, float]
    error_constant: float
    looks_ahead: bool = False
    cites: tuple[Cited, ...] = ()

    @cached_property
    def weights(self) -> FloatArray:
        """The weights of the stages, shape (n, 2)."""
        return np.array(self.stages)

    @property
    def nodes(self) -> tuple[float, ...]:
        """Times at which the stages take their slopes, as shares of the step."""
        found, reached = [], 0.0
        for _, stage_weight in self.stages:
            found.append(reached)
            reached = stage_weight * (reached + self.stage_step)
        return tuple(found)

    @property
    def watched(self) -> Combination:
        """The estimate, and the change in a step, from its start and the densities before and after the last stage."""
        return (*self.error, *((1.0, 0.0) if self.looks_ahead else (0.0, 1.0)))

    @property
    def error_order(self) -> int:
        """Order of the estimate over the change in a step, in the step."""
        return max(self.order - 1, 1)

    def accurate_step(self, tolerance: float) -> float:
        """Largest step of u' = u whose estimate is at most the tolerance times the change, to first order."""
        return float((tolerance / self.error_constant) ** (1.0 / self.error_order))


STRONG_STABILITY = (Cited("GottliebShuTadmor2001", "explicit Runge-Kutta steps that keep the density nonnegative"),)

EULER = RungeKutta("euler", 1, ((0.0, 1.0),), 1.0, (0.5, -1.0, 0.5), 1 / 2, looks_ahead=True)
SSPRK2 = RungeKutta("ssprk2", 2, ((0.0, 1.0), (1 / 2, 1 / 2)), 1.0, (0.0, -1.0, 1.0), 1 / 2, cites=STRONG_STABILITY)
SSPRK3 = RungeKutta(
    "ssprk3",
    3,
    ((0.0, 1.0), (3 / 4, 1 / 4), (1.0 - 2 / 3, 2 / 3)),
    1.0,
    (1.0, -2.0, 1.0),
    1 / 6,
    cites=STRONG_STABILITY,
)
SSPRK43 = RungeKutta(
    "ssprk43",
    3,
    ((0.0, 1.0), (0.0, 1.0), (2 / 3, 1.0 - 2 / 3), (0.0, 1.0)),
    0.5,
    (0.5, -1.0, 0.5),
    1 / 24,
    cites=STRONG_STABILITY,
)

METHODS = Registry("stepper =", {method.name: method for method in (EULER, SSPRK2, SSPRK3, SSPRK43)})


def find_method(name: str) -> RungeKutta:
    """Look up a time-stepping method; raises InputError if there is none of that name."""
    return METHODS[name]


def step_factors(domain: Domain, method: RungeKutta) -> tuple[float, float]:
    """Factors of the bounds P and E with which the error in time stays below that of fifth order in space.

    The bound P is proportional to the width h of a cell and the bound E does not depend on it; with the factors both
    fall like h^(5/3), so that the third order in time is fifth order in h. The error of a step z of ssprk43 is z^4/48,
    that of ssprk3 z^4/24: of the twofold steps that its bounds allow it takes those with the same error in the end.

    Returns
    -------
    tuple of float
        At most 1 each.
    """
    cells = max(whole_of(domain).base.shape)
    lowest, highest = DECAY_RANGE
    decay = (DECAY_CELLS / cells) ** (5.0 / 3.0)
    alike = method.stage_step ** (2.0 / 3.0)
    transport = min(1.0, (TRANSPORT_CELLS / cells) ** (2.0 / 3.0))
    return alike * transport, alike * min(max(decay, lowest), highest)
