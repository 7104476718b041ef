"""The figure of what steps cost, and what methods cost at equal errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from wgflow.plotting import save_figure
from wgflow.plotting.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, styled_figure

from ._efforts import Effort, best_of
from ._scaling_cases import LINEAR, UNITS, Case, Cost
from ._scaling_variational import END, Way

COLORS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK, GREY)
MARKERS = "os^"


def draw(costs: Mapping[Case, Cost], efforts: Mapping[Way, list[Effort]], file: Path) -> None:
    """Draw nanoseconds per cell, particle or datum against their number, and seconds against errors."""
    with styled_figure(11.0) as figure:
        panels = figure.subplots(3, 2).ravel()
        for axes, panel in zip(panels, UNITS, strict=False):
            draw_costs(axes, panel, {case: cost for case, cost in costs.items() if case.panel == panel})
        for axes, problem in zip(panels[len(UNITS) :], END, strict=True):
            draw_efforts(axes, problem, {way.name: found for way, found in efforts.items() if way.problem == problem})
        save_figure(figure, file)


def draw_costs(axes: Axes, panel: str, costs: Mapping[Case, Cost]) -> None:
    """Draw one kind of problems: full marks where the exponents in the legend are fitted."""
    unit = UNITS[panel]
    for index, (case, cost) in enumerate(costs.items()):
        counts, each = np.array(cost.counts), 1e9 * np.array(cost.seconds) / cost.counts
        law = "" if case.law is LINEAR else f", {case.law.symbol}"
        style = {"color": COLORS[index % len(COLORS)], "marker": MARKERS[index // len(COLORS)], "markersize": 4}
        axes.loglog(counts, each, markerfacecolor="white", linewidth=1.0, **style)
        label = f"{case.name}{law}: {case.exponent(cost):.2f}"
        window = case.window(cost)
        axes.loglog(counts[window], each[window], linewidth=2.0, label=label, **style)
    axes.set(title=panel, xlabel=f"{unit}s".replace("datums", "data"), ylabel=f"ns per {unit} and step")
    make_room(axes)


def draw_efforts(axes: Axes, problem: str, efforts: Mapping[str, list[Effort]]) -> None:
    """Draw seconds against errors: all runs, and the best."""
    for (name, found), color in zip(efforts.items(), COLORS, strict=False):
        best = best_of(found)
        axes.loglog([run.error for run in found], [run.seconds for run in found], ".", color=color, alpha=0.35)
        axes.loglog(
            [run.error for run in best], [run.seconds for run in best], "o-", color=color, markersize=4, label=name
        )
    axes.set(
        title=f"{problem[0].upper()}{problem[1:]}: seconds at equal error",
        xlabel="relative error in L1",
        ylabel="seconds",
    )
    make_room(axes)


def make_room(axes: Axes) -> None:
    """Put the legend above all lines, if there are any."""
    if not axes.lines:
        return
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.6)
    axes.legend(loc="upper left", ncols=2, fontsize=7)
