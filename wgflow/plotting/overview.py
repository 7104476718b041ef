"""One figure that shows a trajectory: what was learned, the measure over time, risk and mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from wgflow.plotting.heatmaps import draw_measure, measure_title
from wgflow.plotting.networks import choose_times, draw_disk, draw_polar, draw_profiles, draw_regression, time_label
from wgflow.plotting.scalars import draw_mass, draw_risk
from wgflow.plotting.sheets import Line, find_line, sheet_signs
from wgflow.plotting.style import styled_figure
from wgflow.problems import Problem
from wgflow.problems.models import QuadraticProblem
from wgflow.trajectory import Trajectory

REGRESSION, DISK, POLAR, PROFILES = "regression", "disk", "polar", "profiles"
HEIGHTS = {1: 3.2, 2: 6.4, 4: 7.0}  # inches, by the number of rows


@dataclass(frozen=True)
class _Plan:
    """What a figure will show: the kind of its first panel (or none), and the coordinate of the measure (or none)."""

    first: str | None
    line: Line | None


def plot_trajectory(trajectory: Trajectory, problem: Problem | None = None) -> Figure:
    """Draw a trajectory in the way that suits it.

    The measure over time (heat maps of the density, or paths of particles), risk and mass; and before them

    - for regression with one input and a bias, the data and the learned function at a few times;
    - with a teacher, particles in a disk (Figure 2 of Bach and Chizat, 2022) or the last densities around the circle;
    - for quadratic features, the density at a few times with the exact solution where it is known.

    Parameters
    ----------
    trajectory : Trajectory
        What `wgflow.run` returned or `wgflow.load` read.
    problem : Problem, optional
        Its problem, from `wgflow.open_problem` or `wgflow.load_problem`; it adds data, teacher and exact solution.

    Returns
    -------
    Figure
        A matplotlib figure; `save_figure` writes it to a file.
    """
    plan = _Plan(_first_panel(trajectory, problem), find_line(trajectory))
    signs = sheet_signs(trajectory)
    layout = _layout(plan, len(signs))
    with styled_figure(height=HEIGHTS[len(layout)]) as figure:
        panels = _make_panels(figure, layout, plan)
        times = choose_times(trajectory)
        if plan.first is not None:
            _draw_first(panels["first"], trajectory, problem, plan, times)
        draw_risk(panels["risk"], trajectory, times if plan.first in {REGRESSION, PROFILES} else None)
        draw_mass(panels["mass"], trajectory)
        if plan.line is not None:
            sheets = [panels[name] for name in ("sheet +", "sheet -")[: len(signs)]]
            draw_measure(sheets, trajectory, plan.line, problem.teacher if problem else None)
        if len(layout) == 4:
            _join(panels["risk"], panels["mass"])
        _add_titles(panels, _titles(trajectory, plan))
    return figure


def _first_panel(trajectory: Trajectory, problem: Problem | None) -> str | None:
    line = find_line(trajectory)
    if problem is None or line is None or not line.angular:
        return None
    if problem.teacher is not None:
        return DISK if trajectory.has_particles else POLAR
    if isinstance(problem.config.problem, QuadraticProblem) and len(sheet_signs(trajectory)) == 1:
        return PROFILES
    one_input = problem.dataset is not None and problem.dataset.input_shift.size == 1
    return REGRESSION if one_input else None


def _layout(plan: _Plan, sheets: int) -> list[list[str]]:
    """Rows of panels; a panel may span several places of the grid, which has 2 columns and 1, 2 or 4 rows."""
    scalars = ["risk", "mass"]
    if plan.line is None:
        return [scalars]
    pair = ["sheet +", "sheet -"]
    if plan.first is None:
        return [pair if sheets == 2 else ["sheet +"] * 2, scalars]
    if sheets == 2:
        return [["first", "risk"], ["first", "mass"], pair, pair]
    return [["first", "sheet +"], scalars]


def _make_panels(figure: Figure, layout: list[list[str]], plan: _Plan) -> dict[str, Axes]:
    polar: dict[Any, dict[str, Any]] = {"first": {"projection": "polar"}} if plan.first == POLAR else {}
    return cast("dict[str, Axes]", figure.subplot_mosaic(cast("Any", layout), per_subplot_kw=polar))


def _draw_first(axes: Axes, trajectory: Trajectory, problem: Problem | None, plan: _Plan, times: Any) -> None:
    assert problem is not None and plan.line is not None
    if plan.first == REGRESSION:
        assert problem.dataset is not None
        draw_regression(axes, trajectory, problem.dataset, times)
    elif plan.first == PROFILES:
        draw_profiles(axes, trajectory, problem, plan.line, times)
    else:
        assert problem.teacher is not None
        if plan.first == DISK:
            draw_disk(axes, trajectory, problem.teacher, plan.line)
        else:
            draw_polar(cast("PolarAxes", axes), trajectory, problem.teacher, plan.line)


def _join(upper: Axes, lower: Axes) -> None:
    """Leave the time axis of stacked panels to the lower one."""
    upper.sharex(lower)
    upper.tick_params(labelbottom=False)
    upper.set_xlabel("")


def _titles(trajectory: Trajectory, plan: _Plan) -> dict[str, str]:
    firsts = {
        REGRESSION: "Data and learned function $h_t(x)$",
        DISK: r"Neurons at $\tanh(|a||b|/2)\,\eta$",
        POLAR: f"Densities at {time_label(trajectory.time[-1])} (areas are masses)",
        PROFILES: r"Density of $\nu_t$ at a few times",
    }
    sheets = dict(zip(("sheet +", "sheet -"), (measure_title(trajectory, s) for s in (1.0, -1.0)), strict=True))
    return {"first": firsts.get(plan.first or "", ""), "risk": "Risk", "mass": "Mass", **sheets}


def _add_titles(panels: dict[str, Axes], titles: dict[str, str]) -> None:
    for letter, (name, axes) in zip("ABCDEF", panels.items(), strict=False):
        axes.set_title(rf"$\bf{{{letter}}}$   {titles[name]}")
