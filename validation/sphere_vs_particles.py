"""The sphere equation by finite volumes against characteristics and random particles.

Without arguments: the teacher-student problem by all three, and the rate at which random particles approach the PDE.
With a problem: the same for that problem. With two trajectory files: only their comparison.

    python validation/sphere_vs_particles.py [PROBLEM.toml | A.h5 B.h5] [--quick] [--folder DIR]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wgflow import Trajectory, open_problem, run
from wgflow.app.console import show_comparison
from wgflow.app.run_comparison import Comparison, compare_files, plot_comparison_of, predictor_distance
from wgflow.errors import WgflowError
from wgflow.plotting import save_figure
from wgflow.problems import Problem
from wgflow.typing import FloatArray

FULL_COUNTS = (50, 100, 200, 400, 800, 1600, 3200)
FULL_SEEDS = 20
QUICK_COUNTS = (50, 100, 200, 400, 800)
QUICK_SEEDS = 16

# What must hold: relative difference of the risks of grid and characteristics, and the exponent of random particles.
LARGEST_DIFFERENCE = {False: 2e-5, True: 2e-4}  # in full, and in quick form on a coarser grid
EXPONENT, EXPONENT_BAND = -0.5, {False: 0.1, True: 0.15}


def run_all(source: Path | str, settings: Sequence[str], folder: Path) -> dict[str, Path]:
    """Run a problem with each solver; gives the trajectory files."""
    files = {}
    for solver in ("finite_volume", "characteristics", "particles"):
        print(f"running {solver} ...", file=sys.stderr)
        files[solver] = folder / f"{solver}.h5"
        problem = open_problem(source, [*settings, f"solver.kind={solver}"])
        run(problem, files[solver], overwrite=True)
    return files


def compare_and_draw(first: Path, second: Path, figure: Path) -> Comparison:
    """Print the comparison of two files and draw it."""
    comparison = compare_files(first, second)
    show_comparison(comparison)
    save_figure(plot_comparison_of(comparison), figure)
    print(f"figure      {figure}\n")
    return comparison


def particle_errors(
    source: Path | str, settings: Sequence[str], reference: Trajectory, counts: Sequence[int], seeds: int
) -> FloatArray:
    """Root mean square over the seeds of the distance of predictors at the last time, shape (len(counts),)."""
    errors = np.empty((len(counts), seeds))
    for row, count in enumerate(counts):
        print(f"{seeds} runs with {count} particles ...", file=sys.stderr)
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


def show_rate(counts: Sequence[int], errors: FloatArray, seeds: int) -> None:
    """Print the table of particle errors and the exponent."""
    print(f"{'particles':>10s} {'rms distance of predictors':>28s}   ({seeds} seeds)")
    for count, error in zip(counts, errors, strict=True):
        print(f"{count:10d} {error:28.4e}")
    print(f"fitted exponent {fitted_exponent(counts, errors):.3f} (theory {EXPONENT})\n")


def check(what: str, found: float, holds: bool) -> bool:
    """Print a verdict."""
    print(f"{'PASS' if holds else 'FAIL'}  {what}: {found:.3g}")
    return holds


def validate(source: Path | str, *, quick: bool, folder: Path) -> bool:
    """Compare the three solvers on a problem, and measure the rate of random particles; gives whether all holds."""
    t_end = open_problem(source).config.solver.t_end
    settings = ["domain.cells=1024"] if quick else []
    times = [t_end * share for share in (0.05, 0.1, 0.25, 0.5, 1.0)]
    settings.append(f"output.times={times}")
    files = run_all(source, settings, folder)
    exact = compare_and_draw(files["finite_volume"], files["characteristics"], folder / "pde_vs_characteristics.png")
    compare_and_draw(files["finite_volume"], files["particles"], folder / "pde_vs_particles.png")
    counts, seeds = (QUICK_COUNTS, QUICK_SEEDS) if quick else (FULL_COUNTS, FULL_SEEDS)
    rate_settings = [*settings, f"solver.t_end={times[1]}", f"output.times=[{times[1]}]"]
    reference = run(open_problem(source, [*rate_settings, "solver.kind=characteristics"]))
    errors = particle_errors(source, rate_settings, reference, counts, seeds)
    show_rate(counts, errors, seeds)
    difference, exponent = float(exact.columns["difference"].max()), fitted_exponent(counts, errors)
    limit, band = LARGEST_DIFFERENCE[quick], EXPONENT_BAND[quick]
    agree = check(f"risks of grid and characteristics differ by at most {limit:g}", difference, difference <= limit)
    close = check(f"exponent within {band:g} of {EXPONENT:g}", exponent, abs(exponent - EXPONENT) <= band)
    return agree and close


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="a problem, or two trajectory files")
    parser.add_argument("--quick", action="store_true", help="coarser grid, fewer particles and seeds")
    parser.add_argument("--folder", type=Path, help="where files and figures go; a temporary folder by default")
    options = parser.parse_args(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="wgflow-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if len(options.files) == 2:
            first, second = options.files
            compare_and_draw(first, second, folder / "comparison.png")
            return 0
        source = options.files[0] if options.files else Path("teacher")
        return 0 if validate(source, quick=options.quick, folder=folder) else 1
    except WgflowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
