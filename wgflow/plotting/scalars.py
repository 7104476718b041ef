"""Risk or energy, and mass over time, and the time axis that all panels share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from wgflow.flows.labels import Label
from wgflow.former_names import with_former
from wgflow.plotting.line_profiles import measure_symbol, sheet_mass, sheet_signs
from wgflow.plotting.style import BLACK, DASHES, ORANGE, largest_finite, sign_color, sign_symbol, time_colors
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

BAND = 0.25  # opacity of estimated errors
ROUND_OFF = 1e-13  # of F, over its size: steps that change it by less say nothing
FALLING_SHARE = 0.9  # of the steps
END_SIZE, END_GAP = 9.0, 12.0  # points, of a value beside the end of its curve, and from one to the next
LEAST_PANEL = 80.0  # points, about the height of the lowest panel
PLAIN = 1e-3  # smaller numbers are written with a power of ten
LOG_RATIO = 10.0  # values that spread over more than this are drawn on a log scale


def is_log_spaced(time: FloatArray) -> bool:
    """Whether output times grow geometrically rather than by equal steps."""
    later = time[time > 0.0]
    if later.size < 4 or later[-1] < 30.0 * later[0]:
        return False
    return bool(later[-1] - later[-2] > 4.0 * (later[1] - later[0]))


def time_limits(time: FloatArray) -> tuple[float, float]:
    """First and last time of the time axis; a log axis starts at the first positive time."""
    if is_log_spaced(time):
        return float(time[time > 0.0][0]), float(time[-1])
    last = float(time[-1])
    return float(time[0]), last if last > time[0] else float(time[0]) + 1.0


def set_time_axis(axes: Axes, time: FloatArray, label: Label) -> None:
    """Make time the x axis, logarithmic if the output times are."""
    if is_log_spaced(time):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())  # powers of ten alone
    axes.set_xlim(*time_limits(time))
    axes.set_xlabel(label.axis())


def set_value_scale(axes: Axes, values: FloatArray, *, log_time: bool = False) -> None:
    """Use a log scale for values that are positive and spread widely (or whenever time is logarithmic)."""
    positive = values[values > 0.0]
    if positive.size < max(1, values.size - 1):  # a value that round-off made negative is left out
        return
    ratio = positive.max() / positive.min()
    if log_time or ratio > LOG_RATIO:
        axes.set_yscale("log")
    if axes.get_yscale() == "log" and ratio < 100.0:
        _label_plainly(axes, ratio)


def _label_plainly(axes: Axes, ratio: float) -> None:
    """Write 0.2 instead of a power of ten, at 1, 2 and 5 (or more often on short axes)."""
    dense = (1, 2, 3, 5, 7) if ratio > 2.5 else (1, 2, 3, 4, 5, 6, 8)
    shown = (1, 2, 5) if ratio > 5.0 else dense

    def label(value: float, _position: int | None = None) -> str:
        digit = round(value / 10.0 ** np.floor(np.log10(value) + 1e-9))
        return f"{value:g}" if digit in shown else ""

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(label))
    if ratio > 50.0:
        axes.yaxis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True)
class EnergyCurve:
    r"""What falls in a flow: the risk of a network, or the energy F.

    Parameters
    ----------
    title, label : str
        What stands above and beside its curve.
    name : str
        Name of the curve of the trajectory.
    """

    title: str
    label: str
    name: str

    def values(self, trajectory: Trajectory) -> FloatArray:
        """Values at the outputs, shape (T,)."""
        return trajectory.scalars[self.name]


def energy_curve_of(trajectory: Trajectory) -> EnergyCurve:
    """Choose what to show of a trajectory: the risk of a network, or the energy F where there is none."""
    name, letter = trajectory.labels.falling, measure_symbol(trajectory)
    if name == "risk":
        letter = "h" if len(sheet_signs(trajectory)) == 2 else letter
    elif _leaves_entropy_out(trajectory):  # particles follow it by noise
        name = "risk"
    label = trajectory.labels.of(name)
    return EnergyCurve(label.panel, label.axis(f"{letter}_t"), name)


def _leaves_entropy_out(trajectory: Trajectory) -> bool:
    known = trajectory.functional is not None and trajectory.functional.temperature > 0.0
    return trajectory.has_particles and known


def draw_risk(axes: Axes, trajectory: Trajectory, marked: IntArray | None = None) -> None:
    """Risk or energy over time with a band of its estimated error, and dots in the colours of the marked outputs.

    Risks that fall far have a log scale; energies, whose least value is rarely 0, a linear one.
    """
    time, shown = trajectory.time, energy_curve_of(trajectory)
    values = shown.values(trajectory)
    axes.plot(*trajectory.curve(shown.name), color=BLACK, label=shown.name)
    set_time_axis(axes, time, trajectory.labels.time)
    if trajectory.labels.falling == "risk":
        set_value_scale(axes, values, log_time=is_log_spaced(time))
    for index, color in zip(marked if marked is not None else (), _colors(marked), strict=True):
        visible = values[index] > 0.0 or axes.get_yscale() != "log"
        if time[index] >= time_limits(time)[0] and visible:
            axes.plot(time[index], values[index], "o", color=color, markersize=5, clip_on=False, zorder=3)
    axes.set_ylabel(shown.label)
    draw_band(axes, trajectory, shown.name)


def mark_ends(axes: Axes, curves: Mapping[str, tuple[FloatArray, FloatArray]]) -> None:
    """Write the last known value beside the end of each curve, so that it can be read; no two stand on each other.

    Parameters
    ----------
    axes : Axes
        With the curves; their limits stand.
    curves : mapping of str to (time, values)
        By their colours.
    """
    ends = []
    for color, (time, values) in curves.items():
        known = np.flatnonzero(np.isfinite(values) & ((values > 0.0) | (axes.get_yscale() != "log")))
        if known.size:
            place = float(time[known[-1]]), float(values[known[-1]])
            height = axes.transAxes.inverted().transform(axes.transData.transform(place))[1]
            ends.append((float(height), place, color))
    lowest = -np.inf
    for height, place, color in sorted(ends):
        lowest = max(height, lowest + END_GAP / LEAST_PANEL)
        shift = (lowest - height) * LEAST_PANEL
        look: Any = {"xytext": (4.0, shift), "textcoords": "offset points", "va": "center", "fontsize": END_SIZE}
        axes.annotate(readable(place[1]), place, color=color, annotation_clip=False, **look)


def readable(value: float) -> str:
    """Three digits of a number, as mathtext."""
    small = 0.0 < abs(value) < PLAIN
    digits, _, exponent = f"{value:.2e}".partition("e") if small else f"{value:#.3g}".rstrip(".").partition("e")
    if not exponent:
        return f"${digits}$"
    return rf"${digits} \times 10^{{{int(exponent)}}}$"


def draw_band(axes: Axes, trajectory: Trajectory, name: str, *, color: str = BLACK) -> None:
    """Shade a scalar by its estimated error, where there is one; the limits of the axes stay.

    Parameters
    ----------
    axes : Axes
        Where its curve is.
    trajectory : Trajectory
        The run.
    name : str
        One of "energy", "risk" and "mass".
    color : str
        Colour of the curve.
    """
    errors = trajectory.errors.get(name)
    if errors is None:
        return
    values, limits = trajectory.scalars[name], axes.get_ylim()
    low, high = values - errors, values + errors
    if axes.get_yscale() == "log":
        low = np.maximum(low, limits[0])  # an error beyond the value itself reaches down to the axis
    axes.fill_between(trajectory.time, low, high, color=color, alpha=BAND, linewidth=0.0)
    axes.set_ylim(limits)


def _colors(marked: IntArray | None) -> FloatArray:
    return time_colors(0 if marked is None else len(marked))


def draw_mass(axes: Axes, trajectory: Trajectory) -> None:
    r"""Total mass over time with a band of its estimated error, and that of each sheet on signed domains."""
    signs, letter, mass = sheet_signs(trajectory), measure_symbol(trajectory), trajectory.labels.mass
    axes.plot(*trajectory.curve("mass"), color=BLACK, label=f"${mass.formula(f'{letter}_t')}$")
    for sign, dashes in zip(signs, ("-", DASHES), strict=False) if len(signs) == 2 else ():
        values, label = sheet_mass(trajectory, sign), f"${mass.formula(f'{letter}_t^{sign_symbol(sign)}')}$"
        axes.plot(trajectory.time, values, color=sign_color(sign), linestyle=dashes, label=label)
    set_time_axis(axes, trajectory.time, trajectory.labels.time)
    axes.set_ylim(0.0, 1.08 * largest_finite(trajectory.mass))
    draw_band(axes, trajectory, "mass")
    curves = {sign_color(sign): (trajectory.time, sheet_mass(trajectory, sign)) for sign in signs if len(signs) == 2}
    mark_ends(axes, {BLACK: (trajectory.time, trajectory.mass), **curves})
    axes.set_ylabel(mass.axis(f"{letter}_t") if len(signs) == 1 else mass.title)
    if len(signs) == 2:
        axes.legend(loc="best", ncols=3, columnspacing=1.2).set_in_layout(False)


def dissipation_curve(trajectory: Trajectory) -> tuple[FloatArray, FloatArray]:
    """Dissipation -dF/dt over time: of each step, or between outputs where no steps are known.

    It is NaN where F did not fall by more than round-off, or rose.

    Returns
    -------
    time, values : arrays, shape (k,)
        Ends of the steps, and the mean dissipation over each.
    """
    steps, energy = trajectory.steps, trajectory.energy
    if np.isfinite(steps.get("dissipation", np.empty(0))).any():
        time, values, length = steps["time"], steps["dissipation"], steps["step_size"]
    else:
        time, length = trajectory.time[1:], np.diff(trajectory.time)
        values = -np.diff(energy) / np.where(length > 0.0, length, 1.0)
    round_off = ROUND_OFF * float(np.abs(energy).max())
    return time, np.where(values * length > round_off, values, np.nan)


def shows_dissipation(trajectory: Trajectory) -> bool:
    """Whether the dissipation is a curve that says something: F falls in most steps, as with noise it does not."""
    _, values = dissipation_curve(trajectory)
    return bool(np.isfinite(values).sum() > max(1.0, FALLING_SHARE * values.size))


def draw_dissipation(axes: Axes, trajectory: Trajectory, least: float | None = None) -> None:
    """Dissipation on a log scale, and F above its least value where that is known."""
    time, values = dissipation_curve(trajectory)
    label = trajectory.labels.dissipation
    axes.plot(time, values, color=BLACK, label=f"${label.symbol}$" if label.symbol else "")
    known = np.flatnonzero(np.isfinite(values))
    set_time_axis(axes, trajectory.time, trajectory.labels.time)
    axes.set_yscale("log")
    if known.size:
        set_value_scale(axes, values[known], log_time=True)
    axes.set_ylabel(label.axis())
    excess = {} if least is None else {ORANGE: _draw_excess(axes, trajectory, least)}
    mark_ends(axes, {BLACK: (time, values), **excess})


def _draw_excess(axes: Axes, trajectory: Trajectory, least: float) -> tuple[FloatArray, FloatArray]:
    """F less its least value, where that is more than round-off; gives the curve."""
    excess = trajectory.energy - least
    size = max(float(np.abs(trajectory.energy).max()), abs(least))
    shown = np.where(excess > ROUND_OFF * size, excess, np.nan)
    axes.plot(trajectory.time, shown, color=ORANGE, label="$F - F_*$")
    axes.legend(loc="best").set_in_layout(False)
    return trajectory.time, shown


def mass_note(trajectory: Trajectory) -> str:
    """Say what a constant mass is."""
    mass = trajectory.labels.mass
    return f"{mass.title} {readable(float(trajectory.mass[-1]))}, constant"
