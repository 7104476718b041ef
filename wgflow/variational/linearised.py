r"""The flow by linearised variational steps of a density on any mesh, with diffusion and for all energies.

Each step minimises :math:`F(\rho)` plus the squared distance to the density before it, whose metric is taken at the end
of the step (`wgflow.upwind.step_equations`),

.. math:: \rho^{n+1} \in \arg\min_\rho F(\rho) + \frac\tau2 \sup_\phi \Big\{ 2 \int \frac{\rho^n - \rho}{\tau} \phi
          - \int (\alpha |\nabla\phi|^2 + \beta \phi^2)\, d\rho \Big\},

so that F falls by at least the cost of the step whatever its size, if F is convex. Errors are of first order in tau
and in the width of the cells: the scheme is made for robustness.

References
----------
Cances, Gallouet and Todeschi (2020), A variational finite volume scheme for Wasserstein gradient flows, Numer. Math.
146.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.flows.checks import check_factor
from wgflow.flows.evolution import Checkpoint, StepCounts, numbers
from wgflow.flows.grid_state import GridState, energy_rises
from wgflow.flows.planned_steps import PlannedSteps, StepError
from wgflow.functionals import Functional
from wgflow.typing import FloatArray
from wgflow.upwind.step_equations import StepEquations, UpwindMesh
from wgflow.variational.newton_step import LinearisedStep, NewtonStep
from wgflow.variational.options import JkoOptions

LEAST_SHARE = 1e-100  # of the largest density, which vacuum gets before each step so that no cell is ever empty


class _EvaluatedDensity(NamedTuple):
    """A density (N,) and its F."""

    density: FloatArray
    energy: float


class LinearisedJkoFlow(GridState):
    """A density that moves by linearised variational steps: positive, mass-exact without reaction, F never rises.

    Parameters
    ----------
    functional : Functional
        Any functional that lives on the domain, or a sum of them.
    domain : Domain
        Circle, box or sphere, also signed.
    density : array, shape ``domain.shape``
        Density at ``time``.
    options : JkoOptions
        Size of the steps. They are of first order; the square root of ``tolerance`` bounds the last correction of
        Newton's method, in L1 over the mass, whose error is about the square of that.
    transport, reaction, time : float
        The factors alpha and beta, the domain's own by default, and the time at the start.

    Raises
    ------
    InputError
        If an argument is not allowed, or the order of the steps is not 1.

    Examples
    --------
    >>> options = wgflow.JkoOptions(tau=0.5)
    >>> flow = wgflow.LinearisedJkoFlow(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), options=options)
    >>> before = flow.energy
    >>> flow.begin_interval(1.0)
    >>> flow.step()
    >>> flow.time, bool(flow.energy < before)
    (0.5, True)
    """

    def __init__(
        self,
        functional: Functional,
        domain: Domain,
        density: FloatArray,
        *,
        options: JkoOptions,
        transport: float = 1.0,
        reaction: float | None = None,
        time: float = 0.0,
    ) -> None:
        factor = domain.reaction if reaction is None else reaction
        check_factor("transport", transport)
        check_factor("reaction", factor)
        if options.order != 1:
            raise InputError("linearised variational steps are of first order; give order = 1")
        super().__init__(functional, domain, density, time)
        self._options, self._mesh = options, UpwindMesh.of(domain, transport, factor)
        self.last: LinearisedStep | None = None
        self._current = _EvaluatedDensity(self._density, self.energy)
        self._control = PlannedSteps(options.plan, time, self._current)

    def begin_interval(self, end: float) -> None:
        """Aim at ``end``."""
        self._control.end = end

    def checkpoint(self) -> Checkpoint:
        """Copy the density, the aim, how often steps are halved, and where the next one begins if not here."""
        control = self._control.checkpoint(self._current, lambda base: {"density": base.density.copy()})
        share = self._concentration.share
        shown = numbers(time=self.time, step_size=self.step_size, largest_share=share)
        return {"density": self.density.copy(), **shown, **control}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self._control.restore(checkpoint, self._current, lambda aside: self._evaluated(np.array(aside["density"])))
        self._concentration.share = float(checkpoint["largest_share"])
        self.step_size, self.counts = float(checkpoint["step_size"]), StepCounts()

    def step(self) -> None:
        """Advance by one step.

        Raises
        ------
        StepError
            If there is no step, or none of the wanted size where steps are not halved; the state is kept.
        """
        time, self._current = self._control.take(self._advanced, self.counts)
        self._accept(*self._current, time - self.time, time)

    def _evaluated(self, density: FloatArray) -> _EvaluatedDensity:
        return _EvaluatedDensity(density, self._functional.value(density.reshape(self._domain.shape)))

    def _advanced(self, start: _EvaluatedDensity, size: float) -> tuple[_EvaluatedDensity, int]:
        """Do a step that does not raise F."""
        positive = np.maximum(start.density, LEAST_SHARE * start.density.max())
        newton = NewtonStep(
            self._functional,
            StepEquations(self._mesh, positive, size),
            tolerance=math.sqrt(self._options.tolerance),
            iterations=self._options.iterations,
        )
        found = newton.solve()
        energy = self._evaluate(found.density)
        if energy_rises(self._functional, found.density.reshape(self._domain.shape), energy, start.energy):
            raise StepError(f"a step of {size:g} from t = {self._control.time:g} raises F; choose a smaller tau")
        self.last = found
        self.counts.evaluations += found.iterations
        return _EvaluatedDensity(found.density, energy), found.iterations
