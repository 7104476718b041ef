"""Noisy particles against the diffusion equation: mean-field Langevin dynamics and finite volumes of F + T entropy.

Each case runs several seeds of particles (10^5 in full), and the PDE from the same law.

- Risks, at two times, within three standard errors of the mean over the seeds.
- Wasserstein distances of the particles to independent samples of the PDE's density, within three standard errors of
  those of such samples to each other: exact W1 on the line and the circle, sliced W1 in the plane and on the sphere.
- The step-size bias of steps of order 1 and 2, and that it is smaller than the statistical error at the steps above.

    python validation/langevin.py [--quick] [--figure PNG]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

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
from wgflow.domains import Domain
from wgflow.errors import WgflowError
from wgflow.functionals import Functional
from wgflow.metrics import circle_wasserstein
from wgflow.plotting import save_figure
from wgflow.typing import FloatArray

COUNT, SEEDS = {False: 100_000, True: 4_000}, {False: 8, True: 12}
ERRORS = 3.0  # standard errors that are allowed
SLOPE_BAND = {False: 0.15, True: 0.4}
DIRECTIONS = 8
CONCENTRATION = 2.0  # of the law at rest on the sphere

Draw = Callable[[int, np.random.Generator], FloatArray]


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

    return Case("network a tanh(b x)", risk + pull + Entropy(0.1), box, density, draw, (0.5, 2.0), 0.05)


def all_cases(*, quick: bool) -> list[Case]:
    """Give the cases."""
    bowl = Potential(lambda x: 0.5 * x[:, 0] ** 2, lambda x: x)
    wells = Potential(lambda x: (x[:, 0] ** 2 - 1.0) ** 2, lambda x: 4.0 * x * (x**2 - 1.0))
    line, around = Box([[-6.0, 6.0]], 512 if quick else 1024), Circle(128 if quick else 512)
    return [
        Case("Ornstein-Uhlenbeck", bowl + Entropy(0.5), line, *gaussian(2.0, 0.09), (0.5, 2.0), 0.02),
        Case("double well", wells + Entropy(0.3), line, *gaussian(0.3, 0.09), (0.2, 1.0), 0.005),
        Case(
            "circle, von Mises",
            tilt(2.0) + Entropy(0.5),
            around,
            lambda points: np.full(points.shape[:-1], 0.5 / np.pi),
            uniform_directions(2),
            (0.5, 6.0),
            0.02,
        ),
        Case(
            "sphere, von Mises-Fisher",
            tilt(0.5 * CONCENTRATION) + Entropy(0.5),
            Sphere(2562),
            lambda points: np.full(points.shape[:-1], 0.25 / np.pi),
            uniform_directions(3),
            (0.5, 6.0),
            0.04,
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


def check_case(case: Case, *, quick: bool) -> tuple[bool, Trajectory, Trajectory]:
    """Print the table of a case and whether it passes; give its PDE and the particles of the last seed."""
    print(f"{case.name} ...", file=sys.stderr)
    count, grid = COUNT[quick], run_density(case)
    risks, distances = [], []
    for seed in range(SEEDS[quick]):
        run = run_particles(case, count, seed)
        others = [samples_of(case, grid.density[-1], count, np.random.default_rng((seed, 7, k))) for k in range(3)]
        risks.append(run.risk[1:])
        pairs = ((run.position[-1], others[0]), (others[1], others[2]))
        distances.append([distance(case.domain, *pair) for pair in pairs])
    mean, error = mean_and_error(np.array(risks))
    deviation = (mean - grid.risk[1:]) / error
    passed = bool(np.abs(deviation).max() <= ERRORS)
    found = "   ".join(
        f"t = {t:g}: PDE {exact:.6f}, particles {value:.6f} +- {wide:.1e} ({z:+.1f})"
        for t, exact, value, wide, z in zip(case.times, grid.risk[1:], mean, error, deviation, strict=True)
    )
    print(f"{'PASS' if passed else 'FAIL'}  {case.name}: risk   {found}")
    (near, null), (wide, narrow) = mean_and_error(np.array(distances))
    score = (near - null) / np.hypot(wide, narrow)
    close = bool(abs(score) <= ERRORS)
    print(
        f"{'PASS' if close else 'FAIL'}  {case.name}: W1   particles to the density {near:.2e} +- {wide:.1e}, samples "
        f"of it {null:.2e} +- {narrow:.1e} ({score:+.1f})"
    )
    return passed and close, grid, run


def step_errors(order: int, steps: FloatArray, *, quick: bool) -> tuple[FloatArray, FloatArray]:
    """Errors of the variance of Ornstein and Uhlenbeck at t = 1.2 for some steps, with their standard errors."""
    case, errors = all_cases(quick=quick)[0], []
    exact = 0.5 + (0.09 - 0.5) * np.exp(-2.4)
    for seed in range(SEEDS[quick]):
        points = case.draw(COUNT[quick], np.random.default_rng(100 + seed))
        start = Particles(points, np.full(len(points), 1.0 / len(points)), np.ones(len(points)))
        found = []
        for step in steps:
            method = Langevin(step, seed=100 + seed, order=order)
            end = simulate(case.functional, start, 1.2, domain=Space(1), method=method, times=[1.2])
            found.append(end.position[-1].var() - exact)
        errors.append(found)
    return mean_and_error(np.array(errors))


def check_steps(*, quick: bool) -> tuple[bool, dict[int, tuple[FloatArray, FloatArray, FloatArray]]]:
    """Print whether the bias of the steps has its order, and is negligible at the steps of the cases."""
    passed, curves, usual = True, {}, all_cases(quick=quick)[0].step
    for order, steps in ((1, np.array([0.4, 0.2, 0.1])), (2, np.array([0.6, 0.4, 0.3]))):
        bias, error = step_errors(order, steps, quick=quick)
        slope = float(np.polyfit(np.log(steps), np.log(np.abs(bias)), 1)[0])
        expected = float(abs(bias[-1]) * (usual / steps[-1]) ** order)
        good = abs(slope - order) < order * SLOPE_BAND[quick] and (order == 1 or expected < error[-1])
        passed &= good
        listed = ", ".join(f"{step:g}: {value:+.4f}" for step, value in zip(steps, bias, strict=True))
        print(
            f"{'PASS' if good else 'FAIL'}  order {order}: bias of the variance {listed}; slope {slope:.2f}; at the "
            f"step {usual:g} about {expected:.1e}, standard error {error[-1]:.1e}"
        )
        curves[order] = (steps, np.abs(bias), error)
    return passed, curves


def draw(
    runs: dict[str, tuple[Case, Trajectory, Trajectory]],
    curves: dict[int, tuple[FloatArray, FloatArray, FloatArray]],
    path: Path,
) -> None:
    """Draw the densities at the end with histograms of the particles, and the bias of the steps."""
    figure = Figure(figsize=(4.0 * 3, 6.4), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for panel, (name, (case, grid, run)) in zip(panels, runs.items(), strict=False):
        points = run.position[-1]
        panel.set_title(name)
        if isinstance(case.domain, Circle):
            panel.hist(np.mod(np.arctan2(points[:, 1], points[:, 0]), 2.0 * np.pi), 80, density=True, alpha=0.4)
            panel.plot(case.domain.angles, grid.density[-1])
            panel.set_xlabel("angle")
        elif isinstance(case.domain, Sphere):
            panel.hist(points[:, 0], 80, density=True, alpha=0.4)
            height = np.linspace(-1.0, 1.0, 200)
            panel.plot(height, CONCENTRATION * np.exp(CONCENTRATION * height) / (2.0 * np.sinh(CONCENTRATION)))
            panel.set_xlabel("$x_1$")
        else:
            axis = np.unique(case.domain.points[..., 0])
            density = grid.density[-1].reshape(len(axis), -1)
            panel.hist(points[:, 0], 80, density=True, alpha=0.4, label="particles")
            panel.plot(axis, density.sum(axis=1) / density.sum() / (axis[1] - axis[0]), label="PDE")
            panel.set_xlim(points[:, 0].min(), points[:, 0].max())
            panel.set_xlabel("$x$" if density.shape[1] == 1 else "output weight $a$")
    panels[0].legend()
    for (order, (steps, bias, error)), marker in zip(curves.items(), "os", strict=True):
        panels[-1].errorbar(steps, bias, error, marker=marker, fillstyle="none", label=f"order {order}")
        panels[-1].loglog(steps, bias[0] * (steps / steps[0]) ** order, color="gray", linestyle="--", linewidth=1)
    panels[-1].set_title("bias of the variance")
    panels[-1].set_xlabel("step")
    panels[-1].legend()
    save_figure(figure, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases; 0 if they passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer particles and seeds")
    parser.add_argument("--figure", type=Path, default=Path("langevin.png"), help="picture to write")
    options = parser.parse_args(arguments)
    passed, runs = True, {}
    for case in all_cases(quick=options.quick):
        good, grid, run = check_case(case, quick=options.quick)
        passed &= good
        runs[case.name] = (case, grid, run)
    good, curves = check_steps(quick=options.quick)
    draw(runs, curves, options.figure)
    print(f"\nfigure      {options.figure}")
    return 0 if passed and good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WgflowError as error:
        sys.exit(f"error: {error}")
