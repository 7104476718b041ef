"""Figure 3 of Bach and Chizat (2022) with m = infinity: students beside the flow, rows and a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from wgflow.app.validation import Row, Setting, measured
from wgflow.plotting import save_figure
from wgflow.plotting.style import BLUE, CURVES, GREEN, GREY, ORANGE, VERMILLION, styled_figure
from wgflow.typing import FloatArray

from ._processes import side_by_side
from ._symmetric_students import SUCCESS, Risks, descent_risks, pair

TRAINED, STEP, BATCH = 50.0, 0.1, 100  # time, steps and samples of students
MARKS = np.round(np.geomspace(0.5, TRAINED, 15), 1)  # multiples of the step
REPETITIONS = 30
PAIR_REPETITIONS = 10  # of each of the students of two neurons
WIDE = {300: 10, 1000: 4}  # repetitions of descent on the population risk, whose band is narrow there
SHOWN = 10, 100, 1000  # widths with curves
ANGLES = {0.5: CURVES[0], 1.0: ORANGE, 2.0: CURVES[1]}  # and their colours
BAND = 0.1, 0.9  # quantiles


class Case(NamedTuple):
    """Teachers: numbers of inputs, the angle between two neurons or None of one, the second one's weight."""

    inputs: int
    angle: float | None = None
    second: float = 1.0

    @property
    def text(self) -> str:
        """What it is called in rows."""
        one = self.angle is None
        return f"d = {self.inputs}, " + ("one neuron" if one else f"two at {self.angle:g}, weights 1, {self.second:g}")


class Job(NamedTuple):
    """One student: its teacher, width, seed, and samples in a batch (None without samples)."""

    case: Case
    width: int
    batch: int | None
    seed: int

    @property
    def cost(self) -> float:
        """About how long it takes: sums over all pairs of neurons, or over neurons and samples."""
        return float(self.case.inputs * self.width * (self.width if self.batch is None else 10 + self.batch))


Curves = Mapping[tuple[Case, int, int | None], FloatArray]
"""Risks (repetitions, times) by teacher, width and batch."""


def train(cases: Mapping[Case, tuple[int, ...]], setting: Setting, repetitions: int) -> Curves:
    """Risks of students of each teacher at given widths, with and without samples, at the times of ``MARKS``."""
    jobs = [
        Job(case, width, batch, seed)
        for case, widths in cases.items()
        for width in widths
        for batch in (None, BATCH)
        for seed in range(min(repetitions, _most(case, width, batch)))
    ]
    jobs.sort(key=lambda job: -job.cost)  # the longest ones first, so that processes end together
    found: dict[tuple[Case, int, int | None], list[FloatArray]] = {}
    for job, risks in zip(jobs, side_by_side(_risks, jobs, setting, "students"), strict=True):
        found.setdefault((job.case, job.width, job.batch), []).append(risks)
    return {
        (case, width, batch): np.array(found[case, width, batch])
        for case, widths in cases.items()
        for width in widths
        for batch in (None, BATCH)
    }


def _most(case: Case, width: int, batch: int | None) -> int:
    """Repetitions at most."""
    if case.angle is not None:
        return PAIR_REPETITIONS
    return REPETITIONS if batch else WIDE.get(width, REPETITIONS)


def _risks(job: Job) -> FloatArray:
    return descent_risks(pair(*job.case), job.width, job.seed, MARKS, STEP, job.batch)


def success_rows(curves: Curves, flows: Mapping[Case, Risks]) -> Iterator[Row]:
    """Counts of students that found the teacher, with their mean risk at the end and that of the flow."""
    for case, width in dict.fromkeys((case, width) for case, width, _ in curves):
        counts = {batch: _counts(curves[case, width, batch]) for batch in (None, BATCH)}
        means = {batch: curves[case, width, batch][:, -1].mean() for batch in (None, BATCH)}
        least = np.interp(TRAINED, flows[case].time, flows[case].risk)
        beside = f"SGD {counts[BATCH]}; mean risks {means[None]:.2e}, {means[BATCH]:.2e}, m = infinity {least:.2e}"
        yield measured(f"{case.text}, m = {width}: successes by t = {TRAINED:g}", counts[None], beside)


def _counts(risks: FloatArray) -> str:
    return f"{int((risks[:, -1] < SUCCESS).sum())} of {len(risks)}"


def draw(curves: Curves, flows: Mapping[Case, Risks], path: Path) -> None:
    """Draw risks over time at finite and infinite width, at infinite width alone, and the successes over the width."""
    students = list(dict.fromkeys(case for case, _, _ in curves if case.angle is None))
    with styled_figure(6.2) as figure:
        rows = figure.subplots(2, 3)
        for axes, case in zip(rows[0], students, strict=False):
            _draw_students(axes, curves, case, flows[case])
        rows[0, 0].set_ylabel("population risk")
        rows[0, 0].legend(loc="lower left")
        _draw_flows(rows[1, 0], flows)
        _draw_pairs(rows[1, 1], flows)
        rows[1, 0].set_ylabel("population risk")
        _draw_successes(rows[1, 2], curves)
    save_figure(figure, path)


def _draw_students(axes: Axes, curves: Curves, case: Case, flow: Risks) -> None:
    """Means and bands of students over time, and the flow."""
    widths = [width for width in SHOWN if (case, width, BATCH) in curves]
    for width, shade in zip(widths, np.linspace(0.75, 0.25, len(widths)), strict=True):
        colour = matplotlib.colormaps["viridis"](shade)
        sgd, population = curves[case, width, BATCH], curves[case, width, None]
        axes.fill_between(MARKS, *np.quantile(sgd, BAND, axis=0), color=colour, alpha=0.25, linewidth=0.0)
        axes.loglog(MARKS, sgd.mean(axis=0), color=colour, label=f"SGD, $m = {width}$")
        label = "no samples" if width == widths[-1] else None
        axes.loglog(MARKS, population.mean(axis=0), ":", color=colour, linewidth=2.2, label=label)
    shown = (flow.time > 0.0) & (flow.time <= TRAINED)
    axes.loglog(flow.time[shown], flow.risk[shown], "--", color="black", label=r"$m = \infty$")
    axes.set_title(f"One teacher neuron, $d = {case.inputs}$")
    axes.set_xlim(MARKS[0], TRAINED)
    axes.set_xlabel("time")


def _draw_flows(axes: Axes, flows: Mapping[Case, Risks]) -> None:
    """One teacher neuron, in all numbers of inputs."""
    chosen = {case: flow for case, flow in flows.items() if case.angle is None}
    for (case, flow), shade in zip(chosen.items(), np.linspace(0.0, 0.85, len(chosen)), strict=True):
        colour = matplotlib.colormaps["plasma"](shade)
        axes.loglog(flow.time[1:], flow.risk[1:], color=colour, label=f"$d = {case.inputs}$")
    axes.set_title(r"One teacher neuron, $m = \infty$")
    axes.set_xlabel("time")
    axes.legend(loc="lower left")


def _draw_pairs(axes: Axes, flows: Mapping[Case, Risks]) -> None:
    """Two teacher neurons, in the number of inputs nearest to a hundred."""
    pairs = [case for case in flows if case.angle is not None]
    inputs = min((case.inputs for case in pairs), key=lambda count: abs(count - 100))
    for case in pairs:
        if case.inputs == inputs and case.angle is not None:
            flow, equal = flows[case], case.second > 0.0
            label = f"angle {case.angle:g}" if equal else None
            axes.loglog(flow.time[1:], flow.risk[1:], "-" if equal else "--", color=ANGLES[case.angle], label=label)
    axes.plot([], [], "--", color=GREY, label="opposite signs")
    axes.set_title(rf"Two teacher neurons, $m = \infty$, $d = {inputs}$")
    axes.set_xlabel("time")
    axes.legend(loc="lower left")


def _draw_successes(axes: Axes, curves: Curves) -> None:
    """Shares of students that found the teacher."""
    cases = dict.fromkeys(case for case, _, _ in curves if case.angle is None)
    for case, colour in zip(cases, (VERMILLION, BLUE, GREEN, ORANGE), strict=False):
        for batch, line in ((None, ":"), (BATCH, "-")):
            risks = {width: found for (other, width, used), found in curves.items() if (other, used) == (case, batch)}
            share = [(found[:, -1] < SUCCESS).mean() for found in risks.values()]
            label = f"SGD, $d = {case.inputs}$" if batch else None
            axes.semilogx(list(risks), share, line, marker="o", markersize=4.0, color=colour, label=label)
    axes.plot([], [], ":", color=GREY, label="no samples")
    axes.set_xlabel("number of neurons $m$")
    axes.set_title(f"Share of risks below {SUCCESS:g} at $t = {TRAINED:g}$")
    axes.legend(loc="lower right")
