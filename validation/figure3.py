"""Figure 3 of Bach and Chizat (2022): how often stochastic gradient descent finds the teacher, by the width.

Teacher with 10 neurons, d = 100 inputs (or 20), students of 1 to 30 neurons, 30 repetitions, 10^4 steps with batches of
100 fresh samples. A run succeeds if its population risk, in closed form, ends below 1e-3. The published figure used the
rates 0.005 for the output layer and 0.5 for the input layer (in mean-field scaling); so do we, unless --equal-rates
asks for 0.005 on both, with which nothing succeeds in 10^4 steps. At d = 100 the counts are compared with the
published ones. All widths of a repetition see the same samples, unless --independent-samples gives each its own: the
law of each count is the same. With --population the same starts descend on the population risk itself, and the share
of (width, repetition) pairs with the same success is printed.

    python validation/figure3.py [--dimension 100] [--quick] [--population] [--equal-rates] [--independent-samples]
                                 [--precision float32] [--figure PNG]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy.stats import chi2

from wgflow.networks.training.students import StudentTraining, draw_students, draw_teacher
from wgflow.plotting import save_figure
from wgflow.plotting.style import styled_figure
from wgflow.system.threads import available_cores
from wgflow.typing import FloatArray

TEACHER_NEURONS = 10
SUCCESS = 1e-3  # of the population risk
PUBLISHED = dict(zip(range(9, 26), (0, 5, 11, 9, 21, 22, 16, 25, 26, 27, 28, 28, 28, 30, 29, 30, 30), strict=True))
LEAST_P_VALUE, LEAST_AGREEMENT = 0.05, 0.95


def repeat(seed: int, *, dimension: int, widths: Sequence[int], descents: Sequence[StudentTraining]) -> FloatArray:
    """Train students of all widths on one random teacher; final risks by each way from the same start."""
    generator = np.random.default_rng([dimension, seed])
    teacher = draw_teacher(TEACHER_NEURONS, dimension, generator)
    students = draw_students(widths, dimension, generator)
    return np.array([descent.train(students, teacher, generator).risks(teacher) for descent in descents])


def run_all(repetitions: int, processes: int, **options: object) -> FloatArray:
    """Final risks, shape (ways, repetitions, widths); one process on each core, each with one thread."""
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # read by the processes that start now
    work = partial(repeat, **options)  # type: ignore[arg-type]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        results = pool.map(work, range(repetitions))
        return np.stack(list(track(results, "repetitions", repetitions, console=Console(stderr=True))), axis=1)


def homogeneity(counts: FloatArray, widths: Sequence[int], repetitions: int) -> tuple[float, int]:
    """Probability that two samples of one law differ as much as our counts and the published ones.

    Chi-square test of homogeneity, one 2 x 2 table for each width that is not degenerate; gives the p-value and the
    number of these widths.
    """
    statistic, used = 0.0, 0
    for width, count in zip(widths, counts, strict=True):
        if width not in PUBLISHED:
            continue
        table = np.array([[count, repetitions - count], [PUBLISHED[width], 30 - PUBLISHED[width]]], dtype=np.float64)
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
        if expected.min() >= 1.0:
            statistic, used = statistic + float(((table - expected) ** 2 / expected).sum()), used + 1
    return float(chi2.sf(statistic, used)) if used else 1.0, used


def draw(widths: Sequence[int], rates: FloatArray, title: str, path: Path, *, published: bool) -> None:
    """Draw the share of successes over the width."""
    with styled_figure(3.2) as figure:
        axes = figure.subplots()
        axes.plot(widths, rates, marker="o", label="wgflow")
        if published:
            axes.plot(list(PUBLISHED), np.array(list(PUBLISHED.values())) / 30.0, "k+", label="published")
        axes.axvline(TEACHER_NEURONS, color="grey", linestyle=":", label="$m_0$, the width of the teacher")
        axes.set_xlabel("number of neurons $m$")
        axes.set_ylabel("share of successes")
        axes.set_title(title)
        axes.legend()
    save_figure(figure, path)


def report(counts: FloatArray, medians: FloatArray, widths: Sequence[int], *, published: bool) -> None:
    """Print successes and median risks by the width."""
    for width, count, median in zip(widths, counts, medians, strict=True):
        beside = f"   published {PUBLISHED[width]:2d}" if width in PUBLISHED and published else ""
        print(f"  m = {width:2d}   {count:2d}   {median:.1e}{beside}")


def check(risks: FloatArray, widths: Sequence[int], *, published: bool) -> bool:
    """Compare counts with the published ones, and labels with those of the population risk where it was followed."""
    successes, passed = risks < SUCCESS, True
    if published:
        p_value, used = homogeneity(successes[0].sum(axis=0), widths, risks.shape[1])
        passed = p_value > LEAST_P_VALUE
        print(f"{'PASS' if passed else 'FAIL'}  chi-square against published counts, {used} widths: p = {p_value:.2f}")
    if len(risks) == 2:
        share = float((successes[0] == successes[1]).mean())
        print(
            f"{'PASS' if share >= LEAST_AGREEMENT else 'FAIL'}  same success without samples: {share:.3f} of the runs"
        )
        passed = passed and share >= LEAST_AGREEMENT
    return passed


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimension", type=int, default=100, help="number of inputs")
    parser.add_argument("--quick", action="store_true", help="d = 5, 4 repetitions, 500 steps: seconds")
    parser.add_argument("--population", action="store_true", help="also without samples: half the time of SGD more")
    parser.add_argument("--equal-rates", action="store_true", help="0.005 for both layers")
    parser.add_argument("--independent-samples", action="store_true", help="own samples for each width: slower")
    parser.add_argument("--precision", choices=("float64", "float32"), default="float64", help="of the training")
    parser.add_argument("--processes", type=int, default=available_cores(), help="processes side by side")
    parser.add_argument("--figure", type=Path, default=Path("figure3.png"), help="picture to write")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment, print the counts, and compare them with the published ones."""
    options = parse(arguments)
    dimension, repetitions, widths = (5, 4, (5, 10, 30)) if options.quick else (options.dimension, 30, range(1, 31))
    descent = StudentTraining(
        500 if options.quick else 10_000,
        batch=100,
        output_rate=0.005,
        input_rate=0.005 if options.equal_rates else 0.5,
        precision=options.precision,
        common_samples=not options.independent_samples,
    )
    descents = [descent, replace(descent, batch=None)] if options.population else [descent]
    started = time.perf_counter()
    risks = run_all(repetitions, options.processes, dimension=dimension, widths=widths, descents=descents)
    counts, published = (risks[0] < SUCCESS).sum(axis=0), dimension == 100 and not options.equal_rates
    print(f"d = {dimension}, successes of {repetitions}, median risk, by the number of neurons")
    report(counts, np.median(risks[0], axis=0), widths, published=published)
    print(f"time        {time.perf_counter() - started:.1f} s on {options.processes} processes")
    title = f"$d = {dimension}$, rates {descent.output_rate:g} (output) and {descent.input_rate:g} (input layer)"
    draw(widths, counts / repetitions, title, options.figure, published=published)
    print(f"figure      {options.figure}")
    return 0 if check(risks, widths, published=published) else 1


if __name__ == "__main__":
    sys.exit(main())
