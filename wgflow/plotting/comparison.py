"""One figure that shows two runs of the same problem side by side."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wgflow.functionals import Teacher
from wgflow.plotting.scalars import is_log_spaced, set_time_axis, set_value_scale
from wgflow.plotting.sheets import (
    Line,
    coordinate_of,
    find_line,
    has_density,
    profile,
    set_line_limits,
    sheet_signs,
)
from wgflow.plotting.style import CURVES, RUNS, sign_color, sign_symbol, styled_figure
from wgflow.problems import Problem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

Curves = Mapping[str, tuple[FloatArray, FloatArray]]

DASHES = ("-", (0, (4, 2)))  # of the first and the second run
DENSITY_DECADES = 5


def plot_comparison(
    first: Trajectory,
    second: Trajectory,
    labels: tuple[str, str],
    problem: Problem | None = None,
    curves: Curves | None = None,
) -> Figure:
    """Draw two runs: risks and their relative difference, masses, last measures, and distances over time.

    Parameters
    ----------
    first, second : Trajectory
        Two runs of one problem, by any solvers.
    labels : tuple of str
        What to call them.
    problem : Problem, optional
        Their problem; it adds the directions of a teacher.
    curves : mapping of str to (times, values), optional
        Further curves over time, distances between the two for example.

    Returns
    -------
    Figure
        Densities are drawn as they are, particles as histograms of weight over bin width.
    """
    line = find_line(first) if find_line(first) == find_line(second) else None
    signs = tuple(sorted({*sheet_signs(first), *sheet_signs(second)}, reverse=True))
    layout = _layout(len(signs), line=line is not None, curves=bool(curves))
    with styled_figure(height=2.9 * len(layout) + 0.3) as figure:
        panels = cast("dict[str, Axes]", figure.subplot_mosaic(cast("Any", layout)))
        runs = (first, second)
        draw_risks(panels["risk"], runs)
        draw_difference(panels["difference"], runs)
        draw_masses(panels["mass"], runs)
        if curves:
            draw_curves(panels["curves"], curves)
        if line is not None:
            _draw_last(panels, runs, signs, line, problem.teacher if problem else None)
        _finish(figure, panels, labels)
    return figure
