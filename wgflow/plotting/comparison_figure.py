"""One figure that shows two runs of the same problem side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wgflow.analysis.comparison import compared_output
from wgflow.flows.labels import Label
from wgflow.networks import Teacher
from wgflow.plotting.comparison_fits import RUN_DASHES, drawn_fit, ends, same_end
from wgflow.plotting.line_profiles import (
    Line,
    coordinate_of,
    find_line,
    has_density,
    measure_symbol,
    profile,
    set_line_limits,
    sheet_signs,
)
from wgflow.plotting.scalars import draw_band, is_log_spaced, set_time_axis, set_value_scale
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import CURVES, DASHES, RUNS, largest_finite, sign_color, sign_symbol, styled_figure
from wgflow.problems import Problem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

Curves = Mapping[str, tuple[FloatArray, FloatArray]]

DECADES = 5  # shown of densities and differences, at most


def plot_comparison(
    first: Trajectory,
    second: Trajectory,
    labels: tuple[str, str],
    problem: Problem | None = None,
    curves: Curves | None = None,
) -> Figure:
    """Draw two runs: risks (or F) and their relative difference, masses, last measures, and distances over time.

    Parameters
    ----------
    first, second : Trajectory
        Two runs of one problem, by any solvers.
    labels : tuple of str
        What to call them.
    problem : Problem, optional
        Their problem; it adds the directions of a teacher, and for networks what both have learned at the end, with the
        teacher or the data in their units: functions, predictions over data, or boundaries of two classes.
    curves : mapping of str to (times, values), optional
        Further curves over time, distances between the two for example.

    Returns
    -------
    Figure
        Densities are drawn as they are, particles as histograms of weight over bin width.

    Examples
    --------
    >>> import wgflow
    >>> settings = ["domain.cells=32", "solver.t_end=1.0", "output.snapshots=3", "particles.count=20"]
    >>> problem = wgflow.open_problem("el_nino", settings)
    >>> network = wgflow.open_problem("el_nino", [*settings, "solver.kind=particles"])
    >>> labels = ("infinitely many neurons", "20 neurons")
    >>> figure = wgflow.plot_comparison(wgflow.run(problem), wgflow.run(network), labels, problem)
    >>> [axes.get_ylabel() for axes in figure.axes][-1]
    'temperature'
    """
    line = find_line(first) if find_line(first) == find_line(second) else None
    signs = tuple(sorted({*sheet_signs(first), *sheet_signs(second)}, reverse=True))
    fit = drawn_fit((Shown(first, problem), Shown(second, problem)))
    layout = _layout(len(signs), line=line is not None, curves=bool(curves), fit=fit is not None)
    with styled_figure(height=(2.9 if curves else 2.4) * len(layout) + 0.3) as figure:
        panels = cast("dict[str, Axes]", figure.subplot_mosaic(cast("Any", layout)))
        runs = (first, second)
        draw_risks(panels["risk"], runs)
        draw_difference(panels["difference"], runs)
        draw_masses(panels["mass"], runs)
        if curves:
            draw_curves(panels["curves"], curves, first.labels.time)
        if line is not None:
            _draw_last(panels, runs, signs, line, problem.teacher if problem else None)
        if fit is not None:
            fit(panels["fit"])
        dashed = problem is not None and problem.teacher is not None
        titles = _titles(runs, [*panels], estimated=any(run.errors for run in runs), teacher=dashed)
        _finish(figure, panels, titles, labels)
    return figure


def _layout(sheets: int, *, line: bool, curves: bool, fit: bool) -> list[list[str]]:
    rows = [["risk", "mass"], ["difference", "curves" if curves else "mass"]]
    if line:
        rows.append(["sheet +", "sheet -"] if sheets == 2 else ["sheet +", "sheet +"])
    if fit:
        rows.append(["fit", "fit"])
    return rows


def draw_risks(axes: Axes, runs: tuple[Trajectory, Trajectory]) -> None:
    """Risks of both runs over time, or F of energies."""
    name = compared_output(*runs)
    for run, color, dashes in zip(runs, RUNS, RUN_DASHES, strict=True):
        axes.plot(run.time, run.scalars[name], color=color, linestyle=dashes)
    time = _longest(runs)
    set_time_axis(axes, time, runs[0].labels.time)
    if runs[0].labels.falling == "risk":
        set_value_scale(axes, np.concatenate([run.risk for run in runs]), log_time=is_log_spaced(time))
    for run, color in zip(runs, RUNS, strict=True):
        draw_band(axes, run, name, color=color)
    axes.set_ylabel(runs[0].labels.of(name).axis())


def draw_difference(axes: Axes, runs: tuple[Trajectory, Trajectory]) -> None:
    """Relative difference of what falls at the times of the first run that the second one covers.

    Dotted are its estimated errors; a difference below them says nothing.
    """
    time, values = risk_difference(*runs)
    axes.plot(time, values, color=RUNS[0])
    estimates = {
        color: (run, _estimated(run, compared_output(*runs)))
        for run, color in zip(runs, RUNS, strict=True)
        if run.errors
    }
    for color, (run, errors) in estimates.items():
        axes.plot(run.time, errors, color=color, linestyle=":")
    set_time_axis(axes, _longest(runs), runs[0].labels.time)
    highest = float(values.max(initial=0.0))
    if highest > 0.0:
        axes.set_yscale("log")
        lowest = float(values.min(where=values > 0.0, initial=highest))
        top = max([highest, *(float(np.nan_to_num(errors).max()) for _, errors in estimates.values())])
        axes.set_ylim(max(lowest, highest * 10.0**-DECADES) / 1.5, 1.5 * top)
    else:
        axes.set_ylim(0.0, 1.0)
    axes.set_ylabel(_difference_label(runs))


def risk_difference(first: Trajectory, second: Trajectory) -> tuple[FloatArray, FloatArray]:
    """Times of the first run that the second one covers, and the relative difference there.

    It is ``|R_1 - R_2| / |R_2|`` for risks (R_2 interpolated), and ``|F_1 - F_2|`` over the whole change of F_2 for
    energies, whose zero means nothing.
    """
    name = compared_output(first, second)
    covered = (first.time >= second.time[0]) & (first.time <= second.time[-1])
    reference = np.interp(first.time[covered], second.time, second.scalars[name])
    difference = np.abs(first.scalars[name][covered] - reference)
    scale = _scale(second, name, reference)
    return first.time[covered], np.divide(difference, scale, where=scale != 0.0, out=difference)


def _scale(run: Trajectory, name: str, values: FloatArray) -> FloatArray:
    """What differences are divided by: the values themselves, or the range of an energy."""
    if run.labels.falling == "risk":
        return np.abs(values)
    return np.full(values.shape, float(np.ptp(run.scalars[name])))


def _difference_label(runs: tuple[Trajectory, Trajectory]) -> str:
    if runs[0].labels.falling == "risk":
        return r"$|R_1 - R_2| \,/\, |R_2|$"
    return r"$|F_1 - F_2| \,/\, (\max F_2 - \min F_2)$"


def _estimated(run: Trajectory, name: str) -> FloatArray:
    """Estimated error over the value, or the range of an energy; NaN where one of them is not known or 0."""
    values = run.scalars[name]
    unknown, scale = np.full(values.shape, np.nan), _scale(run, name, values)
    return np.divide(run.errors[name], scale, where=scale != 0.0, out=unknown)


def draw_masses(axes: Axes, runs: tuple[Trajectory, Trajectory]) -> None:
    """Total masses of both runs over time."""
    for run, color, dashes in zip(runs, RUNS, RUN_DASHES, strict=True):
        axes.plot(run.time, run.mass, color=color, linestyle=dashes)
    set_time_axis(axes, _longest(runs), runs[0].labels.time)
    axes.set_ylim(0.0, 1.08 * max(largest_finite(run.mass) for run in runs))
    axes.set_ylabel(runs[0].labels.mass.axis(f"{measure_symbol(runs[0])}_t"))


def draw_curves(axes: Axes, curves: Curves, time_axis: Label) -> None:
    """Named curves over time."""
    used: Counter[str] = Counter()
    for name, (time, values) in curves.items():
        color = _curve_color(name, len(used))
        dashes = RUN_DASHES[used[color] % len(RUN_DASHES)]
        used[color] += 1
        axes.plot(time, values, color=color, linestyle=dashes, marker="o", markersize=2.5, label=_curve_label(name))
    times, values = (np.concatenate([curve[i] for curve in curves.values()]) for i in (0, 1))
    set_time_axis(axes, np.unique(times), time_axis)
    set_value_scale(axes, values[np.isfinite(values)])
    axes.set_ylabel("distance")
    _make_room_above(axes)
    axes.legend(loc="upper center", ncols=3, columnspacing=1.2)


def _curve_color(name: str, position: int) -> str:
    """Curves of a sheet, whose names end in its sign, have its colour."""
    if name[-1:] in {"+", "-"}:
        return sign_color(1.0 if name[-1] == "+" else -1.0)
    return CURVES[position % len(CURVES)]


def _curve_label(name: str) -> str:
    """Write ``W2+`` as a symbol, ``SW2`` as one of a sliced distance; other names stay as they are."""
    found = re.fullmatch(r"(S?W)(\d+)([+-]?)", name)
    return rf"${found[1]}_{{{found[2]}}}^{{{found[3]}}}$" if found else name


def _make_room_above(axes: Axes) -> None:
    """Extend the value axis by half of its length, for a legend."""
    bottom, top = axes.get_ylim()
    if axes.get_yscale() == "log":
        axes.set_ylim(bottom, top * (top / bottom) ** 0.5)
    else:
        axes.set_ylim(bottom, top + 0.5 * (top - bottom))


def _draw_last(
    panels: Mapping[str, Axes],
    runs: tuple[Trajectory, Trajectory],
    signs: tuple[float, ...],
    line: Line,
    teacher: Teacher | None,
) -> None:
    for sign, name in zip(signs, ("sheet +", "sheet -"), strict=False):
        draw_last_measures(panels[name], runs, sign, line)
        if teacher is not None and line.angular:
            _mark_teacher(panels[name], teacher, sign if len(signs) == 2 else None, line)
        symbol = f"^{sign_symbol(sign)}" if len(signs) == 2 else ""
        panels[name].set_ylabel(rf"density of ${measure_symbol(runs[0])}_T{symbol}$")


def draw_last_measures(axes: Axes, runs: tuple[Trajectory, Trajectory], sign: float, line: Line) -> None:
    """Last density of a sheet of both runs, as steps; log scale, ``DECADES`` decades at most."""
    highest, lowest = 0.0, np.inf
    for run, color, dashes in zip(runs, RUNS, RUN_DASHES, strict=True):
        edges, heights = profile(run, -1, sign, line)
        if has_density(run):
            axes.stairs(heights, edges, baseline=None, color=color, linestyle=dashes, linewidth=1.3)
        else:
            axes.stairs(heights, edges, fill=True, color=color, alpha=0.45)
        highest = max(highest, float(heights.max()))
        lowest = min(lowest, float(heights.min(where=heights > 0.0, initial=np.inf)))
    set_line_limits(axes, line)
    _set_density_axis(axes, lowest, highest)


def _set_density_axis(axes: Axes, lowest: float, highest: float) -> None:
    """Log scale for densities that spread over more than two decades."""
    if not highest > 0.0:
        axes.set_ylim(0.0, 1.0)
    elif lowest < 0.01 * highest:
        axes.set_yscale("log")
        axes.set_ylim(max(0.5 * lowest, highest * 10.0**-DECADES), 2.0 * highest)
    else:
        axes.set_ylim(0.0, 1.08 * highest)


def _mark_teacher(axes: Axes, teacher: Teacher, sign: float | None, line: Line) -> None:
    angles = coordinate_of(teacher.directions, line)
    for angle, weight in zip(angles, teacher.weights, strict=True):
        if sign is None or weight * sign > 0.0:
            axes.axvline(angle, color=sign_color(weight), linestyle=DASHES, linewidth=0.9, zorder=0)


def _longest(runs: tuple[Trajectory, Trajectory]) -> FloatArray:
    """Times of the run that goes further."""
    return max((run.time for run in runs), key=lambda time: float(time[-1]))


def _titles(
    runs: tuple[Trajectory, Trajectory], panels: list[str], *, estimated: bool, teacher: bool
) -> dict[str, str]:
    """Titles of the panels by their names."""
    labels, name = runs[0].labels, compared_output(*runs)
    dotted = " (dotted: estimated errors)" if estimated else ""
    dashed = "dashed: teacher" if teacher else ""
    last = "" if same_end(runs) else f"at {ends(runs)}"
    return {
        "risk": labels.of(name).panel,
        "mass": labels.mass.panel,
        "difference": f"Relative difference of {'the risks' if labels.falling == 'risk' else '$F$'}{dotted}",
        "curves": "Distances",
        "sheet +": _last_title("output weights $+$" if "sheet -" in panels else "", last, dashed),
        "sheet -": _last_title("output weights $-$", last, dashed),
    }


def _finish(figure: Figure, panels: Mapping[str, Axes], titles: Mapping[str, str], labels: tuple[str, str]) -> None:
    for letter, (name, axes) in zip("ABCDEFG", panels.items(), strict=False):
        axes.set_title(rf"$\bf{{{letter}}}$   {titles.get(name) or axes.get_title(loc='left')}")
    handles = [Line2D([], [], color=color, linestyle=dashes) for color, dashes in zip(RUNS, RUN_DASHES, strict=True)]
    figure.legend(handles, list(labels), loc="outside upper center", ncols=2)


def _last_title(*notes: str) -> str:
    shown = ", ".join(note for note in notes if note)
    return f"Last measure ({shown})" if shown else "Last measure"
