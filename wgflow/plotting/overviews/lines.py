"""Runs on circles and intervals: what was learned or the density at a few times, the measure over time, scalars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from matplotlib.axes import Axes

from wgflow.plotting.fits import fit_panel
from wgflow.plotting.heatmaps import draw_measure, measure_title
from wgflow.plotting.layout import Panel, PanelRow, beside, single
from wgflow.plotting.line_profiles import Line, measure_symbol
from wgflow.plotting.networks import draw_disk, draw_polar, draw_profiles, draw_rest, time_label
from wgflow.plotting.overviews.kinds import RunKind
from wgflow.plotting.panels import FALL, FALLING, MASSES, scalar_panels
from wgflow.plotting.references import rest_density, rest_name, target_samples
from wgflow.plotting.shown import Shown

UPPER, LOWER = 3.6, 2.9  # inches, of a row
HISTOGRAMS = 3  # of particles, in a panel


def _with_data(shown: Shown) -> bool:
    return _on_circle(shown) and shown.dataset is not None and fit_panel(shown) is not None


def _with_teacher(shown: Shown) -> bool:
    return _on_circle(shown) and shown.teacher is not None


def _on_circle(shown: Shown) -> bool:
    return shown.line is not None and shown.line.angular


def _data_rows(shown: Shown) -> list[PanelRow]:
    fit = cast("Panel", fit_panel(shown, 1.1))
    return [PanelRow(UPPER, ((fit,), (FALLING, MASSES))), _measure_row(shown)]


def _teacher_rows(shown: Shown) -> list[PanelRow]:
    end = single(_draw_neurons) if shown.trajectory.has_particles else single(_draw_polar, projection="polar")
    return [PanelRow(UPPER, ((end,), (FALLING, FALL))), _measure_row(shown)]


def _line_rows(shown: Shown) -> list[PanelRow]:
    measure, scalars = _measure_panel(shown), scalar_panels(shown)
    if len(shown.signs) == 2:
        return [PanelRow(UPPER, ((single(_draw_profiles),), scalars[:2])), beside(LOWER, measure)]
    return [beside(UPPER, single(_draw_profiles), measure), beside(LOWER, *scalars)]


def _measure_row(shown: Shown) -> PanelRow:
    return beside(LOWER, _measure_panel(shown))


def _measure_panel(shown: Shown) -> Panel:
    return Panel(_draw_sheets, len(shown.signs))


def _draw_sheets(panels: Sequence[Axes], shown: Shown) -> None:
    teacher = shown.teacher
    draw_measure(panels[0].figure, panels, shown.trajectory, cast(Line, shown.line), teacher)
    for axes, sign in zip(panels, shown.signs, strict=True):
        axes.set_title(measure_title(shown.trajectory, sign, marked="teacher" if teacher is not None else ""))


def _draw_profiles(axes: Axes, shown: Shown) -> None:
    line, trajectory = cast(Line, shown.line), shown.trajectory
    times = shown.times if shown.has_density else shown.few(HISTOGRAMS)
    draw_profiles(axes, trajectory, shown.problem, line, times)
    draw_rest(axes, trajectory, rest_density(shown), target_samples(shown), line, rest_name(shown))
    axes.set_title(rf"Density of ${measure_symbol(trajectory)}_t$ at a few times")


def _draw_neurons(axes: Axes, shown: Shown) -> None:
    draw_disk(axes, shown.trajectory, shown.teacher, cast(Line, shown.line))  # type: ignore[arg-type]
    axes.set_title(r"Neurons at $\tanh(|a||b|/2)\,\eta$")


def _draw_polar(axes: Axes, shown: Shown) -> None:
    trajectory = shown.trajectory
    draw_polar(axes, trajectory, shown.teacher, cast(Line, shown.line))  # type: ignore[arg-type]
    at = time_label(trajectory.time[-1], trajectory.labels.time)
    axes.set_title(f"Densities at {at} (areas show masses)")


CIRCLE_DATA = RunKind("circle, data", _with_data, _data_rows)
CIRCLE_TEACHER = RunKind("circle, teacher", _with_teacher, _teacher_rows)
LINE = RunKind("line", lambda shown: shown.line is not None, _line_rows)
