"""Noisy particles against the diffusion equation: mean-field Langevin dynamics and finite volumes of F + T entropy.

Each case runs several seeds of particles (10^5 in full), and the PDE from the same law.

- Risks, at two times, within three standard errors of the mean over the seeds.
- Wasserstein distances of the particles to independent samples of the PDE's density, within three standard errors of
  those of such samples to each other: exact W1 on the line and the circle, sliced W1 in the plane and on the sphere.
  Each is the mean over several sets of samples, so that the particles alone decide.
- The step-size bias of steps of order 1 and 2, and that it is smaller than the statistical error at the steps above.

Errors that a few seeds estimate are themselves uncertain: Student's distribution says how many of them are as unlikely
to be exceeded (0.27 %) as three that are known, 3.85 for twelve seeds. In the network, whose particles act on each
other, the risk of m particles is above that of the density by about half of the variance of the predictions, 3e-6 at
m = 10^5; this, the bias of its steps (2e-5) and the error of its grid (1e-5) are far below the standard error (1e-4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from scipy.stats import norm, t

from wgflow import (
    Box,
    Circle,
    Entropy,
    Features,
    Langevin,
    Neurons,
    Particles,
    Potential,
    SmoothLayer,
    Space,
    Sphere,
    Trajectory,
    simulate,
    solve,
)
from wgflow.analysis.metrics import circle_wasserstein
from wgflow.app.validation import Row, Setting, between, within
from wgflow.domains import Domain
from wgflow.functionals import Functional
from wgflow.plotting import save_figure
from wgflow.typing import FloatArray

from ._pool import single_threaded_pool

COUNT, SEEDS = {False: 100_000, True: 4_000}, 12
PAIRS = 4  # of sets of points whose W1 is taken, for each seed
ERRORS = float(t.isf(norm.sf(3.0), SEEDS - 1))  # estimated standard errors that are allowed
SLOPE_BAND = {False: 0.15, True: 0.4}
DIRECTIONS = 8
CONCENTRATION = 2.0  # of the law at rest on the sphere

Draw = Callable[[int, np.random.Generator], FloatArray]
Spread = Callable[[Callable[[int], Any], Iterable[int]], Iterable[Any]]  # map, here or in other processes


@dataclass(frozen=True)
class Case:
    """A functional, where it lives, how it starts, and how long it runs with which steps."""

    name: str
    functional: Functional
    domain: Box | Circle | Sphere
    density: Callable[[FloatArray], FloatArray]
    draw: Draw
    times: tuple[float, float]
    step: float


def gaussian(mean: float, variance: float) -> tuple[Callable[[FloatArray], FloatArray], Draw]:
    """Density and draws of a Gaussian with independent components around (mean, ..., mean)."""

    def density(points: FloatArray) -> FloatArray:
        scale = (2.0 * np.pi * variance) ** (-0.5 * points.shape[-1])
        return scale * np.exp(-((points - mean) ** 2).sum(axis=-1) / (2.0 * variance))

    return density, lambda count, generator: mean + np.sqrt(variance) * generator.standard_normal((count, 1))


def tilt(factor: float) -> Potential:
    """Potential ``-factor x_1``."""

    def slope(x: FloatArray) -> FloatArray:
        return np.broadcast_to(-factor * np.eye(x.shape[1])[0], x.shape)

    return Potential(lambda x: -factor * x[:, 0], slope)


def uniform_directions(dimension: int) -> Draw:
    """Draws of uniform directions."""

    def draw(count: int, generator: np.random.Generator) -> FloatArray:
        normals = generator.standard_normal((count, dimension))
        return normals / np.linalg.norm(normals, axis=1, keepdims=True)

    return draw


def network_case(*, quick: bool) -> Case:
    """Neurons a tanh(b x) on data, pulled to the origin, in a square with walls that they reach."""
    inputs = np.linspace(-1.5, 1.5, 12)[:, None]
    risk = Features(Neurons(SmoothLayer(inputs)), np.sin(2.0 * inputs[:, 0]))
    pull = Potential(lambda x: 0.05 * (x**2).sum(axis=1), lambda x: 0.1 * x)
    box = Box([[-3.0, 3.0], [-3.0, 3.0]], (64, 64) if quick else (192, 192))

    def density(points: FloatArray) -> FloatArray:
        return np.full(points.shape[:-1], 1.0 / 36.0)

    def draw(count: int, generator: np.random.Generator) -> FloatArray:
        return generator.uniform(-3.0, 3.0, (count, 2))

    return Case(
        "network a tanh(b x)", risk + pull + Entropy(0.1), box, density, draw, (0.5, 2.0), 0.1 if quick else 0.05
    )


def all_cases(*, quick: bool) -> list[Case]:
    """Give the cases."""
    bowl = Potential(lambda x: 0.5 * x[:, 0] ** 2, lambda x: x)
    wells = Potential(lambda x: (x[:, 0] ** 2 - 1.0) ** 2, lambda x: 4.0 * x * (x**2 - 1.0))
    line, around = Box([[-6.0, 6.0]], 512 if quick else 1024), Circle(128 if quick else 512)
    longer = 2.0 if quick else 1.0  # steps where statistical errors are larger
    return [
        Case("Ornstein-Uhlenbeck", bowl + Entropy(0.5), line, *gaussian(2.0, 0.09), (0.5, 2.0), 0.02),
        Case("double well", wells + Entropy(0.3), line, *gaussian(0.3, 0.09), (0.2, 1.0), 0.005 * longer),
        Case(
            "circle, von Mises",
            tilt(2.0) + Entropy(0.5),
            around,
            lambda points: np.full(points.shape[:-1], 0.5 / np.pi),
            uniform_directions(2),
            (0.5, 3.0),
            0.025 * longer,
        ),
        Case(
            "sphere, von Mises-Fisher",
            tilt(0.5 * CONCENTRATION) + Entropy(0.5),
            Sphere(2562 if quick else 10242),
            lambda points: np.full(points.shape[:-1], 0.25 / np.pi),
            uniform_directions(3),
            (0.5, 6.0),
            0.05 * longer,
        ),
        network_case(quick=quick),
    ]


def run_particles(case: Case, count: int, seed: int) -> Trajectory:
    """Noisy particles, the draw of their start with the noise's seed."""
    points = case.draw(count, np.random.default_rng(seed))
    start = Particles(points, np.full(count, 1.0 / count), np.ones(count))
    options = {"domain": case.domain, "reaction": 0.0, "times": case.times}
    return simulate(case.functional, start, case.times[-1], method=Langevin(case.step, seed=seed, order=2), **options)  # type: ignore[arg-type]


def run_density(case: Case) -> Trajectory:
    """The PDE by finite volumes, implicit ones where cells are small."""
    flat = case.functional.temperature < 0.2
    options = {"stepper": "ssprk3" if flat else "tr_bdf2", "tolerance": 1e-5, "reaction": 0.0, "times": case.times}
    return solve(case.functional, case.domain, case.density, case.times[-1], **options)  # type: ignore[arg-type]


def samples_of(case: Case, density: FloatArray, count: int, generator: np.random.Generator) -> FloatArray:
    """Independent samples of a density, even within cells; on the sphere of the law at rest in closed form."""
    domain = case.domain
    if isinstance(domain, Sphere):
        height = 1.0 + np.log1p(-generator.random(count) * -np.expm1(-2.0 * CONCENTRATION)) / CONCENTRATION
        across = np.sqrt(1.0 - height**2)[:, None] * uniform_directions(2)(count, generator)
        return np.column_stack([height, across])
    masses = (density * domain.volumes).ravel()
    cells = generator.choice(masses.size, count, p=masses / masses.sum())
    if isinstance(domain, Circle):
        angles = domain.angles[cells] + domain.spacing * (generator.random(count) - 0.5)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = domain.points.reshape(masses.size, -1)[cells]
    return points + np.array(domain.spacing) * (generator.random(points.shape) - 0.5)


def distance(domain: Domain, first: FloatArray, second: FloatArray) -> float:
    """W1 of two sets of as many points each; sliced, the mean over directions, in more than one dimension."""
    if isinstance(domain, Circle):
        weights, signs = np.full(len(first), 1.0 / len(first)), np.ones(len(first))
        return circle_wasserstein(Particles(first, weights, signs), Particles(second, weights, signs))
    dimension = first.shape[1]
    axes = np.eye(dimension)
    if dimension == 2:
        angles = np.pi * np.arange(DIRECTIONS) / DIRECTIONS
        axes = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return float(np.mean([np.abs(np.sort(first @ axis) - np.sort(second @ axis)).mean() for axis in axes]))


def mean_and_error(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean over the seeds, which come first, and its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def follow_seed(
    seed: int, case: int, density: FloatArray, *, quick: bool
) -> tuple[FloatArray, tuple[float, float], FloatArray]:
    """Risks of a run, mean W1 of its end to samples of the density and of two such samples, and its end."""
    chosen, count = all_cases(quick=quick)[case], COUNT[quick]
    run = run_particles(chosen, count, seed)
    end = run.position[-1]
    samples = partial(samples_of, chosen, density, count, np.random.default_rng((seed, 7)))
    near = np.mean([distance(chosen.domain, end, samples()) for _ in range(PAIRS)])
    null = np.mean([distance(chosen.domain, samples(), samples()) for _ in range(PAIRS)])
    return run.risk[1:], (float(near), float(null)), end


@dataclass(frozen=True)
class Followed:
    """A case: its rows, its PDE, and the particles of the last seed."""

    case: Case
    rows: tuple[Row, Row]
    grid: Trajectory
    points: FloatArray


def follow_case(index: int, spread: Spread, *, quick: bool) -> Followed:
    """Follow all seeds of a case, and compare them with its PDE."""
    case = all_cases(quick=quick)[index]
    grid = run_density(case)
    follow = partial(follow_seed, case=index, density=grid.density[-1], quick=quick)
    risks, distances, ends = zip(*spread(follow, range(SEEDS)), strict=True)
    rows = risk_row(case, np.array(risks), grid.risk[1:]), distance_row(case, np.array(distances))
    return Followed(case, rows, grid, ends[-1])


def risk_row(case: Case, risks: FloatArray, exact: FloatArray) -> Row:
    """Compare the risks of all seeds with those of the PDE."""
    mean, error = mean_and_error(risks)
    deviation = (mean - exact) / error
    found = "   ".join(
        f"t = {time:g}: PDE {value:.6f}, particles {near:.6f} +- {wide:.1e}"
        for time, value, near, wide in zip(case.times, exact, mean, error, strict=True)
    )
    what = f"{case.name}: risk less that of the PDE, in standard errors"
    return within(what, deviation[np.abs(deviation).argmax()], ERRORS, found)


def distance_row(case: Case, distances: FloatArray) -> Row:
    """Compare distances to samples of the density with those of samples to each other."""
    (near, null), (wide, narrow) = mean_and_error(distances)
    found = f"W1 {near:.2e} +- {wide:.1e}, of samples {null:.2e} +- {narrow:.1e}"
    what = f"{case.name}: W1 less that of samples, in standard errors"
    return within(what, (near - null) / np.hypot(wide, narrow), ERRORS, found)


def step_errors(order: int, steps: FloatArray, *, quick: bool) -> tuple[FloatArray, FloatArray]:
    """Errors of the variance of Ornstein and Uhlenbeck at t = 1.2 for some steps, with their standard errors."""
    case, errors = all_cases(quick=quick)[0], []
    exact = 0.5 + (0.09 - 0.5) * np.exp(-2.4)
    for seed in range(SEEDS):
        points = case.draw(COUNT[quick], np.random.default_rng(100 + seed))
        start = Particles(points, np.full(len(points), 1.0 / len(points)), np.ones(len(points)))
        found = []
        for step in steps:
            method = Langevin(step, seed=100 + seed, order=order)
            end = simulate(case.functional, start, 1.2, domain=Space(1), method=method, times=[1.2])
            found.append(end.position[-1].var() - exact)
        errors.append(found)
    return mean_and_error(np.array(errors))


def bias_of_steps(*, quick: bool) -> tuple[list[Row], dict[int, tuple[FloatArray, FloatArray, FloatArray]]]:
    """Whether the bias of the steps has its order, and is negligible at the steps of the cases."""
    rows, curves, usual = [], {}, all_cases(quick=quick)[0].step
    for order, steps in ((1, np.array([0.4, 0.2, 0.1])), (2, np.array([0.6, 0.4, 0.3]))):
        bias, error = step_errors(order, steps, quick=quick)
        slope = float(np.polyfit(np.log(steps), np.log(np.abs(bias)), 1)[0])
        band = order * SLOPE_BAND[quick]
        listed = ", ".join(f"{step:g}: {value:+.4f}" for step, value in zip(steps, bias, strict=True))
        what = f"Langevin steps of order {order}: observed weak order"
        rows.append(between(what, slope, order - band, order + band, f"bias of the variance {listed}").quote())
        curves[order] = (steps, np.abs(bias), error)
    expected = float(abs(bias[-1]) * (usual / steps[-1]) ** 2)
    what = f"Langevin steps of order 2: bias at the step {usual:g}, at most the standard error"
    return [*rows, within(what, expected, float(error[-1]))], curves


def draw_case(panel: Axes, case: Case, grid: Trajectory, points: FloatArray) -> None:
    """Draw the density at the end and a histogram of the particles: of the angle, of x_1, or of the first axis."""
    if isinstance(case.domain, Circle):
        values, label = np.arctan2(points[:, 1], points[:, 0]), "angle"
        where = np.mod(case.domain.angles + np.pi, 2.0 * np.pi) - np.pi
        order = np.argsort(where)
        where, density = where[order], grid.density[-1][order]
    elif isinstance(case.domain, Sphere):
        values, label, where = points[:, 0], "$x_1$", np.linspace(-1.0, 1.0, 200)
        density = CONCENTRATION * np.exp(CONCENTRATION * where) / (2.0 * np.sinh(CONCENTRATION))
    else:
        values, where = points[:, 0], np.unique(case.domain.points[..., 0])
        sums = grid.density[-1].reshape(len(where), -1)
        density = sums.sum(axis=1) / sums.sum() / (where[1] - where[0])
        label = "$x$" if sums.shape[1] == 1 else "output weight $a$"
    panel.hist(values, 40, density=True, alpha=0.4, label="particles")
    panel.plot(where, density, label="density")
    panel.set_xlim(values.min(), values.max())
    panel.locator_params(axis="x", nbins=6)
    panel.set_title(case.name)
    panel.set_xlabel(label)


def draw_steps(panel: Axes, curves: dict[int, tuple[FloatArray, FloatArray, FloatArray]]) -> None:
    """Draw the bias of the steps, and lines of their order through the largest."""
    for (order, (steps, bias, error)), marker in zip(curves.items(), "os", strict=True):
        panel.errorbar(steps, bias, error, marker=marker, fillstyle="none", linestyle="none", label=f"order {order}")
        panel.loglog(steps, bias[0] * (steps / steps[0]) ** order, color="gray", linestyle="--", linewidth=1)
    panel.set_xticks([0.1, 0.2, 0.3, 0.4, 0.6])
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set_ylim(0.01, 0.2)
    panel.set_title("Ornstein-Uhlenbeck: bias of the variance")
    panel.set_xlabel("step")
    panel.legend()


def draw(cases: Iterable[Followed], curves: dict[int, tuple[FloatArray, FloatArray, FloatArray]]) -> Figure:
    """Draw the ends of all cases, and the bias of the steps."""
    figure = Figure(figsize=(12.0, 6.4), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for panel, found in zip(panels, cases, strict=False):
        draw_case(panel, found.case, found.grid, found.points)
    panels[0].legend()
    draw_steps(panels[-1], curves)
    return figure


def validate(setting: Setting) -> Iterator[Row]:
    """Run all cases; quick, with fewer particles, larger steps and coarser grids."""
    quick, cases = setting.quick, []
    with single_threaded_pool(setting.processes) as pool:
        spread = map if quick else pool.map  # processes take longer to start than a quick run
        for index in range(len(all_cases(quick=quick))):
            cases.append(follow_case(index, spread, quick=quick))
            yield from cases[-1].rows
    for number, what in enumerate(("risk", "W1")):
        worst = max(abs(float(found.rows[number].value)) for found in cases)
        particles = f"{len(cases)} cases, {SEEDS} seeds of {COUNT[quick]} particles"
        yield within(f"Langevin, {particles}: largest deviation of {what}, in standard errors", worst, ERRORS).quote()
    rows, curves = bias_of_steps(quick=quick)
    yield from rows
    save_figure(draw(cases, curves), setting.file())
