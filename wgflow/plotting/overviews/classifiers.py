"""Classification with two inputs: regions, the final measure by sign, and the margin below its upper bound."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
from matplotlib.axes import Axes

from wgflow.plotting.domain_views import View
from wgflow.plotting.great_circles import draw_great_circles
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.layout import Panel, PanelRow, beside, single
from wgflow.plotting.line_profiles import measure_symbol
from wgflow.plotting.maps import map_scale, map_views, sheet_at, shows_maps
from wgflow.plotting.margins import draw_log_mass, draw_margin
from wgflow.plotting.networks import time_label
from wgflow.plotting.overviews.kinds import RunKind
from wgflow.plotting.panels import FALLING, MASSES
from wgflow.plotting.particle_maps import ParticleMap, add_legend, particle_map_views, shows_particle_map
from wgflow.plotting.regions import draw_learned_regions, shows_regions
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import sign_symbol
from wgflow.problems.datasets import Dataset

REGIONS = 3  # times
REGIONS_HEIGHT, MAPS_HEIGHT, SCALARS_HEIGHT = 3.0, 2.5, 2.9  # inches, of a row


def _holds(shown: Shown) -> bool:
    return shown.problem is not None and shows_regions(shown.problem) and shown.functional is not None


def _rows(shown: Shown) -> list[PanelRow]:
    last = MASSES if not shown.trajectory.is_normalised else single(draw_log_mass)
    return [
        beside(REGIONS_HEIGHT, Panel(_draw_regions, REGIONS)),
        *_maps(shown),
        beside(SCALARS_HEIGHT, single(draw_margin), *(() if shown.trajectory.is_normalised else (FALLING,)), last),
    ]


def _draw_regions(panels: Sequence[Axes], shown: Shown) -> None:
    times = shown.few(REGIONS)
    for axes in panels[len(times) :]:
        axes.remove()
    for axes, index in zip(panels, times, strict=False):
        draw_learned_regions(axes, shown.trajectory, cast(Dataset, shown.dataset), int(index))
    for axes in panels[1 : len(times)]:
        axes.set_ylabel("")


def _maps(shown: Shown) -> list[PanelRow]:
    """PanelRow of the final measure by sign, where it can be drawn."""
    if shows_maps(shown.trajectory):
        views = map_views(shown.trajectory, shown.problem)
        if len(views) == 1:
            return [beside(MAPS_HEIGHT, Panel(_draw_densities, len(shown.signs), views[0].axes_keywords))]
    if shows_particle_map(shown.trajectory):
        views_of_particles = particle_map_views(shown.trajectory, shown.problem)
        draw = partial(_draw_particles, views=views_of_particles)
        return [beside(MAPS_HEIGHT, Panel(draw, len(views_of_particles), views_of_particles[0].axes_keywords))]
    return []


def _draw_densities(panels: Sequence[Axes], shown: Shown) -> None:
    trajectory, views = shown.trajectory, map_views(shown.trajectory, shown.problem)
    scale = map_scale(trajectory, views, np.array([len(trajectory.time) - 1]))
    for axes, sign in zip(panels, shown.signs, strict=True):
        image = views[0].paint(axes, sheet_at(trajectory, -1, sign), scale)
        draw_great_circles(axes, shown.dataset, views[0])
        axes.set_title(_title(shown, sign))
    bar = panels[0].figure.colorbar(image, ax=list(panels), shrink=0.8, aspect=25, pad=0.02)
    bar.set_label(views[0].quantity)
    bar.outline.set_linewidth(0.5)


def _draw_particles(panels: Sequence[Axes], shown: Shown, views: Sequence[View]) -> None:
    outputs = evenly_spread(len(shown.trajectory.time), 300)
    for axes, view in zip(panels, views, strict=True):
        ParticleMap(axes, shown.trajectory, view, outputs).show(len(outputs) - 1)
    at = time_label(shown.trajectory.time[-1], shown.trajectory.labels.time)
    panels[0].set_title(f"Neurons at {at}, and their paths")
    add_legend(panels[-1], shown.trajectory)


def _title(shown: Shown, sign: float) -> str:
    at = time_label(shown.trajectory.time[-1], shown.trajectory.labels.time)
    symbol = f"^{sign_symbol(sign)}" if len(shown.signs) == 2 else ""
    return rf"${measure_symbol(shown.trajectory)}{symbol}$ at {at}"


CLASSIFIER = RunKind("classifier", _holds, _rows)
