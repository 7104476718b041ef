"""Errors in time: none beyond the tolerance, whatever the number of outputs, and what that costs.

- Flows that grow from small, or alone, or slowly, where stability asks for no short steps, against exact solutions of
  the equations on the grid, with 2, 11, 101 and 1001 outputs: within 1e-4 at the default tolerance, within 1e-8 at
  the tolerance 1e-10.
- Every problem that ships, with few outputs and with many: particles and variational steps end with the same bits,
  grids within the tolerance.
- Evaluations of J beside those of version 0.1.0, which took steps as long as stability allowed, and the errors in time
  that it made where these were about one for each output.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from wgflow import (
    Circle,
    Potential,
    Quadratic,
    SobolevDiscrepancy,
    Trajectory,
    WallWarning,
    ZonalInteraction,
    run,
    solve,
)
from wgflow.app.validation import Row, Setting, measured, within
from wgflow.functionals import GridFunctional
from wgflow.problems import open_problem
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import make_space_scheme

Error = Callable[[FloatArray, dict[str, Any]], float]

DEFAULT_BOUND, STRICT_BOUND, STRICT_TOLERANCE = 1e-4, 1e-8, 1e-10
OUTPUTS, QUICK_OUTPUTS = (2, 11, 101, 1001), (2, 101)


@dataclass(frozen=True)
class Case:
    """A flow to a time, of which one number is compared with its exact value on the grid."""

    name: str
    end: float
    error: Error
    strict: float = STRICT_BOUND  # of the error at the tolerance 1e-10


def growing_mass(times: FloatArray, options: dict[str, Any]) -> float:
    """Mass under J = -5 and beta = 4, from 1: exp(20 t)."""
    circle = Circle(8)
    constant = Potential(lambda x: -5.0 + 0.0 * x[..., 0])
    trajectory = solve(constant, circle, np.full(8, 0.5 / np.pi), times[-1], times=times, reaction=4.0, **options)
    return float(trajectory.mass[-1] / math.exp(20.0 * times[-1]) - 1.0)


def small_mass(times: FloatArray, options: dict[str, Any]) -> float:
    """Mass from 1e-6 of quadratic features with C = I, both of whose moments obey f' = -4 f (f - 1)."""
    circle, half = Circle(8), 0.5e-6
    trajectory = solve(Quadratic(np.eye(2)), circle, np.full(8, half / np.pi), times[-1], times=times, **options)
    exact = 2.0 * half / (half + (1.0 - half) * math.exp(-4.0 * times[-1]))
    return float(trajectory.mass[-1] / exact - 1.0)


def growing_mode(amplitude: float, exact_rate: Callable[[GridFunctional, FloatArray, float], float]) -> Error:
    """Rate of the third mode about the uniform circle under W = -exp(5 x.y)/5, from an amplitude."""

    def error(times: FloatArray, options: dict[str, Any]) -> float:
        circle = Circle(64)
        density = (1.0 + amplitude * np.cos(3.0 * circle.angles)) / (2.0 * np.pi)
        attraction = ZonalInteraction(lambda cosine: -np.exp(5.0 * cosine) / 5.0)
        chosen = {"reaction": 0.0, "limiter": "positive", **options}
        trajectory = solve(attraction, circle, density, times[-1], times=times, **chosen)
        exact = exact_rate(attraction.on_grid(circle), density, float(times[-1]))
        return rate_of_growth(circle, density, trajectory.density[-1], float(times[-1])) / exact - 1.0

    return error


def rate_of_growth(circle: Circle, start: FloatArray, end: FloatArray, time: float) -> float:
    """Rate at which the third mode has grown between two densities."""
    mode = np.cos(3.0 * circle.angles)
    return math.log((end @ mode) / (start @ mode)) / time


def linear_rate(functional: GridFunctional, density: FloatArray, end: float) -> float:  # noqa: ARG001
    """Rate of the third mode by the linear scheme: from symbols of the sampled kernel and of second differences."""
    circle = Circle(density.size)
    angles = circle.spacing * np.arange(circle.cells)
    symbol = float(circle.spacing * (-np.exp(5.0 * np.cos(angles)) / 5.0) @ np.cos(3.0 * angles))
    return -((2.0 / circle.spacing * math.sin(1.5 * circle.spacing)) ** 2) * symbol / (2.0 * np.pi)


def nonlinear_rate(functional: GridFunctional, density: FloatArray, end: float) -> float:
    """The same by an independent integrator, which rounds too much for smaller amplitudes."""
    found = independent_density(functional, density, end)
    return rate_of_growth(Circle(density.size), density, found, end)


def decaying_mode(times: FloatArray, options: dict[str, Any]) -> float:
    """F of one mode of the Sobolev discrepancy s = 2, against an independent integrator."""
    circle = Circle(32)
    density = (1.0 + 0.5 * np.cos(circle.angles)) / (2.0 * np.pi)
    discrepancy = SobolevDiscrepancy(np.full(32, 0.5 / np.pi), order=2.0)
    chosen = {"reaction": 0.0, "limiter": "positive", **options}
    trajectory = solve(discrepancy, circle, density, times[-1], times=times, **chosen)
    functional = discrepancy.on_grid(circle)
    exact = functional.value(independent_density(functional, density, float(times[-1])))
    return float(trajectory.energy[-1] / exact - 1.0)


def independent_density(functional: GridFunctional, density: FloatArray, end: float) -> FloatArray:
    """Density at a time of the equations on the grid, by an integrator that shares nothing with the solver."""
    scheme = make_space_scheme(functional.domain, transport=1.0, reaction=0.0, order=2, limiter="positive")

    def rate(_: float, density: FloatArray) -> FloatArray:
        change = np.empty_like(density)
        scheme.euler_stage(density, functional.first_variation(density), density, (-1.0, 1.0), 1.0, change)
        return change

    return np.asarray(solve_ivp(rate, (0.0, end), density, method="DOP853", rtol=3e-14, atol=1e-16).y[:, -1])


CASES = (
    Case("J = -5 on the circle, mass e^40", 2.0, growing_mass),
    Case("quadratic features from the mass 1e-6", 3.0, small_mass),
    Case("Sobolev s = 2, F of a slow mode", 10.0, decaying_mode),
    Case("attraction, rate of a mode from 1e-4", 0.3, growing_mode(1e-4, nonlinear_rate)),
    # Linear theory and densities of 0.16, which are rounded to 1e-17, know the rate of so small a mode to 2e-8.
    Case("attraction, rate of a mode from 1e-8", 0.4, growing_mode(1e-8, linear_rate), 3e-8),
)


@dataclass(frozen=True)
class Before:
    """What version 0.1.0 did for a problem that ships.

    Parameters
    ----------
    evaluations : int
        Evaluations of J.
    error : float or None
        Error in time of the last density, L1 over the mass, where it took about one step for each output.
    """

    evaluations: int
    error: float | None = None


BEFORE = {
    "aggregation": Before(3601),
    "clusters": Before(1520),
    "deconvolution": Before(81),
    "el_nino": Before(28615),
    "fokker_planck": Before(2861),
    "keller_segel": Before(1297),
    "network": Before(1051),
    "penguins": Before(625, 1.35e-05),
    "porous_medium": Before(20695),
    "quadratic": Before(223),
    "quadratic_sphere": Before(91, 5.14e-06),
    "regression": Before(367, 7.74e-06),
    "regression_box": Before(517, 1.05e-06),
    "riccati": Before(730),
    "riccati_jko": Before(101),
    "spikes": Before(16225),
    "teacher": Before(6934),
    "teacher_box": Before(628, 4.76e-06),
    "teacher_jko": Before(246),
}

# Smaller grids, for runs with several numbers of outputs; all else is as it ships.
PROBLEMS: dict[str, tuple[str, ...]] = {
    "aggregation": ("domain.shape=[32, 32]",),
    "clusters": ("domain.cells=642", "solver.t_end=100"),
    "deconvolution": (),
    "el_nino": ("domain.cells=128", "solver.t_end=100"),
    "fokker_planck": ("domain.shape=[100]",),
    "keller_segel": ("domain.shape=[32, 32]",),
    "network": (),
    "penguins": ("domain.cells=642",),
    "porous_medium": ("domain.shape=[32, 32]",),
    "quadratic": ("domain.cells=128",),
    "quadratic_sphere": ("domain.cells=642",),
    "regression": ("domain.cells=642",),
    "regression_box": ("domain.shape=[16, 16, 16]",),
    "riccati": ("domain.shape=[64, 64]",),
    "riccati_jko": (),
    "spikes": ("domain.cells=128",),
    "teacher": ("domain.cells=256",),
    "teacher_box": ("domain.shape=[13, 14, 10]",),
    "teacher_jko": (),
}
SMALL = ("domain.cells=64", "solver.t_end=5", "particles.count=100")
SOLVERS: dict[str, tuple[str, ...]] = {
    "teacher, particles": ("solver.kind=particles", *SMALL),
    "teacher, rk4": ("solver.kind=particles", "particles.method=rk4", "particles.step=0.05", *SMALL),
    "teacher, euler": ("solver.kind=particles", "particles.method=euler", "particles.step=0.05", *SMALL),
    "teacher, characteristics": ("solver.kind=characteristics", *SMALL),
    "teacher, ssprk3": ("finite_volume.stepper=ssprk3", *SMALL),
    "teacher, order 5": ("finite_volume.order=5", *SMALL),
    "teacher, jko on a grid": ("solver.kind=jko", "jko.representation=grid", "jko.tau=0.3", "jko.modes=8", *SMALL),
    "fokker_planck, langevin": ("solver.kind=particles", "particles.count=100", "solver.t_end=5"),
    "fokker_planck, linearised": ("solver.kind=jko", "domain.shape=[50]", "jko.tau=0.5", "solver.t_end=20"),
    "fokker_planck, backward Euler": ("finite_volume.stepper=backward_euler", "domain.shape=[50]", "solver.t_end=20"),
    "porous_medium, linearised": ("solver.kind=jko", "domain.shape=[16, 16]", "solver.t_end=1"),
    "spikes, ssprk3": ("finite_volume.stepper=ssprk3", "domain.cells=128"),
}
QUICK = ("deconvolution", "fokker_planck", "riccati_jko", "quadratic", "teacher, particles", "teacher, characteristics")
COUNTS, QUICK_COUNTS = (1, 10, 100), (1, 30)
GRID_BOUND = 6e-5  # relative L1 distance of final densities with any numbers of outputs
MOST_IN_SUM, MOST_OF_TEACHER = 1.1, 0.7
FINE_TOLERANCE = 1e-6  # of runs that errors in time are measured with


def states(name: str, settings: tuple[str, ...], counts: tuple[int, ...]) -> list[Trajectory]:
    """Run a problem with some numbers of regular outputs."""
    t_end = open_problem(name, settings).config.solver.t_end
    times = [np.linspace(0.0, t_end, count + 1)[1:].tolist() for count in counts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WallWarning)  # grids are coarse here
        return [run(open_problem(name, [*settings, f"output.times={chosen}"])) for chosen in times]


def spread(flows: list[Trajectory]) -> tuple[float, float]:
    """Largest difference between final states, in L1 over the mass of a density, and what is allowed."""
    if flows[0].has_particles:
        ends = [np.concatenate([trajectory.position[-1].ravel(), trajectory.weight[-1]]) for trajectory in flows]
        return max(float(np.abs(end - ends[0]).max()) for end in ends), 0.0
    ends = [trajectory.density[-1] for trajectory in flows]
    exact = flows[0].attributes["solver"] in {"jko", "normalised"}
    distances = [float(np.abs(end - ends[0]).sum() / np.abs(ends[0]).sum()) for end in ends]
    return max(distances), 0.0 if exact else GRID_BOUND


def errors_in_time(*, quick: bool) -> Iterator[Row]:
    """Compare the cases with exact solutions."""
    outputs, errors = QUICK_OUTPUTS if quick else OUTPUTS, []
    for case in CASES:
        for count in outputs:
            errors.append(case.error(np.linspace(0.0, case.end, count), {}))
            yield within(f"{case.name}, {count} outputs: error", errors[-1], DEFAULT_BOUND)
    what = f"{len(CASES)} flows that grow, {outputs[0]} to {outputs[-1]} outputs: largest error in time"
    yield within(what, max(map(abs, errors)), DEFAULT_BOUND).quote()


def strict_errors() -> Iterator[Row]:
    """The same with a tolerance at which round-off is near."""
    errors = []
    for case in CASES:
        errors.append(case.error(np.array([0.0, case.end]), {"tolerance": STRICT_TOLERANCE}))
        yield within(f"{case.name}, tolerance {STRICT_TOLERANCE:g}: error", errors[-1], case.strict)
    what = f"{len(CASES)} flows that grow, tolerance {STRICT_TOLERANCE:g}: largest error in time"
    yield within(what, max(map(abs, errors)), max(case.strict for case in CASES)).quote()


def differences_by_outputs(*, quick: bool) -> Iterator[Row]:
    """Compare final states of problems with some numbers of outputs."""
    everything, counts = PROBLEMS | SOLVERS, QUICK_COUNTS if quick else COUNTS
    outputs, largest = f"{', '.join(map(str, counts))} outputs", dict[float, float]()
    for name in QUICK if quick else everything:
        found, bound = spread(states(name.partition(",")[0], everything[name], counts))
        largest[bound] = max(largest.get(bound, 0.0), found)
        yield within(f"{name}, {outputs}: difference of final states", found, bound)
    for bound, found in largest.items():
        what = "densities" if bound > 0.0 else "particles and variational steps"
        yield within(f"{what}, {outputs}: largest difference of final states", found, bound).quote()


def costs() -> Iterator[Row]:
    """Compare evaluations, and some errors in time, with those of the version before."""
    now: dict[str, int] = {}
    for name, before in BEFORE.items():
        trajectory = run(name)
        now[name] = int(trajectory.attributes["evaluations"])
        beside = f"{before.evaluations} before, {now[name]} now"
        yield measured(f"{name}: evaluations over those before", now[name] / before.evaluations, beside)
        if before.error is not None:
            exact = run(open_problem(name, [f"finite_volume.tolerance={FINE_TOLERANCE}"])).density[-1]
            error = float(np.abs(trajectory.density[-1] - exact).sum() / np.abs(exact).sum())
            yield measured(f"{name}: error in time", error, f"{before.error:.1e} before").quote()
    total = sum(now.values()) / sum(before.evaluations for before in BEFORE.values())
    yield within("all problems: evaluations over those before", total, MOST_IN_SUM).quote()
    share = now["teacher"] / BEFORE["teacher"].evaluations
    yield within("teacher: evaluations over those before", share, MOST_OF_TEACHER).quote()


def validate(setting: Setting) -> Iterator[Row]:
    """Show all; quick, with some outputs and problems, and neither strict tolerances nor costs."""
    yield from errors_in_time(quick=setting.quick)
    yield from differences_by_outputs(quick=setting.quick)
    if not setting.quick:
        yield from strict_errors()
        yield from costs()
