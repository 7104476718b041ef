"""Theorem 3 of Bach and Chizat (2022): flows that start everywhere end at global minimisers, and others need not.

Random problems with smooth features on circle and sphere, square and logistic loss, with regularisation. The sphere
equation d_t nu = div(nu grad J) - 4 J nu from the uniform measure must end with a certified gap below 1e-4 of F at the
start (3e-4 on the coarse sphere of quick runs), J >= 0 everywhere and J = 0 on the support up to small numbers, and
at the value of the convex optimum, which Frank-Wolfe finds without any flow. Then starts without full support and
networks of few neurons that come to rest at worse values: there J is negative somewhere, which proves that they are not
optimal. Problems are solved side by side on dask workers of one thread each, in quick runs in this process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wgflow import (
    Certificate,
    Circle,
    Features,
    Mass,
    Optimum,
    Particles,
    Sphere,
    Trajectory,
    certify_trajectory,
    find_optimum,
    simulate,
    solve,
)
from wgflow.app.validation import Row, Setting, at_least, between, within
from wgflow.functionals import Functional
from wgflow.plotting import save_figure
from wgflow.plotting.style import BLUE, GREY, VERMILLION, styled_figure
from wgflow.typing import FloatArray

from ._processes import dask_workers

PROBLEMS = {False: (14, 6), True: (2, 1)}  # on the circle and on the sphere: in full, quick
CELLS = {False: {2: 256, 3: 40962}, True: {2: 256, 3: 2562}}  # by the number of components
T_END = {2: 2000.0, 3: 1200.0}
REACTION = 4.0
GAP = {False: 1e-4, True: 3e-4}  # of F at the start; on the sphere cells limit it, like their squared width, and time
NEGATIVE, RESIDUAL = 0.01, 0.05  # largest -min J, and |J| on the support, over lambda
SLACK = 1e-10  # of F at the start, by which rounded bounds may miss
BEST = 1e-4  # of F at the start, by which particles that start everywhere miss the optimum at most
STUCK = 0.01  # of F at the start, by which the counter-examples miss the optimum at least
BELOW = 1e-3  # of zero, that J is somewhere, which proves it


@dataclass(frozen=True)
class Bumps:
    """Features exp(k (c_i . x - 1)) around points c_i of circle or sphere."""

    centres: FloatArray
    sharpness: float

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, n)."""
        return np.exp(self.sharpness * (points @ self.centres.T - 1.0))

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of the combination, shape (N, p)."""
        return self.sharpness * (self(points) * coefficients) @ self.centres


def draw_directions(count: int, components: int, generator: np.random.Generator) -> FloatArray:
    """Unit vectors, uniform on the sphere."""
    points = generator.standard_normal((count, components))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@dataclass(frozen=True)
class Case:
    """A random problem."""

    domain: Circle | Sphere
    loss: str
    strength: float
    functional: Functional


def draw_case(components: int, cells: int, seed: int) -> Case:
    """Noisy values of three bumps of positive weights at random places, or labels from them."""
    generator = np.random.default_rng([components, seed])
    bumps = Bumps(draw_directions(16 * (components - 1), components, generator), 3.0)
    spikes, weights = draw_directions(3, components, generator), generator.uniform(0.5, 1.5, 3)
    values = weights @ bumps(spikes)
    values += 0.05 * values.std() * generator.standard_normal(values.size)
    loss = "logistic" if seed % 4 == 3 else "square"
    targets = values if loss == "square" else np.where(values > np.median(values), 1.0, -1.0)
    strength, domain = 0.02, Circle(cells) if components == 2 else Sphere(cells)
    return Case(domain, loss, strength, Features(bumps, targets, loss) + Mass(strength))


@dataclass(frozen=True)
class Outcome:
    """What the flow of a case did, and the optimum that no flow was needed for."""

    case: Case
    trajectory: Trajectory
    certificates: list[Certificate]
    optimum: Optimum

    @property
    def scale(self) -> float:
        """F at the start."""
        return float(self.trajectory.energy[0])

    @property
    def excess(self) -> float:
        """F at the end less the optimum."""
        return self.certificates[-1].value - self.optimum.value

    def rows(self, what: str, largest: float) -> Iterator[Row]:
        """Whether the flow ended at a global minimiser, by certificate (with the largest gap) and optimum."""
        last, strength = self.certificates[-1], self.case.strength
        gap, atoms = last.gap / self.scale, self.optimum.measure.weights.size
        yield within(f"{what}: certified gap over F(0)", gap, largest).quote()
        beside = f"optimum {self.optimum.value:.6f} of {atoms} atoms"
        yield between(f"{what}: F less the optimum over F(0)", self.excess / self.scale, -SLACK, gap + SLACK, beside)
        yield at_least(f"{what}: least J over lambda", last.min_potential / strength, -NEGATIVE)
        yield within(f"{what}: |J| on the support over lambda", last.support_residual / strength, RESIDUAL)


def follow(case: Case) -> Outcome:
    """Solve the sphere equation from the uniform measure of mass 1/2."""
    domain, t_end = case.domain, T_END[case.domain.points.shape[-1]]
    density = np.full(domain.shape, 0.5 / domain.volumes.sum())
    times = np.geomspace(1.0, t_end, 10)
    trajectory = solve(case.functional, domain, density, t_end, reaction=REACTION, times=times)
    certificates = certify_trajectory(trajectory, range(len(trajectory.time)))
    return Outcome(case, trajectory, certificates, find_optimum(case.functional, domain, tolerance=1e-10))


SPIKES = np.array([0.5, 2.5, 4.5])
EVERYWHERE = "400 particles that start everywhere"
STARTS: dict[str, FloatArray] = {
    EVERYWHERE: np.linspace(0.0, 2.0 * np.pi, 400, endpoint=False),
    "400 that start around one of three spikes": np.linspace(0.2, 0.8, 400),
    "2 particles": np.array([0.0, 2.0]),
}


def on_circle(angles: FloatArray) -> FloatArray:
    """Unit vectors at angles."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def counter_examples() -> Iterator[Row]:
    """Particles from three starts, for sharp bumps: only those that start everywhere reach the optimum."""
    bumps = Bumps(on_circle(np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)), 20.0)
    functional = Features(bumps, np.array([1.0, 0.8, 0.9]) @ bumps(on_circle(SPIKES))) + Mass(0.002)
    domain = Circle(64)
    optimum = find_optimum(functional, domain)
    for what, angles in STARTS.items():
        points = on_circle(angles)
        particles = Particles(points, np.full(len(points), 0.5 / len(points)), np.ones(len(points)))
        trajectory = simulate(
            functional, particles, 2000.0, domain=domain, reaction=REACTION, tolerance=1e-8, times=[2000.0]
        )
        scale = float(trajectory.energy[0])
        excess, last = (float(trajectory.energy[-1]) - optimum.value) / scale, certify_trajectory(trajectory)[0]
        yield from rows_of_start(what, excess, last)


def rows_of_start(what: str, excess: float, last: Certificate) -> Iterator[Row]:
    """Whether particles end at the optimum, or J < 0 shows that they do not."""
    if what == EVERYWHERE:
        yield within(f"{what}: F less the optimum over F(0)", excess, BEST)
    else:
        angle = float(np.mod(np.arctan2(last.where[1], last.where[0]), 2.0 * np.pi))
        yield at_least(f"{what}: F less the optimum over F(0)", excess, STUCK)
        yield at_least(f"{what}: how far J is below 0", -last.min_potential, BELOW, f"at the angle {angle:.2f}")
    yield at_least(f"{what}: F less its lower bound", last.value - last.lower_bound, 0.0)


def draw(outcomes: list[Outcome], path: Path) -> None:
    """Draw certified gaps and true excesses over time, and both at the end against each other."""
    with styled_figure(3.6) as figure:
        left, right = figure.subplots(1, 2)
        for outcome in outcomes:
            color = BLUE if outcome.case.domain.kind == "circle" else VERMILLION
            gaps = np.array([certificate.gap for certificate in outcome.certificates]) / outcome.scale
            excess = np.array([certificate.value for certificate in outcome.certificates]) - outcome.optimum.value
            left.loglog(outcome.trajectory.time[1:], gaps[1:], color=color, linewidth=1.0)
            right.loglog(np.maximum(excess / outcome.scale, 1e-12), gaps, ".", color=color)
        left.axhline(GAP[False], color=GREY, linestyle=":")
        left.set_xlabel("time $t$")
        left.set_ylabel("certified gap over $F(\\nu_0)$")
        left.set_title(r"$\bf{A}$   Circle (blue), sphere (red)")
        ends = np.array([1e-6, 1.0])
        right.loglog(ends, ends, ":", color=GREY)
        right.set_xlabel(r"$(F(\nu_t) - F^*) / F(\nu_0)$")
        right.set_ylabel("certified gap over $F(\\nu_0)$")
        right.set_title(r"$\bf{B}$   No gap is below the truth")
    save_figure(figure, path)


def follow_all(cases: Sequence[Case], scheduler: str | None, processes: int) -> Iterator[Outcome]:
    """Follow the flows of all problems on dask workers, in their order."""
    with dask_workers(scheduler, processes) as client:
        for task in client.map(follow, cases, pure=False):
            yield task.result()


def validate(setting: Setting, *, scheduler: str | None = None) -> Iterator[Row]:
    """Follow all problems; quick, three of them.

    Parameters
    ----------
    setting : Setting
        How much is computed.
    scheduler : str or None
        Address of a dask scheduler; processes on this machine by default.
    """
    quick, outcomes = setting.quick, []
    numbered = [(p, seed) for p, count in zip((2, 3), PROBLEMS[quick], strict=True) for seed in range(count)]
    cases = [draw_case(components, CELLS[quick][components], seed) for components, seed in numbered]
    followed = map(follow, cases) if quick else follow_all(cases, scheduler, setting.processes)
    for (_, seed), outcome in zip(numbered, followed, strict=True):
        outcomes.append(outcome)
        yield from outcome.rows(f"{outcome.case.domain.kind} {seed}, {outcome.case.loss} loss", GAP[quick])
    yield from counter_examples()
    draw(outcomes, setting.file())
