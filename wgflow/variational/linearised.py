r"""The flow by linearised variational steps of a density on any mesh, with diffusion and for all energies.

Each step minimises :math:`F(\rho)` plus the squared distance to the density before it, whose metric is taken at the end
of the step (`wgflow.variational.upwind`),

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

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.functionals import Functional
from wgflow.schemes.evolution import Checkpoint, StepCounts, numbers
from wgflow.schemes.explicit import check_factor
from wgflow.schemes.implicit_state import ImplicitState
from wgflow.typing import FloatArray
from wgflow.variational.control import JkoOptions, StepControl, StepError
from wgflow.variational.saddle import LinearisedStep, NewtonStep
from wgflow.variational.upwind import StepEquations, UpwindMesh

LEAST_SHARE = 1e-100  # of the largest density, which vacuum gets before each step so that no cell is ever empty


class LinearisedJkoFlow(ImplicitState):
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
        self.begin_interval(time)

    def begin_interval(self, end: float) -> None:
        """Forget halved steps, and aim at ``end``."""
        self._control = StepControl(self._options, end)

    def checkpoint(self) -> Checkpoint:
        """Copy the density, the aim, and how often steps are halved."""
        return {
            "density": self.density.copy(),
            **numbers(
                time=self.time,
                end=self._control.end,
                step_size=self.step_size,
                halvings=self._control.halvings,
                largest_share=self._concentration.share,
            ),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on within the interval of a checkpoint."""
        self._control = StepControl(self._options, float(checkpoint["end"]))
        self._control.halvings, self.step_size = int(checkpoint["halvings"]), float(checkpoint["step_size"])
        self._concentration.share = float(checkpoint["largest_share"])
        self.counts = StepCounts()

    def step(self) -> None:
        """Advance by one step.

        Raises
        ------
        StepError
            If there is no step, or none of the wanted size where steps are not halved; the state is kept.
        """
        self._control.take(self._advance_by, self.time, self.counts)

    def _advance_by(self, size: float) -> None:
        """Do a step and keep it if F does not rise."""
        positive = np.maximum(self._density, LEAST_SHARE * self._density.max())
        newton = NewtonStep(
            self._functional,
            StepEquations(self._mesh, positive, size),
            tolerance=math.sqrt(self._options.tolerance),
            iterations=self._options.iterations,
        )
        found = newton.solve()
        energy = self._evaluate(found.density)
        if self._rises(energy):
            raise StepError(f"a step of {size:g} from t = {self.time:g} raises F; choose a smaller tau")
        self.last = found
        self.counts.evaluations += found.iterations
        self._control.accept(found.iterations)
        self._accept(found.density, energy, size, self._control.end)
