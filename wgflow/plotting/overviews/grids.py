"""Densities in the plane, in space and on surfaces: maps of the measure, with what was learned and scalars."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from wgflow.plotting.contours import draw_contours
from wgflow.plotting.domain_views import MapView
from wgflow.plotting.fits import fit_panel
from wgflow.plotting.great_circles import draw_great_circles
from wgflow.plotting.layout import Panel, PanelRow, beside
from wgflow.plotting.levels import draw_rest_shares, draw_shares, mass_extent
from wgflow.plotting.line_profiles import grid_of, measure_symbol
from wgflow.plotting.maps import draw_sheet, map_scale, map_views, sheet_at, shows_maps
from wgflow.plotting.overviews.kinds import RunKind
from wgflow.plotting.panels import scalar_panels
from wgflow.plotting.references import rest_density, rest_name, target_samples
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import BLACK, GREEN, GREY, sign_symbol
from wgflow.typing import FloatArray, IntArray

SNAPSHOTS, GLOBES = 4, 3  # times in a row
PICTURE_WIDTH, ROOM, LEAST_HEIGHT, MOST_HEIGHT = 2.05, 0.85, 1.8, 4.5  # of a snapshot, in inches; of their row
FIT_HEIGHT, SCALARS_HEIGHT, SPACE_HEIGHT = 3.6, 2.9, 3.5  # inches


def _views(shown: Shown) -> list[MapView]:
    return map_views(shown.trajectory, shown.problem) if shows_maps(shown.trajectory) else []


def _in_plane(shown: Shown) -> bool:
    views = _views(shown)
    return len(views) == 1 and views[0].flat


def _in_space(shown: Shown) -> bool:
    return len(_views(shown)) == 3


def _with_scalars(shown: Shown, rows: list[PanelRow]) -> list[PanelRow]:
    """Data and fit, where there are any, with scalars beside them; else scalars below the measure."""
    fit, scalars = fit_panel(shown, 1.3), scalar_panels(shown)
    if fit is None:
        return [*rows, beside(SCALARS_HEIGHT, *scalars)]
    return [PanelRow(FIT_HEIGHT, ((fit,), scalars[:2])), *rows]


def _plane_rows(shown: Shown) -> list[PanelRow]:
    width, height = _extent(shown)
    row = min(max(PICTURE_WIDTH * height / width + ROOM, LEAST_HEIGHT), MOST_HEIGHT)
    return _with_scalars(
        shown, [beside(row, Panel(partial(_draw_plane, sign=sign), SNAPSHOTS)) for sign in shown.signs]
    )


def _extent(shown: Shown) -> tuple[float, float]:
    """Width and height of the part of the plane that is shown."""
    (view,) = _views(shown)
    x, y = view.x, view.y
    if grid_of(shown.trajectory).walls:
        x, y = (np.array(ends) for ends in mass_extent(view, _densities(shown, shown.few(SNAPSHOTS))))
    return float(np.ptp(x)), float(np.ptp(y))


def _densities(shown: Shown, times: IntArray) -> list[FloatArray]:
    return [sheet_at(shown.trajectory, int(index), sign) for index in times for sign in shown.signs]


def _crop(axes: Axes, shown: Shown, view: MapView, times: IntArray) -> None:
    """Leave what holds almost all mass at some outputs; a box without walls stays whole."""
    if grid_of(shown.trajectory).walls:
        x, y = mass_extent(view, _densities(shown, times))
        axes.set_xlim(x)
        axes.set_ylim(y)


def _draw_plane(panels: Sequence[Axes], shown: Shown, sign: float) -> None:
    """Snapshots with contours of V or J, cropped to what holds almost all mass at any of them."""
    trajectory, views, times = shown.trajectory, _views(shown), shown.few(SNAPSHOTS)
    used = _without_rest(panels, len(times))
    draw_sheet(used[0].figure, np.array([used]), views, trajectory, sign, times, map_scale(trajectory, views, times))
    name, rest, samples = draw_contours(used, shown, views[0], sign, times), rest_density(shown), target_samples(shown)
    for axes in used:
        if rest is not None:
            draw_rest_shares(axes, views[0], rest)
        if samples is not None:
            x, y = views[0].project(samples.points).T
            axes.scatter(x, y, marker="x", s=10.0, color=GREEN, linewidths=0.7)
        _crop(axes, shown, views[0], times)
    dashed = [f"dashed: {rest_name(shown)}"] if rest is not None else []
    crosses = ["crosses: target"] if samples is not None else []
    for axes, note in zip(used[::-1], [f"contours: {name}", *dashed, *crosses][::-1], strict=False):
        axes.set_title(note, loc="right", fontsize=9.0, color=GREY)


def _without_rest(panels: Sequence[Axes], count: int) -> Sequence[Axes]:
    """As many axes as there are pictures; the others are taken away."""
    for axes in panels[count:]:
        axes.remove()
    return panels[:count]


def _space_rows(shown: Shown) -> list[PanelRow]:
    return _with_scalars(
        shown, [beside(SPACE_HEIGHT, Panel(partial(_draw_marginals, sign=sign), 3)) for sign in shown.signs]
    )


def _draw_marginals(panels: Sequence[Axes], shown: Shown, sign: float) -> None:
    """Marginals at the end with contours of 50, 90 and 99 % of their mass, those of the start in grey."""
    trajectory, views = shown.trajectory, _views(shown)
    last = np.array([len(trajectory.time) - 1])
    scale = map_scale(trajectory, views, last)
    start, end = (sheet_at(trajectory, index, sign) for index in (0, -1))
    symbol = measure_symbol(trajectory) + (f"^{sign_symbol(sign)}" if len(shown.signs) == 2 else "")
    for axes, view in zip(panels, views, strict=True):
        image = view.paint(axes, end, scale)
        draw_shares(axes, view, start, GREY)
        draw_shares(axes, view, end, BLACK)
        _crop(axes, shown, view, np.array([0, len(trajectory.time) - 1]))
        axes.set_title(rf"${symbol}_T$: {view.labels[0]}, {view.labels[1]}")
    panels[-1].set_title("50, 90, 99 %; grey: start", loc="right", fontsize=9.0, color=GREY)
    bar = panels[0].figure.colorbar(image, ax=list(panels), shrink=0.8, aspect=25, pad=0.02)
    for axes in panels:
        axes.set_anchor("N")  # titles in line; the bar sets another one
    bar.set_label(views[0].quantity)
    bar.outline.set_linewidth(0.5)


def _surface_rows(shown: Shown) -> list[PanelRow]:
    (view,) = _views(shown)
    rows = [
        beside(view.height, Panel(partial(_draw_globes, sign=sign), GLOBES, view.axes_keywords)) for sign in shown.signs
    ]
    return _with_scalars(shown, rows)


def _draw_globes(panels: Sequence[Axes], shown: Shown, sign: float) -> None:
    trajectory, views, times = shown.trajectory, _views(shown), shown.few(GLOBES)
    used = _without_rest(panels, len(times))
    draw_sheet(used[0].figure, np.array([used]), views, trajectory, sign, times, map_scale(trajectory, views, times))
    for axes in used:
        draw_great_circles(axes, shown.dataset, views[0])


PLANE = RunKind("box, 2-D", _in_plane, _plane_rows)
SPACE = RunKind("box, 3-D", _in_space, _space_rows)
SURFACE = RunKind("surface", lambda shown: bool(_views(shown)), _surface_rows)
