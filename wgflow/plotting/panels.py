"""Panels of scalars that overviews share: what falls, how fast, and the mass."""

from __future__ import annotations

from matplotlib.axes import Axes

from wgflow.plotting.gaps import draw_gap
from wgflow.plotting.layout import Panel, single
from wgflow.plotting.references import least_energy
from wgflow.plotting.scalars import (
    draw_dissipation,
    draw_mass,
    draw_risk,
    energy_curve_of,
    mark_ends,
    mass_note,
    shows_dissipation,
)
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import BLACK, DASHES, GREY

NOTE_SIZE = 9.0  # points


def draw_falling(axes: Axes, shown: Shown) -> None:
    """Risk with its certified gap, or energy with its least value; a mass that is constant is told above."""
    trajectory = shown.trajectory
    draw_risk(axes, trajectory, shown.times)
    axes.set_title(energy_curve_of(trajectory).title)
    gap = draw_gap(axes, trajectory) if shown.is_risk else None
    if not shown.is_risk:
        draw_least(axes, shown)
    falling = trajectory.time, energy_curve_of(trajectory).values(trajectory)
    mark_ends(axes, {BLACK: falling} if gap is None else {BLACK: falling, GREY: gap})
    if shown.keeps_mass:
        axes.set_title(mass_note(trajectory), loc="right", fontsize=NOTE_SIZE, color=GREY)


def draw_least(axes: Axes, shown: Shown) -> None:
    """Dashed line at the least value of F, below the curve; nothing where that is not known."""
    least = least_energy(shown)
    if least is not None:
        line = axes.axhline(least, color=GREY, linestyle=DASHES, linewidth=1.0, zorder=1, label="$F_*$")
        axes.legend(handles=[line], loc="upper right").set_in_layout(False)


def draw_fall(axes: Axes, shown: Shown) -> None:
    """Dissipation, with F above its least value where that is known."""
    draw_dissipation(axes, shown.trajectory, None if shown.is_risk else least_energy(shown))
    axes.set_title(shown.trajectory.labels.dissipation.panel)


def draw_masses(axes: Axes, shown: Shown) -> None:
    """Mass over time, and that of each sign."""
    draw_mass(axes, shown.trajectory)
    axes.set_title(shown.trajectory.labels.mass.panel)


FALLING, FALL, MASSES = single(draw_falling), single(draw_fall), single(draw_masses)


def scalar_panels(shown: Shown) -> tuple[Panel, ...]:
    """Panels of scalars that say something: risk and mass, or energy and dissipation and a mass that changes."""
    masses = () if shown.keeps_mass else (MASSES,)
    fall = (FALL,) if shows_dissipation(shown.trajectory) else ()
    return (FALLING, *(masses or fall)) if shown.is_risk else (FALLING, *fall, *masses)
