"""The sphere equation by finite volumes against characteristics and random particles.

A two-layer problem by all three, the rate at which random particles approach the PDE, and a signed teacher on S^2,
where finite volumes extrapolate to the risk of few nodes of a product rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from wgflow import Population, Signed, Sphere, Teacher, Trajectory, open_problem, run, solve, solve_characteristics
from wgflow.app.run_comparison import compare, plot_comparison_of, predictor_distance
from wgflow.app.validation import Row, Setting, at_least, between, within
from wgflow.characteristics import ProductNodes
from wgflow.plotting import save_figure
from wgflow.problems import Problem
from wgflow.typing import FloatArray

FULL_COUNTS = (50, 100, 200, 400, 800, 1600, 3200)
FULL_SEEDS = 20
QUICK_COUNTS = (50, 100, 200, 400, 800)
QUICK_SEEDS = 16
GRID: dict[bool, list[str]] = {False: [], True: ["domain.cells=1024"]}

# What must hold: relative difference of the risks of grid and characteristics, and the exponent of random particles.
LARGEST_DIFFERENCE = {False: 2e-5, True: 2e-4}  # in full, and in quick form on a coarser grid
CELLS = {False: (2562, 10242, 40962), True: (162, 642, 2562)}  # of each sheet, and how far from characteristics
NODES, SPHERE_TIME, EXTRAPOLATED, LEAST_ORDER = 500, 6.0, 1e-5, 1.9
EXPONENT, EXPONENT_BAND = -0.5, {False: 0.1, True: 0.15}


def run_all(source: str, settings: Sequence[str]) -> dict[str, Trajectory]:
    """Run a problem with each solver."""
    solvers = ("finite_volume", "characteristics", "particles")
    return {solver: run(open_problem(source, [*settings, f"solver.kind={solver}"])) for solver in solvers}


def particle_errors(
    source: str, settings: Sequence[str], reference: Trajectory, counts: Sequence[int], seeds: int
) -> FloatArray:
    """Root mean square over the seeds of the distance of predictors at the last time, shape (len(counts),)."""
    errors = np.empty((len(counts), seeds))
    for row, count in enumerate(counts):
        for seed in range(seeds):
            problem = open_problem(
                source, [*settings, "solver.kind=particles", f"particles.count={count}", f"initial.seed={seed}"]
            )
            errors[row, seed] = final_distance(problem, run(problem), reference)
    return np.sqrt((errors**2).mean(axis=1))


def final_distance(problem: Problem, trajectory: Trajectory, reference: Trajectory) -> float:
    """Distance of the predictors of two runs at their last times."""
    return predictor_distance(problem)(trajectory.measure(-1), reference.measure(-1))


def fitted_exponent(counts: Sequence[int], errors: FloatArray) -> float:
    """Slope of log(error) over log(count)."""
    return float(np.polyfit(np.log(counts), np.log(errors), 1)[0])


def risks_of_solvers(setting: Setting, source: str, times: Sequence[float]) -> Row:
    """Compare the three solvers, and draw how grid and particles, and grid and characteristics, differ."""
    settings = [f"output.times={list(times)}", *GRID[setting.quick]]
    runs, problem = run_all(source, settings), open_problem(source)
    names = {"finite_volume": "finite volumes", "characteristics": "characteristics", "particles": "particles"}
    differences = {}
    for other, picture in (("particles", ".png"), ("characteristics", "-characteristics.png")):
        comparison = compare(runs["finite_volume"], runs[other], problem, (names["finite_volume"], names[other]))
        save_figure(plot_comparison_of(comparison), setting.file(picture))
        differences[other] = float(comparison.columns["difference"].max())
    what = (
        f"{source}, finite volumes against characteristics, t = {times[0]:g} to {times[-1]:g}: difference of the risk"
    )
    beside = f"against random particles {differences['particles']:.1e}"
    return within(what, differences["characteristics"], LARGEST_DIFFERENCE[setting.quick], beside)


def rate_of_particles(source: str, time: float, *, quick: bool) -> Row:
    """The exponent of the number of particles in their distance to the PDE at a time."""
    counts, seeds = (QUICK_COUNTS, QUICK_SEEDS) if quick else (FULL_COUNTS, FULL_SEEDS)
    settings = [f"solver.t_end={time}", f"output.times=[{time}]", *GRID[quick]]
    reference = run(open_problem(source, [*settings, "solver.kind=characteristics"]))
    errors = particle_errors(source, settings, reference, counts, seeds)
    what = (
        f"{source}, {counts[0]} to {counts[-1]} random particles, {seeds} seeds: exponent of their distance to the PDE"
    )
    found, band = fitted_exponent(counts, errors), EXPONENT_BAND[quick]
    listed = f"root mean squares {', '.join(f'{error:.1e}' for error in errors)}"
    return between(what, found, EXPONENT - band, EXPONENT + band, listed)


def teacher_on_sphere(*, quick: bool) -> Iterator[Row]:
    """Risks of a teacher of two orthogonal neurons of either sign, from a uniform start of mass 1."""
    risk, density = Population(Teacher(np.eye(2, 3), np.array([1.0, -1.0]))), 0.125 / np.pi
    at, start = [SPHERE_TIME], lambda points: np.full(points.shape[:-1], density)
    domains = [Signed(Sphere(cells)) for cells in CELLS[quick]]
    found = [solve(risk, each, np.full(each.shape, density), SPHERE_TIME, times=at).risk[-1] for each in domains]
    nodes, coarse = ProductNodes(NODES), Signed(Sphere(42))
    wanted = solve_characteristics(risk, coarse, start, SPHERE_TIME, times=at, nodes=nodes, tolerance=1e-7).risk[-1]
    first, second = np.diff(found)
    what = f"signed teacher on the sphere, {CELLS[quick][0]} to {CELLS[quick][-1]} cells, t = {SPHERE_TIME:g}"
    beside = f"risks {', '.join(f'{value:.8f}' for value in found)}; {NODES} nodes each sheet {wanted:.8f}"
    difference = found[-1] + second / 3.0 - wanted
    yield within(f"{what}: extrapolated risk less that of characteristics", difference, EXTRAPOLATED, beside).quote()
    yield at_least(f"{what}: observed order", float(np.log2(first / second)), LEAST_ORDER)


def validate(setting: Setting, *, problem: str = "teacher") -> Iterator[Row]:
    """Compare the three solvers on a problem; quick, on a coarser grid, with fewer particles and seeds.

    Parameters
    ----------
    setting : Setting
        How to run.
    problem : str
        Problem file, or name of a shipped one, of a network on a signed circle.
    """
    t_end = open_problem(problem).config.solver.t_end
    times = [t_end * share for share in (0.05, 0.1, 0.25, 0.5, 1.0)]
    yield risks_of_solvers(setting, problem, times).quote()
    yield rate_of_particles(problem, times[1], quick=setting.quick).quote()
    yield from teacher_on_sphere(quick=setting.quick)
