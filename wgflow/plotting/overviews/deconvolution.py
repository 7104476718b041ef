"""Sparse deconvolution: true and found spikes, J at the end with its zeros, risk and gap, errors of the spikes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import ScalarFormatter

from wgflow.plotting.domain_views import MapView
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.layout import Panel, PanelRow, beside, single
from wgflow.plotting.line_profiles import coordinate_of, grid_of, set_line_limits
from wgflow.plotting.maps import draw_sheet, map_scale, map_views
from wgflow.plotting.networks import time_label
from wgflow.plotting.overviews.kinds import RunKind
from wgflow.plotting.panels import FALLING
from wgflow.plotting.particle_maps import ParticleMap, mark_start, particle_map_views
from wgflow.plotting.scalars import mark_ends, readable, set_time_axis
from wgflow.plotting.shown import Shown
from wgflow.plotting.spike_errors import end_potential, found_spikes, shows_spikes, spike_errors
from wgflow.plotting.spikes import ring_spikes, stem_spikes
from wgflow.plotting.style import BLACK, ORANGE, sign_color, sign_symbol
from wgflow.typing import FloatArray

UPPER, LOWER = 4.0, 2.9  # inches, of a row
PATH_OUTPUTS = 300  # at most, along a path


def _rows(shown: Shown) -> list[PanelRow]:
    signs = shown.signs
    spikes = Panel(_draw_sheet_maps, len(signs)) if shown.line is None else single(_draw_stems)
    potential = Panel(_draw_potential_maps, 1) if shown.line is None else single(_draw_potentials)
    return [beside(UPPER, spikes, potential), beside(LOWER, FALLING, single(_draw_errors))]


def _draw_stems(axes: Axes, shown: Shown) -> None:
    line = shown.line
    if line is None or shown.problem is None or shown.problem.spikes is None:
        return
    stem_spikes(axes, shown.problem.spikes, found_spikes(shown), line)
    set_line_limits(axes, line)
    axes.set_ylabel("weight of a spike")
    axes.set_title(f"Spikes at {_end(shown)}")


def _draw_sheet_maps(panels: Sequence[Axes], shown: Shown) -> None:
    """Measure at the end with rings around the true spikes, crosses on those that were found."""
    trajectory, last = shown.trajectory, np.array([len(shown.trajectory.time) - 1])
    views = _views(shown)
    found = found_spikes(shown)
    for axes, sign in zip(panels, shown.signs, strict=True):
        if shown.has_density:
            scale = map_scale(trajectory, views, last)
            draw_sheet(axes.figure, np.array([[axes]]), views, trajectory, sign, last, scale)
        else:
            _draw_paths(axes, shown)
        ring_spikes(axes, shown.problem, views[0].project, sign if len(shown.signs) == 2 else None)
        _cross(axes, views[0].project(found.points[found.signs == sign]))
        axes.set_title(f"Measure at {_end(shown)} (rings: true, crosses: found)")


def _draw_paths(axes: Axes, shown: Shown) -> None:
    trajectory = shown.trajectory
    (view,) = particle_map_views(trajectory, shown.problem)
    outputs = evenly_spread(len(trajectory.time), PATH_OUTPUTS)
    ParticleMap(axes, trajectory, view, outputs).show(len(outputs) - 1)
    mark_start(axes, trajectory, view)


def _cross(axes: Axes, places: FloatArray) -> None:
    """Crosses at places (k, 2) of spikes that were found."""
    axes.scatter(places[:, 0], places[:, 1], marker="x", s=30.0, color=ORANGE, linewidths=1.2, zorder=5)


def _draw_potentials(axes: Axes, shown: Shown) -> None:
    """J on each sheet at the end, at the places of the cells; it is 0 at the spikes of an optimal measure."""
    line, found = shown.line, found_spikes(shown)
    if line is None:
        return
    places = coordinate_of(grid_of(shown.trajectory).points, line)
    for sign in shown.signs:
        label = f"$J^{sign_symbol(sign)}$" if len(shown.signs) == 2 else "$J$"
        axes.plot(places, end_potential(shown, sign), color=sign_color(sign), label=label)
        here = coordinate_of(found.points[found.signs == sign], line)
        axes.plot(here, np.zeros_like(here), "o", color=sign_color(sign), markersize=5, zorder=4)
    axes.axhline(0.0, color=BLACK, linewidth=0.7, zorder=1)
    set_line_limits(axes, line)
    axes.set_ylabel("first variation $J$")
    axes.legend(loc="best")
    axes.set_title(f"$J$ at {_end(shown)} (dots: found spikes)")


def _draw_potential_maps(panels: Sequence[Axes], shown: Shown) -> None:
    """J of the positive sheet at the end, its zeros where spikes were found."""
    (axes,) = panels
    view, found = _views(shown)[0], found_spikes(shown)
    values = view.image(end_potential(shown, 1.0))
    extent = (view.x[0], view.x[-1], view.y[0], view.y[-1])
    norm = PowerNorm(0.5, min(float(values.min()), 0.0), float(values.max()))  # zeros are told from small values
    image = axes.imshow(values, origin="lower", extent=extent, cmap="cividis", norm=norm)
    _cross(axes, view.project(found.points[found.signs > 0.0]))
    axes.set_xlabel(view.labels[0])
    axes.set_ylabel(view.labels[1])
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.8, aspect=25, pad=0.02, format=_scientific())
    bar.set_label("$J$")
    bar.outline.set_linewidth(0.5)
    axes.set_title(f"$J$ at {_end(shown)}, least {readable(float(values.min()))}")


def _draw_errors(axes: Axes, shown: Shown) -> None:
    """Largest errors of positions and weights of the spikes over time."""
    time = shown.trajectory.time
    places, weights = spike_errors(shown)
    for values, color, label in ((places, BLACK, "positions"), (weights, ORANGE, "weights (relative)")):
        axes.plot(time, values, color=color, label=label)
    set_time_axis(axes, time, shown.trajectory.labels.time)
    axes.set_yscale("log")
    mark_ends(axes, {BLACK: (time, places), ORANGE: (time, weights)})
    axes.set_ylabel("largest error of a spike")
    axes.legend(loc="best").set_in_layout(False)
    axes.set_title("Errors of the spikes")


def _views(shown: Shown) -> list[MapView]:
    """Pictures of the cells of the domain, also for particles."""
    return map_views(shown.trajectory, shown.problem)


def _scientific() -> ScalarFormatter:
    """Small and large numbers with a common power of ten."""
    formatter = ScalarFormatter(useMathText=True)
    formatter.set_powerlimits((-2, 3))
    return formatter


def _end(shown: Shown) -> str:
    return time_label(shown.trajectory.time[-1], shown.trajectory.labels.time)


DECONVOLUTION = RunKind("deconvolution", shows_spikes, _rows)
