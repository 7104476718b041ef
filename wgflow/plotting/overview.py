"""One figure that shows a trajectory: what was learned, the measure over time, risk and mass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wgflow.plotting.characteristics import plot_characteristics, shows_deformed_mesh
from wgflow.plotting.gaps import draw_gap
from wgflow.plotting.heatmaps import draw_measure, measure_title
from wgflow.plotting.line_profiles import Line, find_line, measure_symbol, sheet_signs
from wgflow.plotting.maps import plot_maps, shows_maps
from wgflow.plotting.networks import (
    choose_times,
    draw_disk,
    draw_layers,
    draw_polar,
    draw_profiles,
    draw_regression,
    time_label,
)
from wgflow.plotting.particle_maps import plot_particle_map, shows_particle_map
from wgflow.plotting.regions import plot_regions, shows_regions
from wgflow.plotting.scalars import draw_mass, draw_risk, energy_curve_of
from wgflow.plotting.spikes import SPIKES_NOTE, line_spikes
from wgflow.plotting.style import styled_figure
from wgflow.problems import Problem
from wgflow.problems.models import EnergyProblem, QuadraticProblem
from wgflow.trajectory import Trajectory
from wgflow.typing import IntArray

HEIGHTS = {1: 3.2, 2: 6.4, 4: 7.0}  # inches, by the number of rows
LAYERS_HEIGHT = 4.2  # without panels of the measure
SHEETS = ("sheet +", "sheet -")


@dataclass(frozen=True)
class _First:
    """The first panel, which shows what was learned: its title, how it is drawn, and the outputs that it shows."""

    title: str
    draw: Callable[[Axes], None]
    times: IntArray | None = None
    polar: bool = False


def plot_trajectory(trajectory: Trajectory, problem: Problem | None = None) -> Figure:
    """Draw a trajectory in the way that suits it.

    The measure over time (heat maps of the density, or paths of particles), risk and mass; and before them

    - for regression with one input and a bias, the data and the learned function at a few times;
    - for classification with two inputs, the data and the regions of both classes at a few times;
    - with a teacher, particles in a disk (Figure 2 of Bach and Chizat, 2022) or the last densities around the circle;
    - for quadratic features, for energies and on intervals, the density at a few times, with the exact solution
      where it is known;
    - for networks of more than two inputs whose layers both move, output against input weights.

    Densities on spheres and on boxes of two or three dimensions are drawn as maps at a few times, particles there as
    dots at the last time with their paths; of characteristics there the mesh of the nodes, see `plot_characteristics`.

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

    Examples
    --------
    >>> problem = wgflow.open_problem("quadratic", ["domain.cells=16", "output.snapshots=3"])
    >>> figure = wgflow.plot_trajectory(wgflow.run(problem), problem)
    >>> len(figure.axes) > 3
    True
    """
    if problem is not None and shows_regions(problem):
        return plot_regions(trajectory, problem)
    if shows_deformed_mesh(trajectory) and find_line(trajectory, problem) is None:
        return plot_characteristics(trajectory)
    if shows_maps(trajectory):
        return plot_maps(trajectory, problem)
    if shows_particle_map(trajectory):
        return plot_particle_map(trajectory, problem)
    line, signs = find_line(trajectory, problem), sheet_signs(trajectory)
    first = _choose_first(trajectory, problem, line)
    teacher = problem.teacher if problem is not None else None
    layout = _layout(len(signs), first=first is not None, measure=line is not None)
    height = LAYERS_HEIGHT if first is not None and line is None else HEIGHTS[len(layout)]
    with styled_figure(height) as figure:
        panels = _make_panels(figure, layout, polar=first is not None and first.polar)
        titles = {"risk": energy_curve_of(trajectory).title, "mass": trajectory.labels.mass.panel}
        if first is not None:
            first.draw(panels["first"])
            titles["first"] = first.title
        draw_risk(panels["risk"], trajectory, None if first is None else first.times)
        draw_gap(panels["risk"], trajectory)
        draw_mass(panels["mass"], trajectory)
        if line is not None:
            draw_measure(figure, [panels[name] for name in SHEETS[: len(signs)]], trajectory, line, teacher)
            for name, sign in zip(SHEETS, signs, strict=False):
                titles[name] = _sheet_title(trajectory, problem, sign)
                line_spikes(panels[name], problem, sign, line)
        if first is not None and len(layout) in (2, 4) and layout[0][1] == "risk":
            _join(panels["risk"], panels["mass"])
        _add_titles(panels, titles)
    return figure


def _sheet_title(trajectory: Trajectory, problem: Problem | None, sign: float) -> str:
    if problem is not None and problem.spikes is not None:
        return measure_title(trajectory, sign, dashed=SPIKES_NOTE, weights="weights")
    return measure_title(trajectory, sign, dashed="teacher" if problem is not None and problem.teacher else "")


def _choose_first(trajectory: Trajectory, problem: Problem | None, line: Line | None) -> _First | None:
    if line is None and problem is not None and problem.has_pairs and trajectory.has_particles:
        return _First(
            "Neurons: output weight and length of the input weights", partial(draw_layers, trajectory=trajectory)
        )
    if line is None or (problem is None and line.angular):
        return None
    times = choose_times(trajectory)
    if problem is None or not line.angular:
        draw = partial(draw_profiles, trajectory=trajectory, problem=problem, line=line, times=times)
        return _First(rf"Density of ${measure_symbol(trajectory)}_t$ at a few times", draw, times)
    if problem.teacher is not None:
        network = draw_disk if trajectory.has_particles else draw_polar
        draw = partial(network, trajectory=trajectory, teacher=problem.teacher, line=line)
        if trajectory.has_particles:
            return _First(r"Neurons at $\tanh(|a||b|/2)\,\eta$", draw)
        return _First(
            f"Densities at {time_label(trajectory.time[-1], trajectory.labels.time)} (areas show masses)",
            draw,
            polar=True,
        )
    section, single = problem.config.problem, len(sheet_signs(trajectory)) == 1
    if isinstance(section, EnergyProblem) or (isinstance(section, QuadraticProblem) and single):
        draw = partial(draw_profiles, trajectory=trajectory, problem=problem, line=line, times=times)
        return _First(rf"Density of ${measure_symbol(trajectory)}_t$ at a few times", draw, times)
    if problem.dataset is not None and problem.dataset.input_shift.size == 1:
        draw = partial(draw_regression, trajectory=trajectory, dataset=problem.dataset, times=times)
        return _First("Data and learned function $h_t(x)$", draw, times)
    return None


def _layout(sheets: int, *, first: bool, measure: bool) -> list[list[str]]:
    """Rows of panels; a panel may span several places of the grid, which has 2 columns and 1, 2 or 4 rows."""
    scalars = ["risk", "mass"]
    pair = list(SHEETS) if sheets == 2 else [SHEETS[0]] * 2
    if not measure:
        return [["first", "risk"], ["first", "mass"]] if first else [scalars]
    if not first:
        return [pair, scalars]
    if sheets == 2:
        return [["first", "risk"], ["first", "mass"], pair, pair]
    return [["first", SHEETS[0]], scalars]


def _make_panels(figure: Figure, layout: list[list[str]], *, polar: bool) -> dict[str, Axes]:
    special: dict[Any, dict[str, Any]] = {"first": {"projection": "polar"}} if polar else {}
    return cast("dict[str, Axes]", figure.subplot_mosaic(cast("Any", layout), per_subplot_kw=special))


def _join(upper: Axes, lower: Axes) -> None:
    """Leave the time axis of stacked panels to the lower one."""
    upper.sharex(lower)
    upper.tick_params(labelbottom=False)
    upper.set_xlabel("")


def _add_titles(panels: dict[str, Axes], titles: dict[str, str]) -> None:
    for letter, (name, axes) in zip("ABCDEF", panels.items(), strict=False):
        axes.set_title(rf"$\bf{{{letter}}}$   {titles[name]}")
