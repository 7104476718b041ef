"""Particles: their paths in two and three dimensions and on surfaces; else angles to a teacher, or principal axes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from wgflow.plotting.contours import draw_potential
from wgflow.plotting.domain_views import View
from wgflow.plotting.fits import fit_panel
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.high_dimension import draw_axes, draw_counts, draw_shares_of_axes, draw_teacher_angles
from wgflow.plotting.layout import Panel, PanelRow, beside, single
from wgflow.plotting.networks import draw_layers, time_label
from wgflow.plotting.overviews.kinds import RunKind
from wgflow.plotting.panels import scalar_panels
from wgflow.plotting.particle_maps import ParticleMap, add_legend, mark_start, particle_map_views, shows_particle_map
from wgflow.plotting.references import target_samples
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import GREEN, GREY

PATH_OUTPUTS = 300  # at most, along a path
FLAT, SPACE, SCALARS, HIGH = 4.6, 3.3, 2.9, 3.6  # inches, of a row


def _views(shown: Shown) -> list[View]:
    return particle_map_views(shown.trajectory, shown.problem) if shows_particle_map(shown.trajectory) else []


def _rows(shown: Shown) -> list[PanelRow]:
    views, scalars, fit = _views(shown), scalar_panels(shown), fit_panel(shown, 1.3)
    keywords = views[0].axes_keywords
    maps = Panel(_draw_maps, len(views), keywords, 1.5 if len(views) == 1 else 1.0)
    if fit is not None:
        return [PanelRow(HIGH, ((fit,), scalars[:2])), beside(SPACE, maps)]
    return [beside(SPACE, maps), beside(SCALARS, *scalars)] if len(views) == 3 else [PanelRow(FLAT, ((maps,), scalars))]


def _draw_maps(panels: Sequence[Axes], shown: Shown) -> None:
    """Particles at the end and their paths, their area by their weight, over contours of V in the plane."""
    trajectory, views = shown.trajectory, _views(shown)
    outputs, samples = evenly_spread(len(trajectory.time), PATH_OUTPUTS), target_samples(shown)
    for axes, view in zip(panels, views, strict=True):
        ParticleMap(axes, trajectory, view, outputs).show(len(outputs) - 1)
        mark_start(axes, trajectory, view)
        axes.set_anchor("N")  # titles in line
        if samples is not None:
            x, y = view.project(samples.points).T
            axes.scatter(x, y, marker="x", s=14.0, color=GREEN, linewidths=0.8, zorder=2)
        if len(views) == 1 and not view.projection and draw_potential(axes, shown):
            axes.set_title("contours: $V$", loc="right", fontsize=9.0, color=GREY)
    at = time_label(trajectory.time[-1], trajectory.labels.time)
    crosses = "; crosses: target" if samples is not None else ""
    panels[0].set_title(f"Particles at {at}, paths, start (grey){crosses}")
    add_legend(panels[-1], trajectory)


def _high_rows(shown: Shown) -> list[PanelRow]:
    scalars = scalar_panels(shown)
    if not shown.trajectory.has_particles:
        return [beside(HIGH, *scalars)]
    if shown.teacher is not None:
        upper = beside(HIGH, single(draw_teacher_angles), single(draw_counts))
    else:
        upper = beside(HIGH, single(draw_axes), single(draw_shares_of_axes))
    return [upper, beside(SCALARS, *_layers(shown), *scalars)]


def _layers(shown: Shown) -> tuple[Panel, ...]:
    """Output against input weights, where both move."""
    return (single(_draw_layers),) if shown.problem is not None and shown.problem.has_pairs else ()


def _draw_layers(axes: Axes, shown: Shown) -> None:
    draw_layers(axes, shown.trajectory)
    axes.set_title("Weights (dashed: balanced)")


PARTICLES = RunKind("particles, 2-D and 3-D", lambda shown: bool(_views(shown)), _rows)
HIGH_DIMENSION = RunKind("particles, 4-D and more", lambda shown: True, _high_rows)  # noqa: ARG005
