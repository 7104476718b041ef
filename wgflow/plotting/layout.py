"""Figures of panels in rows: what a panel is, where it stands, and its letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from string import ascii_uppercase
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.gridspec import SubplotSpec

from wgflow.plotting.shown import Shown
from wgflow.plotting.style import styled_figure

COLORBAR = "<colorbar>"  # label that matplotlib gives to the axes of colour bars
PADS: dict[str, Any] = {"w_pad": 0.1, "h_pad": 0.06}  # around panels, in inches


@dataclass(frozen=True)
class Panel:
    """One picture, or several of the same kind side by side.

    Parameters
    ----------
    draw : callable
        Draws a run into the axes and gives each a title.
    count : int
        Number of axes.
    keywords : mapping
        How the axes are made, e.g. ``{"projection": "polar"}``.
    width : float
        Of one of them, relative to those beside it.
    """

    draw: Callable[[Sequence[Axes], Shown], None]
    count: int = 1
    keywords: dict[str, Any] = field(default_factory=dict)
    width: float = 1.0


@dataclass(frozen=True)
class PanelRow:
    """Panels beside each other; each column is a stack of them.

    Parameters
    ----------
    height : float
        In inches.
    columns : tuple of tuples of Panel
        From left to right, and in each from top to bottom.
    """

    height: float
    columns: tuple[tuple[Panel, ...], ...]


def single(draw: Callable[[Axes, Shown], None], width: float = 1.0, **keywords: Any) -> Panel:
    """Panel of one picture."""
    return Panel(lambda axes, shown: draw(axes[0], shown), 1, keywords, width)


def beside(height: float, *panels: Panel) -> PanelRow:
    """PanelRow of panels without stacks."""
    return PanelRow(height, tuple((panel,) for panel in panels))


def draw_rows(rows: Sequence[PanelRow], shown: Shown) -> Figure:
    """Draw a figure of rows of panels, with a letter before the title of each picture."""
    heights = [row.height for row in rows]
    with styled_figure(sum(heights)) as figure:
        figure.set_layout_engine("constrained", **PADS)
        parts = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
        for part, row in zip(parts, rows, strict=True):
            _draw_row(part, row, shown)
        add_letters([axes for axes in figure.axes if axes.get_label() != COLORBAR])
    return figure


def _draw_row(part: SubFigure, row: PanelRow, shown: Shown) -> None:
    widths = [max(panel.width * panel.count for panel in column) for column in row.columns]
    grid = part.add_gridspec(1, len(row.columns), width_ratios=widths)
    for number, column in enumerate(row.columns):
        stack = _split(grid[number], len(column), 1)
        drawn = [_draw_panel(part, inner, panel, shown) for inner, panel in zip(stack, column, strict=True)]
        for upper, lower in pairwise(drawn):
            _join(upper[0], lower[0])


def _draw_panel(part: SubFigure, place: SubplotSpec, panel: Panel, shown: Shown) -> list[Axes]:
    """Draw a panel in a cell of a grid; a single picture stands in that grid, so that it is in line with others."""
    axes = [part.add_subplot(cell, **panel.keywords) for cell in _split(place, 1, panel.count)]
    panel.draw(axes, shown)
    return axes


def _split(place: SubplotSpec, rows: int, columns: int) -> list[SubplotSpec]:
    """Cells of a grid in a cell; the cell itself where there is one."""
    if rows * columns == 1:
        return [place]
    grid = place.subgridspec(rows, columns)
    return [grid[number] for number in range(rows * columns)]


def _join(upper: Axes, lower: Axes) -> None:
    """Leave an axis that two stacked pictures share to the lower one."""
    if upper.get_xlabel() == lower.get_xlabel() and upper.get_xlim() == lower.get_xlim():
        upper.tick_params(labelbottom=False)
        upper.set_xlabel("")


def add_letters(panels: Sequence[Axes]) -> None:
    """Put a bold letter before the title of each picture."""
    for letter, axes in zip(ascii_uppercase, panels, strict=False):
        axes.set_title(rf"$\bf{{{letter}}}$   {axes.get_title(loc='left')}".rstrip(), loc="left")
