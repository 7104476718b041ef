"""Characteristics in pictures: the mesh of the nodes as the flow deforms it, and the least density over time."""

from __future__ import annotations

from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure, SubFigure

from wgflow.characteristics.surface_transport import is_surface, triangulated
from wgflow.domains.geometry import Geometry, is_flat
from wgflow.errors import InputError
from wgflow.plotting.layout import COLORBAR, add_letters
from wgflow.plotting.line_profiles import measure_symbol, sheet_particles, sheet_signs
from wgflow.plotting.networks import time_label
from wgflow.plotting.particle_maps import particle_map_views
from wgflow.plotting.scalars import draw_mass, draw_risk, energy_curve_of, mark_ends, set_time_axis, set_value_scale
from wgflow.plotting.style import BLACK, DENSITY_MAP, styled_figure
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

MESH_HEIGHT, PAIR_HEIGHT, SCALARS_HEIGHT = 3.0, 2.2, 2.8  # inches
MOST_PATHS = 400
LEVELS = 4  # decades of densities that colours tell apart


def shows_deformed_mesh(trajectory: Trajectory) -> bool:
    """Whether a trajectory is one of characteristics whose nodes have a mesh that can be drawn, or lie on a line."""
    return "node_density" in trajectory.fields and trajectory.domain is not None and _drawable(trajectory)


def _drawable(trajectory: Trajectory) -> bool:
    geometry = trajectory.domain.geometry if trajectory.domain is not None else None
    if geometry is None:
        return False
    return geometry.dimension == 1 or (is_surface(geometry) and len(particle_map_views(trajectory, None)) == 1)


def plot_characteristics(trajectory: Trajectory) -> Figure:
    """Draw how a flow deforms the mesh of its nodes, the risk, the mass, and the least density over time.

    On circles and intervals the paths of the nodes over time are drawn, on S^2 and in the plane the triangles of the
    nodes at the start, half way and in the end, in the colours of the density; each sheet in a row. That the least
    density stays above 0 is what the proof of convergence to global minima rests on: the support stays full.

    Parameters
    ----------
    trajectory : Trajectory
        A run of `wgflow.solve_characteristics`, or of a problem with ``solver.kind = "characteristics"``.

    Raises
    ------
    InputError
        If it is none, or its nodes have no mesh: those in more than two dimensions.

    References
    ----------
    Bach and Chizat (2022), proof of Theorem 3.

    Examples
    --------
    >>> one = lambda x: np.ones(x.shape[:-1])
    >>> flow = wgflow.solve_characteristics(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), one, 1.0)
    >>> len(wgflow.plot_characteristics(flow).axes)
    5
    """
    if not shows_deformed_mesh(trajectory):
        raise InputError(
            "this trajectory is none of characteristics whose nodes have a mesh: it needs densities at nodes in one or "
            "two dimensions"
        )
    signs = sheet_signs(trajectory)
    height = (MESH_HEIGHT if len(signs) == 1 else PAIR_HEIGHT) * len(signs)
    with styled_figure(height + SCALARS_HEIGHT) as figure:
        upper, lower = cast(
            "tuple[SubFigure, SubFigure]", figure.subfigures(2, 1, height_ratios=[height, SCALARS_HEIGHT])
        )
        norm = _scale(trajectory)
        if _geometry(trajectory).dimension == 1:
            panels = np.atleast_1d(upper.subplots(len(signs), 1))
            for axes, sign in zip(panels, signs, strict=True):
                _draw_paths(axes, trajectory, sign, norm)
        else:
            panels = _draw_meshes(upper, trajectory, norm)
        upper.colorbar(
            ScalarMappable(norm, DENSITY_MAP), ax=list(panels.ravel()), label="density at the nodes", shrink=0.8
        )
        _draw_scalars(lower.subplots(1, 3), trajectory)
        add_letters([axes for axes in figure.axes if axes.get_label() != COLORBAR])
    return figure


def _draw_scalars(panels: np.ndarray, trajectory: Trajectory) -> None:
    """Risk or energy, mass, and the least density, each with its last value."""
    risk, mass, least = panels
    falling = energy_curve_of(trajectory)
    draw_risk(risk, trajectory)
    mark_ends(risk, {BLACK: (trajectory.time, falling.values(trajectory))})
    draw_mass(mass, trajectory)
    _draw_least(least, trajectory)
    for axes, title in zip(panels, (falling.title, trajectory.labels.mass.panel, "Least density"), strict=True):
        axes.set_title(title, loc="left")


def _geometry(trajectory: Trajectory) -> Geometry:
    if trajectory.domain is None:
        raise InputError("the domain of this trajectory is not known")
    return trajectory.domain.geometry


def _scale(trajectory: Trajectory) -> Normalize:
    """Colours of the densities of all outputs, over some decades at most."""
    densities = np.asarray(trajectory.fields["node_density"])
    highest, lowest = float(densities.max()), float(densities.min())
    return (
        LogNorm(max(lowest, highest * 10.0**-LEVELS), highest)
        if highest > 10.0 * lowest > 0.0
        else Normalize(0.0, highest)
    )


def _draw_paths(axes: Axes, trajectory: Trajectory, sign: float, norm: Normalize) -> None:
    """Coordinates of the nodes of a sheet over time."""
    chosen = sheet_particles(trajectory, sign)
    chosen = chosen[:: max(1, len(chosen) // MOST_PATHS)]
    geometry, time = _geometry(trajectory), trajectory.time
    position, density = trajectory.position[:, chosen], np.asarray(trajectory.fields["node_density"])[:, chosen]
    places = geometry.chart(position.reshape(-1, position.shape[-1]))[:, 0].reshape(position.shape[:2])
    pieces = np.stack([np.broadcast_to(time[:, None], places.shape), places], axis=-1)
    whole = np.abs(np.diff(places, axis=0)) < (np.inf if is_flat(geometry) else np.pi)
    lines = np.stack([pieces[:-1], pieces[1:]], axis=2)[whole]
    drawn = LineCollection(list(lines), cmap=DENSITY_MAP, norm=norm, linewidths=0.6, rasterized=True)
    drawn.set_array(density[1:][whole])
    axes.add_collection(drawn)
    set_time_axis(axes, time, trajectory.labels.time)
    axes.set_ylim(float(places.min()), float(places.max()))
    axes.set_ylabel("coordinate" if is_flat(geometry) else "angle")
    axes.set_title(_title(trajectory, sign, "Paths of the nodes"), loc="left")


def _draw_meshes(figure: SubFigure, trajectory: Trajectory, norm: Normalize) -> np.ndarray:
    """Triangles of the nodes at a few times, each sheet in a row."""
    (view,) = particle_map_views(trajectory, None)
    shown, signs = sorted({0, len(trajectory.time) // 2, len(trajectory.time) - 1}), sheet_signs(trajectory)
    rows = figure.subplots(len(signs), len(shown), subplot_kw=view.axes_keywords, squeeze=False)
    for panels, sign in zip(rows, signs, strict=True):
        chosen = sheet_particles(trajectory, sign)
        edges = _edges(triangulated(_geometry(trajectory), trajectory.position[0][chosen]))
        for axes, index in zip(panels, shown, strict=True):
            places = view.project(trajectory.position[index][chosen])
            density = np.asarray(trajectory.fields["node_density"][index])[chosen]
            _draw_edges(axes, places, density, edges, view.longest, norm)
            label = time_label(trajectory.time[index], trajectory.labels.time)
            axes.set_title(_title(trajectory, sign, label), loc="left")
            axes.set_xticklabels([])
            axes.set_yticklabels([])
            if not view.projection:
                axes.set_aspect("equal", "datalim")
                axes.autoscale_view()
    return np.asarray(rows)


def _draw_edges(
    axes: Axes, places: FloatArray, density: FloatArray, edges: IntArray, longest: tuple[float, float], norm: Normalize
) -> None:
    lines = places[edges]
    whole = np.all(np.abs(lines[:, 1] - lines[:, 0]) < longest, axis=1)
    drawn = LineCollection(list(lines[whole]), cmap=DENSITY_MAP, norm=norm, linewidths=0.5, rasterized=True)
    drawn.set_array(np.sqrt(np.prod(density[edges[whole]], axis=1)))
    axes.add_collection(drawn)


def _edges(mesh: IntArray) -> IntArray:
    """Pairs (n, 2) of corners of triangles (s, 3), each once."""
    pairs = np.concatenate([mesh[:, [0, 1]], mesh[:, [1, 2]], mesh[:, [2, 0]]])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _title(trajectory: Trajectory, sign: float, text: str) -> str:
    if len(sheet_signs(trajectory)) == 1:
        return text
    return rf"{text}, sheet ${'+' if sign > 0.0 else '-'}$"


def _draw_least(axes: Axes, trajectory: Trajectory) -> None:
    """Least density at a node over time."""
    values = np.asarray(trajectory.fields["least_density"])
    axes.plot(trajectory.time, values, color=BLACK)
    set_time_axis(axes, trajectory.time, trajectory.labels.time)
    set_value_scale(axes, values)
    mark_ends(axes, {BLACK: (trajectory.time, values)})
    axes.set_ylabel(f"least density of ${measure_symbol(trajectory)}_t$")
