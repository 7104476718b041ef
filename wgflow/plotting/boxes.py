"""Densities on boxes of two and three dimensions, as maps at a few times."""

from __future__ import annotations

from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure

from wgflow.domains import Box
from wgflow.plotting.networks import choose_times, time_label
from wgflow.plotting.scalars import draw_mass, draw_risk
from wgflow.plotting.sheets import has_density, sheet_signs
from wgflow.plotting.style import DENSITY_MAP, sign_symbol, styled_figure
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

ROW_HEIGHT, SCALARS_HEIGHT = 3.0, 3.0  # inches


def shows_box(trajectory: Trajectory) -> bool:
    """Whether a trajectory is one of densities on a box of two or three dimensions."""
    domain = trajectory.domain
    return (
        has_density(trajectory) and domain is not None and isinstance(domain.base, Box) and len(domain.base.shape) > 1
    )


def plot_box(trajectory: Trajectory) -> Figure:
    """Draw the density on each sheet at a few times, then risk and mass.

    In three dimensions the map shows the marginal on the first two axes.
    """
    box = cast("Box", trajectory.domain.base if trajectory.domain is not None else None)
    times, signs = choose_times(trajectory), sheet_signs(trajectory)
    with styled_figure(ROW_HEIGHT * len(signs) + SCALARS_HEIGHT) as figure:
        maps, scalars = cast(
            "list[SubFigure]", figure.subfigures(2, 1, height_ratios=[ROW_HEIGHT * len(signs), SCALARS_HEIGHT])
        )
        panels = maps.subplots(len(signs), len(times), sharex=True, sharey=True, squeeze=False)
        for row, sign in enumerate(signs):
            _draw_row(figure, panels[row], planes(trajectory, row, times, box), box)
            _label_row(panels[row], trajectory, sign, times, signed=len(signs) == 2)
        for axes in panels[-1]:
            axes.set_xlabel("$x$")
        risk, mass = scalars.subplots(1, 2)
        draw_risk(risk, trajectory, times)
        draw_mass(mass, trajectory)
    return figure


def planes(trajectory: Trajectory, sheet: int, times: IntArray, box: Box) -> FloatArray:
    """Density of a sheet at some outputs, with the third axis integrated out, shape (k, n0, n1)."""
    density = trajectory.density.reshape(len(trajectory.time), -1, *box.shape)[times, sheet]
    return density.sum(axis=-1) * box.spacing[2] if len(box.shape) == 3 else density


def _draw_row(figure: Figure, panels: np.ndarray, values: FloatArray, box: Box) -> None:
    scale = Normalize(0.0, float(values.max()) or 1.0)
    (left, right), (low, high) = box.bounds[:2]
    for axes, plane in zip(panels, values, strict=True):
        image = axes.imshow(
            plane.T, origin="lower", extent=(left, right, low, high), cmap=DENSITY_MAP, norm=scale, aspect="equal"
        )
    figure.colorbar(image, ax=list(panels), label="density", shrink=0.8)


def _label_row(panels: np.ndarray, trajectory: Trajectory, sign: float, times: IntArray, *, signed: bool) -> None:
    first: Axes = panels[0]
    first.set_ylabel("$y$")
    for axes, index in zip(panels, times, strict=True):
        title = time_label(trajectory.time[index])
        axes.set_title(rf"$\mu_t^{{{sign_symbol(sign)}}}$, {title}" if signed else title)
