r"""The flow by its definition: each step minimises F plus the squared distance to the state before it.

.. math:: \mu^{n+1} \in \arg\min_\mu\; F(\mu) + \frac{1}{2\tau} W^2(\mu, \mu^n)

for :math:`F = R(\int \Psi d\mu) + \lambda |\mu|`: stable for steps of any size, and F never rises. Particles are not
tied to a grid: those of the exact step are moved by the proximal map and change their mass with the reaction.

References
----------
Jordan, Kinderlehrer and Otto, "The variational formulation of the Fokker-Planck equation" (1998); Gallouet and
Monsaingeon, "A JKO splitting scheme for Kantorovich-Fisher-Rao gradient flows" (2017).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain, HalfCircle, HalfSphere, Hypersphere, Space, Sphere
from wgflow.domains.geometry import UnitSphere
from wgflow.errors import InputError
from wgflow.flows.evolution import Checkpoint, StepCounts, numbers
from wgflow.flows.particle_state import ParticleState
from wgflow.flows.planned_steps import PlannedSteps, StepError
from wgflow.functionals import Features, Functional, Mass, ParticlePotential, terms_of
from wgflow.measures import Particles
from wgflow.measures.placement import check_directions, check_particles
from wgflow.typing import FloatArray
from wgflow.variational.cost import StepCost
from wgflow.variational.dual import DualProblem
from wgflow.variational.geodesics import Geodesics, GreatCircles, StraightLines
from wgflow.variational.options import JkoOptions
from wgflow.variational.particle_step import DualStep, solve_step
from wgflow.variational.proximal import ProximalProblem

ROUND_OFF = 1e-13
MAX_CANDIDATES = 256
# What earlier versions look for in a checkpoint of particles: J is known, and no samples and no range of F are kept.
NOTHING_WATCHED = numbers(sampled_energy=np.nan, potential_known=True, highest_energy=-np.inf, lowest_energy=np.inf)


class _EvaluatedParticles(NamedTuple):
    """A state, with its energy, potential and gradient."""

    state: FloatArray
    found: ParticlePotential


class JkoFlow(ParticleState):
    """Particles in R^p that move by variational steps.

    Parameters
    ----------
    functional : Features, or its sum with Mass
        The functional F = R(int Psi dmu) + lambda |mu|. Features need second derivatives: ReLU on data therefore
        rounded kinks (`Relu` with a smoothing), the more the larger the steps.
    particles : Particles
        Start.
    options : JkoOptions
        Size and order of the steps.
    candidates : array, shape (M, p), optional
        Places where a lower minimum is looked for, so that each step is the global minimum up to their spacing.
    **state
        ``points``, ``growth``, ``transport``, ``reaction`` and ``time`` of `wgflow.flows.particle_state.ParticleState`.

    Raises
    ------
    InputError
        If the functional is of another form, or an argument is not allowed.

    Examples
    --------
    >>> start = wgflow.Particles([[1.0, 0.5], [-0.5, 1.0]], [0.5, 0.5])
    >>> flow = wgflow.JkoFlow(wgflow.Quadratic(np.eye(2)), start, options=wgflow.JkoOptions(tau=0.5))
    >>> before = flow.energy
    >>> flow.begin_interval(1.0)
    >>> flow.step()
    >>> flow.time, bool(flow.energy < before)
    (0.5, True)
    """

    geodesics: Geodesics = StraightLines()

    def __init__(
        self,
        functional: Functional,
        particles: Particles,
        *,
        options: JkoOptions,
        candidates: FloatArray | None = None,
        **state: Any,
    ) -> None:
        super().__init__(functional, particles, **state)
        if not self._transport > 0.0:
            raise InputError(f"transport = {self._transport:g} is not allowed for variational steps; give it positive")
        self._features, self._strength = split_functional(functional)
        self._options, self._current = options, self._evaluated(self._state)
        self._control = PlannedSteps(options.plan, self.time, self._current)
        self._candidates = np.empty((0, self.components)) if candidates is None else candidates
        self.last: DualStep | None = None

    def begin_interval(self, end: float) -> None:
        """Aim at ``end``."""
        self._control.end = end

    def checkpoint(self) -> Checkpoint:
        """Copy positions, growth, the aim, how often steps are halved, and where the next one begins if not here."""
        control = self._control.checkpoint(self._current, lambda base: {"state": base.state.copy()})
        aim = numbers(time=self.time, end=self._control.end, step_size=self.step_size)
        return {**self._moved(), **aim, **NOTHING_WATCHED, **control}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self._control.restore(checkpoint, self._current, lambda aside: self._evaluated(aside["state"]))
        self.step_size, self.counts = float(checkpoint["step_size"]), StepCounts()

    def step(self) -> None:
        """Advance by one step.

        Raises
        ------
        StepError
            If there is no step, or none of the wanted size where steps are not halved; the state is kept.
        """
        time, self._current = self._control.take(self._advanced, self.counts)
        self._state, self._found = self._current
        self.time, self.step_size = time, time - self.time
        self.counts.accepted += 1

    def advanced(self, size: float) -> tuple[Particles, int]:
        """Particles after a step of some size, which is not kept, and its number of iterations.

        Raises
        ------
        StepError
            If there is no such step.
        """
        moved, iterations = self._advanced(self._current, size)
        return self._particles(moved.state), iterations

    def _evaluated(self, state: FloatArray) -> _EvaluatedParticles:
        return _EvaluatedParticles(state, self.potential_at(state))

    def _advanced(self, start: _EvaluatedParticles, size: float) -> tuple[_EvaluatedParticles, int]:
        """Do a step that does not raise F."""
        points, growth = self._unpack(start.state)
        part = size if self._options.order == 1 else 0.5 * size
        found = self._solve(points, growth, part)
        moved, factor = found.points, found.growth
        if self._options.order == 2:
            distance = self.geodesics.separation(points, moved)[0]
            far, factor = StepCost(part, self._transport, self._reaction).extrapolate(distance, factor)
            moved = self.geodesics.travel(points, moved, far)
        state = np.concatenate([moved.ravel(), growth + factor])
        after, before = self._evaluated(state), start.found.energy
        scale = (
            self._risk_at_zero
            + abs(before)
            + float(self._start.weights * np.exp(growth) @ np.abs(after.found.potential))
        )
        if not after.found.energy <= before + ROUND_OFF * scale:
            raise StepError(f"a step of {size:g} from t = {self._control.time:g} raises F; choose a smaller tau")
        self.last = found
        return after, found.iterations

    def _solve(self, points: FloatArray, growth: FloatArray, size: float) -> DualStep:
        proximal = ProximalProblem(
            self._features.fn,
            self.geodesics,
            StepCost(size, self._transport, self._reaction),
            points,
            self._start.signs,
            self._strength,
            self._candidates,
        )
        weights = self._start.weights * np.exp(growth)
        problem = DualProblem(self._features, proximal, weights)
        return solve_step(problem, tolerance=self._options.tolerance, iterations=self._options.iterations)

    @property
    def _risk_at_zero(self) -> float:
        """R of no mass at all."""
        return abs(self._features.risk.evaluate(np.zeros_like(self._features.targets), self._features.targets)[0])


class PolarJkoFlow(JkoFlow):
    """Particles on the unit sphere that move and change their mass by variational steps; see `JkoFlow`."""

    geodesics = GreatCircles()

    def __init__(self, functional: Functional, particles: Particles, *, reaction: float = 4.0, **options: Any) -> None:
        check_directions(check_particles(particles).points)
        sphere = UnitSphere(particles.points.shape[1])
        super().__init__(functional, particles, reaction=reaction, geometry=sphere, **options)


PARTICLE_STEPS = DomainTable[type[JkoFlow]](
    "a variational step of particles",
    {
        Box: JkoFlow,
        Space: JkoFlow,
        Circle: PolarJkoFlow,
        Sphere: PolarJkoFlow,
        HalfCircle: PolarJkoFlow,
        HalfSphere: PolarJkoFlow,
        Hypersphere: PolarJkoFlow,
    },
)


def split_functional(functional: Functional) -> tuple[Features, float]:
    """Give the features and the regularisation lambda of a functional.

    Raises
    ------
    InputError
        If it is no sum of one `Features` and at most one `Mass`.
    """
    terms = [*terms_of(functional)]
    features = [term for term in terms if isinstance(term, Features)]
    strength = sum(term.strength for term in terms if isinstance(term, Mass))
    if len(features) != 1 or any(not isinstance(term, Features | Mass) for term in terms):
        names = " + ".join(type(term).__name__ for term in terms)
        raise InputError(
            f"variational steps need F = R(int Psi dmu) + lambda |mu|: Features, or Features + Mass; found {names}. "
            "For a teacher with two inputs harmonic_population gives its risk by Fourier modes"
        )
    return features[0], strength


def make_jko_flow(
    functional: Functional, particles: Particles, domain: Domain, options: JkoOptions, **state: Any
) -> JkoFlow:
    """Variational steps of particles on a domain: in R^p on boxes and in space, else on the unit sphere.

    Parameters
    ----------
    functional, particles, options, **state
        See `JkoFlow`.
    domain : Domain
        Where the particles live; some of its points, if it has any, are the candidates.

    Raises
    ------
    InputError
        As `JkoFlow` does.

    Examples
    --------
    >>> circle, start = wgflow.Circle(16), wgflow.Particles([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5])
    >>> flow = wgflow.make_jko_flow(wgflow.Quadratic(np.eye(2)), start, circle, wgflow.JkoOptions(tau=0.5))
    >>> flow.begin_interval(1.0)
    >>> flow.step()
    >>> flow.particles.weights.round(4)  # on their way to 1
    array([0.7937, 0.7937])
    """
    points = domain.base.points.reshape(-1, domain.base.points.shape[-1])
    candidates = points[:: max(1, -(-len(points) // MAX_CANDIDATES))]
    return PARTICLE_STEPS.on(domain)(functional, particles, options=options, candidates=candidates, **state)
