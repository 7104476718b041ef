"""Figure 3 of Bach and Chizat (2022): how often stochastic gradient descent finds the teacher, by the width.

Teacher with 10 neurons, d = 100 inputs (or others), students of 1 to 30 neurons, 30 repetitions, 10^4 steps with
batches of 100 fresh samples. A run succeeds if its population risk, in closed form, ends below 1e-3. The published
figure used the rates 0.005 for the output layer and 0.5 for the input layer (in mean-field scaling); so do we, unless
``equal_rates=true`` asks for 0.005 on both, with which nothing succeeds in 10^4 steps. At d = 100 the counts are
compared with the published ones. All widths of a repetition see the same samples, unless ``independent_samples=true``
gives each its own: the law of each count is the same. With ``population=true``, and in quick runs, the same starts
descend on the population risk itself, and succeed in the same (width, repetition) pairs but for few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import chi2

from wgflow.app.validation import Row, Setting, at_least, measured
from wgflow.networks.training.students import StudentTraining, draw_students, draw_teacher
from wgflow.plotting import save_figure
from wgflow.plotting.style import styled_figure
from wgflow.typing import FloatArray

from ._processes import side_by_side

TEACHER_NEURONS = 10
SUCCESS = 1e-3  # of the population risk
OUTPUT_RATE, INPUT_RATE = 0.005, 0.5
PUBLISHED = dict(zip(range(9, 26), (0, 5, 11, 9, 21, 22, 16, 25, 26, 27, 28, 28, 28, 30, 29, 30, 30), strict=True))
LEAST_P_VALUE, LEAST_AGREEMENT = 0.05, 0.95


def repeat(seed: int, *, dimension: int, widths: Sequence[int], descents: Sequence[StudentTraining]) -> FloatArray:
    """Train students of all widths on one random teacher; final risks by each way from the same start."""
    generator = np.random.default_rng([dimension, seed])
    teacher = draw_teacher(TEACHER_NEURONS, dimension, generator)
    students = draw_students(widths, dimension, generator)
    return np.array([descent.train(students, teacher, generator).risks(teacher) for descent in descents])


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


def rows_of(risks: FloatArray, dimension: int, widths: Sequence[int], *, published: bool) -> Iterator[Row]:
    """Counts of successes, compared with the published ones, and with those of the population risk if it was followed.

    The risks have the shape (ways, repetitions, widths).
    """
    successes = risks < SUCCESS
    counts, repetitions = successes[0].sum(axis=0), risks.shape[1]
    for width, count, median in zip(widths, counts, np.median(risks[0], axis=0), strict=True):
        beside = f", published {PUBLISHED[width]}" if width in PUBLISHED and published else ""
        what = f"d = {dimension}, m = {width}: successes of {repetitions}"
        yield measured(what, int(count), f"median risk {median:.1e}{beside}")
    if published:
        p_value, used = homogeneity(counts, widths, repetitions)
        what = f"d = {dimension}: chi-square of the counts against the published ones, p"
        yield at_least(what, p_value, LEAST_P_VALUE, f"{used} widths").quote()
    if len(risks) == 2:
        share = float((successes[0] == successes[1]).mean())
        what = f"d = {dimension}: share of runs that end the same without samples"
        yield at_least(what, share, LEAST_AGREEMENT).quote()


def draw_rates(axes: Axes, widths: Sequence[int], rates: FloatArray, title: str, *, published: bool) -> None:
    """Draw the share of successes over the width."""
    axes.plot(widths, rates, marker="o", label="wgflow")
    if published:
        axes.plot(list(PUBLISHED), np.array(list(PUBLISHED.values())) / 30.0, "k+", label="published")
    axes.axvline(TEACHER_NEURONS, color="grey", linestyle=":", label="$m_0$, the width of the teacher")
    axes.set_xlabel("number of neurons $m$")
    axes.set_ylabel("share of successes")
    axes.set_title(title)
    axes.legend()


def draw(found: Mapping[int, FloatArray], widths: Sequence[int], input_rate: float, path: Path) -> None:
    """Draw a panel for each dimension."""
    with styled_figure(3.2) as figure:
        panels = figure.subplots(1, len(found), squeeze=False)[0]
        for axes, (dimension, risks) in zip(panels, found.items(), strict=True):
            title = f"$d = {dimension}$, rates {OUTPUT_RATE:g} (output) and {input_rate:g} (input layer)"
            rates = (risks[0] < SUCCESS).mean(axis=0)
            draw_rates(axes, widths, rates, title, published=is_published(dimension, input_rate))
    save_figure(figure, path)


def is_published(dimension: int, input_rate: float) -> bool:
    """Whether the published counts are those of these runs."""
    return dimension == 100 and input_rate == INPUT_RATE


def validate(
    setting: Setting,
    *,
    dimensions: tuple[int, ...] = (100,),
    population: bool = False,
    equal_rates: bool = False,
    independent_samples: bool = False,
    precision: Literal["float64", "float32"] = "float64",
) -> Iterator[Row]:
    """Run the experiment, and compare the counts; quick, with d = 5 and 4 repetitions.

    Parameters
    ----------
    setting : Setting
        How much is computed.
    dimensions : tuple of int
        Numbers of inputs.
    population : bool
        Also without samples: half the time of SGD more.
    equal_rates : bool
        0.005 for both layers.
    independent_samples : bool
        Own samples for each width: slower.
    precision : str
        Of the training.
    """
    quick, widths = setting.quick, (5, 10, 30) if setting.quick else range(1, 31)
    descent = StudentTraining(
        10_000,
        batch=100,
        output_rate=OUTPUT_RATE,
        input_rate=OUTPUT_RATE if equal_rates else INPUT_RATE,
        precision=precision,
        common_samples=not independent_samples,
    )
    descents = [descent, replace(descent, batch=None)] if population or quick else [descent]
    found = {}
    for dimension in (5,) if quick else dimensions:
        work = partial(repeat, dimension=dimension, widths=widths, descents=descents)
        repetitions = side_by_side(work, range(4 if quick else 30), setting, f"repetitions, d = {dimension}")
        found[dimension] = np.stack(repetitions, axis=1)
        published = is_published(dimension, descent.input_rate)
        yield from rows_of(found[dimension], dimension, widths, published=published)
    draw(found, widths, descent.input_rate, setting.file())
