r"""Newton's method for a linearised variational step: linear systems, and the step itself.

The unknowns are the density and the potential phi of `wgflow.upwind.step_equations`. The derivative of J is the
diagonal U'' of internal energies plus H, that of all other terms (of few columns for features, convolutions for
kernels), of which only products are ever formed. With U'' the density is eliminated,

.. math:: (C + B\,(m U'')^{-1} B^T)\, d\phi = ..., \qquad m U''\, d\rho = B^T d\phi + ...,

which is sparse, symmetric and positive definite; without U'' two substitutions in the order of phi solve the rest. H is
added by a Krylov method for :math:`(1 + G H)\, d\rho = d\rho_0`, G the response of the density to a potential: at most
as many products as H has columns, plus one.

Without U'' the unknown is J at the end of the step, to which phi and then the density belong exactly: Newton's method
for phi itself halves its slopes again and again where they are steep, one iteration after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from wgflow.flows.factorisation import factorise
from wgflow.flows.planned_steps import StepError
from wgflow.functionals import GridFunctional
from wgflow.typing import FloatArray
from wgflow.upwind.step_equations import StepEquations, Upwind

LEAST_CURVATURE = 1e-12  # U'' over its largest value at a cell with mass; a smaller one has no say in the step
LEAST_SHARES = (1e-6, 0.1)  # density over its mean from which Newton's method begins where logarithms are steep
LEAST_DENSITY = 1e-60  # over the mean, in the iteration
STEEPEST_FALL = 20.0  # logarithm of the largest fall of a density in one iteration
KRYLOV_TOLERANCE, KRYLOV_SPACE, KRYLOV_RESTARTS = 1e-8, 100, 3
SUFFICIENT, MAX_HALVINGS, MAX_STARTS = 1e-4, 30, 12
LEAST_FALL = 1e-3  # of what divides the density at reactions, in one iteration
ROUND_OFF = 1e-14

Solver = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
Improvement = Callable[[Upwind, FloatArray], tuple[Upwind, FloatArray] | None]


@dataclass(frozen=True)
class LinearisedStep:
    """The result of a step.

    Parameters
    ----------
    density, potential : arrays, shape (N,)
        The density, and the potential phi that moved it.
    iterations : int
        Newton iterations.
    products : int
        Products with the Hessian of the nonlocal terms.
    """

    density: FloatArray
    potential: FloatArray
    iterations: int
    products: int


def ordered_solver(upwind: Upwind, density: FloatArray) -> Solver:
    """Give the solver of ``B d rho + C d phi = first``, ``-B^T d phi = second``."""
    matrix = upwind.matrix(*upwind.mobility(density))

    def solve(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
        phi = upwind.carried_back(-second)
        return upwind.carried(first - matrix @ phi), phi

    return solve


def eliminated_solver(upwind: Upwind, density: FloatArray, curvature: FloatArray) -> Solver:
    """Give the solver of ``B d rho + C d phi = first``, ``m U'' d rho - B^T d phi = second`` for U'' > 0."""
    from scipy.sparse import csc_array, diags_array

    inverse = 1.0 / (upwind.equations.mesh.volumes * curvature)
    carry = upwind.matrix(upwind.diagonal, upwind.inward)
    matrix = upwind.matrix(*upwind.mobility(density)) + carry @ diags_array(inverse) @ carry.T
    factor = factorise(csc_array(matrix), definite=True)

    def solve(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
        phi = factor.solve(first - carry @ (inverse * second))
        return inverse * (carry.T @ phi + second), phi

    return solve


class NewtonStep:
    """Newton's method for one step.

    Parameters
    ----------
    functional : GridFunctional
        F, bound to the mesh of the equations.
    equations : StepEquations
        The step.
    tolerance : float
        L1 norm of the last correction over the mass.
    iterations : int
        Largest number of iterations.
    """

    def __init__(
        self, functional: GridFunctional, equations: StepEquations, *, tolerance: float, iterations: int
    ) -> None:
        self._functional, self._equations = functional, equations
        self._tolerance, self._iterations = tolerance, iterations
        self._volumes = equations.mesh.volumes
        self._masses = self._volumes * equations.before
        self._mean = float(self._masses.sum() / self._volumes.sum())
        self._potential = np.empty(functional.domain.shape)
        self._rate = equations.tau * equations.mesh.reaction
        self._products = 0

    def solve(self) -> LinearisedStep:
        """Find the step.

        Raises
        ------
        StepError
            If Newton's method did not arrive.
        """
        for improve, upwind, density in self._attempts():
            found = self._iterate(improve, upwind, density)
            if found is not None:
                return found
        raise StepError(f"a step of {self._equations.tau:g} was not found by Newton's method; choose a smaller tau")

    def _attempts(self) -> Iterator[tuple[Improvement, Upwind, FloatArray]]:
        """Ways to iterate and where to begin: the second one with more density where there is little."""
        density = self._equations.before
        self._evaluate(density)
        if not self._functional.local_curvature().any():
            yield self._potential_alone, self._start(), density
            return
        for share in LEAST_SHARES:
            lifted = np.maximum(density, share * self._mean)
            self._evaluate(lifted)
            yield self._both, self._equations.at(self._equations.guess(self._potential.ravel())), lifted

    def _iterate(self, improve: Improvement, upwind: Upwind, density: FloatArray) -> LinearisedStep | None:
        """Improve potential and density until they no longer change; None if they go on to."""
        for count in range(1, self._iterations + 1):
            found = improve(upwind, density)
            if found is None:
                return None
            upwind, after = found
            carried = upwind.carried(self._masses)
            # Small corrections alone prove nothing where U'' is huge: the potential has to carry this density.
            size = float(self._volumes @ (np.abs(after - density) + np.abs(carried - after)))
            density = after
            if size <= self._tolerance * float(self._masses.sum()):
                return LinearisedStep(carried, upwind.phi, count, self._products)
        return None

    def _start(self) -> Upwind:
        """Potential to begin with: for J before the step, or a fraction of it, as long as the smaller one is better."""
        potential = self._potential.ravel().copy()
        best = self._equations.at(self._equations.guess(potential))
        least = self._value(best)
        for number in range(1, MAX_STARTS):
            trial = self._equations.at(self._equations.guess(0.25**number * potential))
            value = self._value(trial)
            if value >= least:
                break
            best, least = trial, value
        return best

    def _value(self, upwind: Upwind) -> float:
        """F of the density that a potential carries, with the cost of the step."""
        density = upwind.carried(self._masses)
        return self._evaluate(density) + upwind.action(density)

    def _evaluate(self, density: FloatArray) -> float:
        return self._functional.evaluate(density.reshape(self._potential.shape), self._potential)

    def _both(self, upwind: Upwind, density: FloatArray) -> tuple[Upwind, FloatArray] | None:
        """Improve density and potential by a Newton step of both."""
        self._evaluate(density)
        curvature = self._functional.local_curvature()
        curvature = np.maximum(curvature, LEAST_CURVATURE * curvature[density > 0.0].max())
        second = self._volumes * (upwind.level() - self._potential.ravel())
        try:
            solver = eliminated_solver(upwind, density, curvature)
        except RuntimeError:  # an exactly singular matrix, far from the solution
            return None
        change, direction = self._with_all_terms(solver, -upwind.balance(density), second)
        length = self._admissible(1.0 + self._rate * upwind.phi, self._rate * direction)
        if length == 0.0:
            return None
        # Newton's method for the logarithm where the density falls, which keeps it positive.
        share = np.maximum(length * change / density, -STEEPEST_FALL)
        after = np.where(share < 0.0, density * np.exp(np.minimum(share, 0.0)), density + length * change)
        return self._equations.at(upwind.phi + length * direction), np.maximum(after, LEAST_DENSITY * self._mean)

    def _potential_alone(self, upwind: Upwind, density: FloatArray) -> tuple[Upwind, FloatArray] | None:
        """Improve J of the step by a Newton step, as long as F plus the cost falls; phi and rho follow from it."""
        density = upwind.carried(self._masses)
        value = self._evaluate(density) + upwind.action(density)
        second = self._volumes * (upwind.level() - self._potential.ravel())
        solver = ordered_solver(upwind, density)
        change, direction = self._with_all_terms(solver, np.zeros_like(density), second)
        slope = -float(second @ change)
        scale = ROUND_OFF * self._functional.scale(density.reshape(self._potential.shape))
        level, rise = upwind.level(), upwind.level_slope(direction)
        length = self._admissible(1.0 + 2.0 * self._rate * level, 2.0 * self._rate * rise)
        for _ in range(MAX_HALVINGS):
            trial = self._equations.at(self._equations.solved(level + length * rise))
            after = trial.carried(self._masses)
            if self._evaluate(after) + trial.action(after) <= value + SUFFICIENT * length * slope + scale:
                return trial, after
            length *= 0.5
        return None

    def _admissible(self, share: FloatArray, change: FloatArray) -> float:
        """Largest part of a change, by halving, after which cells keep a share of their mass; 0 without any."""
        if not np.isfinite(change).all():
            return 0.0
        least = LEAST_FALL * float(share.min())
        for number in range(MAX_HALVINGS):
            length = 0.5**number
            if float((share + length * change).min()) >= least:
                return length
        return 0.0

    def _with_all_terms(self, solver: Solver, first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Solve for the changes of density and potential, with the Hessian of the nonlocal terms."""
        from scipy.sparse.linalg import LinearOperator, gmres

        alone = solver(first, second)
        zero, count = np.zeros_like(first), first.size
        if not self._curved(alone[0]).any():
            return alone

        def apply(rate: FloatArray) -> FloatArray:
            return rate - solver(zero, -self._volumes * self._curved(rate))[0]

        operator = LinearOperator((count, count), apply, dtype=np.float64)
        space = min(KRYLOV_SPACE, count)
        change, _ = gmres(operator, alone[0], rtol=KRYLOV_TOLERANCE, atol=0.0, restart=space, maxiter=KRYLOV_RESTARTS)
        return solver(first, second - self._volumes * self._curved(change))

    def _curved(self, rate: FloatArray) -> FloatArray:
        """Change of the nonlocal part of J along a rate, shape (N,)."""
        change = np.empty_like(self._potential)
        self._functional.nonlocal_hessian(np.ascontiguousarray(rate).reshape(change.shape), change)
        self._products += 1
        return change.ravel()
