"""Options of variational steps."""

from __future__ import annotations

from dataclasses import dataclass

from wgflow.errors import InputError
from wgflow.flows.planned_steps import StepError as StepError  # what callers of variational steps catch
from wgflow.flows.planned_steps import StepPlan


@dataclass(frozen=True)
class JkoOptions:
    """Options of variational steps.

    Parameters
    ----------
    tau : float
        Size of the steps at time 0, positive.
    growth : float
        Steps grow with time t to ``tau + growth t``. It depends on the time alone, so that a run can be resumed.
    order : int
        1 for the variational step itself; 2 for half a step, extrapolated along its geodesics.
    halve : bool
        Whether a step that is not found, or raises F, is halved; else it is an error.
    tolerance : float
        Largest duality gap of a step, relative to R before it.
    iterations : int
        Largest number of Newton iterations of a step.
    adapt : bool
        Whether steps also double beyond tau, as long as Newton's method needs few iterations.

    Raises
    ------
    InputError
        If an option is not allowed.

    Examples
    --------
    >>> options = wgflow.JkoOptions(tau=0.1, order=2)
    >>> start = wgflow.Particles([[1.0, 0.5], [-0.5, 1.0]], [0.5, 0.5])
    >>> flow = wgflow.JkoFlow(wgflow.Quadratic(np.eye(2)), start, options=options)
    >>> flow.begin_interval(1.0)
    >>> flow.step()
    >>> flow.time
    0.1
    """

    tau: float
    growth: float = 0.0
    order: int = 1
    halve: bool = True
    tolerance: float = 1e-13
    iterations: int = 20
    adapt: bool = False

    def __post_init__(self) -> None:
        self.plan  # noqa: B018 - checks tau and growth
        if self.order not in (1, 2):
            raise InputError(f"order = {self.order!r} is not allowed; choose 1 or 2")
        if not 0.0 < self.tolerance < 1.0:
            raise InputError(f"tolerance = {self.tolerance!r} is not allowed; give a number between 0 and 1")

    @property
    def plan(self) -> StepPlan:
        """How large the steps are to be."""
        return StepPlan(self.tau, self.growth, self.halve, self.adapt)
