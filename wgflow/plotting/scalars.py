"""Risk or energy, and mass over time, and the time axis that all panels share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from wgflow.flows.labels import Label
from wgflow.former_names import with_former
from wgflow.plotting.line_profiles import measure_symbol, sheet_mass, sheet_signs
from wgflow.plotting.style import BLACK, DASHES, largest_finite, sign_color, sign_symbol, time_colors
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

BAND = 0.25  # opacity of estimated errors
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
    shown = (1, 2, 5) if ratio > 5.0 else (1, 2, 3, 4, 5, 6, 8)

    def label(value: float, _position: int | None = None) -> str:
        digit = round(value / 10.0 ** np.floor(np.log10(value) + 1e-9))
        return f"{value:g}" if digit in shown else ""

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(label))
    if ratio > 50.0:
        axes.yaxis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True)
class EnergyCurve:
    r"""What falls in a flow: the risk of a network, or the energy F above what it is at the end.

    Parameters
    ----------
    title, label : str
        What stands above and beside its curve.
    name : str
        Name of the curve of the trajectory.
    floor : float
        What is taken off: 0, and F at the last output for an energy that does not fall towards 0.
    """

    title: str
    label: str
    name: str
    floor: float = 0.0

    def values(self, trajectory: Trajectory) -> FloatArray:
        """Values at the outputs, shape (T,)."""
        return trajectory.scalars[self.name] - self.floor


def energy_curve_of(trajectory: Trajectory) -> EnergyCurve:
    """Choose what to show of a trajectory: the risk, or the energy where there is none."""
    name, letter = trajectory.labels.falling, measure_symbol(trajectory)
    label = trajectory.labels.of(name)
    if name == "risk":
        of = "h" if len(sheet_signs(trajectory)) == 2 else letter
        return EnergyCurve(label.panel, label.axis(f"{of}_t"), name)
    energy = trajectory.energy
    if energy.min() > 0.0 and energy.max() > LOG_RATIO * energy.min():
        return EnergyCurve(label.panel, label.axis(f"{letter}_t"), name)
    above = label.axis(f"{letter}_t", f" - {label.formula(f'{letter}_T')}")
    return EnergyCurve(label.panel, above, name, float(energy[-1]))


def draw_risk(axes: Axes, trajectory: Trajectory, marked: IntArray | None = None) -> None:
    """Risk or energy over time with a band of its estimated error, and dots in the colours of the marked outputs."""
    time, shown = trajectory.time, energy_curve_of(trajectory)
    times, curve = trajectory.curve(shown.name)
    values = shown.values(trajectory)
    axes.plot(times, curve - shown.floor, color=BLACK, label=shown.name)
    set_time_axis(axes, time, trajectory.labels.time)
    set_value_scale(axes, values, log_time=is_log_spaced(time))
    for index, color in zip(marked if marked is not None else (), _colors(marked), strict=True):
        visible = values[index] > 0.0 or axes.get_yscale() != "log"
        if time[index] >= time_limits(time)[0] and visible:
            axes.plot(time[index], values[index], "o", color=color, markersize=5, clip_on=False, zorder=3)
    axes.set_ylabel(shown.label)
    draw_band(axes, trajectory, shown.name, floor=shown.floor)


def draw_band(axes: Axes, trajectory: Trajectory, name: str, *, floor: float = 0.0, color: str = BLACK) -> None:
    """Shade a scalar by its estimated error, where there is one; the limits of the axes stay.

    Parameters
    ----------
    axes : Axes
        Where its curve is.
    trajectory : Trajectory
        The run.
    name : str
        One of "energy", "risk" and "mass".
    floor : float
        What is taken off the values.
    color : str
        Colour of the curve.
    """
    errors = trajectory.errors.get(name)
    if errors is None:
        return
    values, limits = trajectory.scalars[name] - floor, axes.get_ylim()
    low, high = values - errors, values + errors
    if axes.get_yscale() == "log":
        low = np.maximum(low, limits[0])  # an error beyond the value itself reaches down to the axis
    axes.fill_between(trajectory.time, low, high, color=color, alpha=BAND, linewidth=0.0)
    axes.set_ylim(limits)


def _colors(marked: IntArray | None) -> FloatArray:
    return time_colors(0 if marked is None else len(marked))


def draw_mass(axes: Axes, trajectory: Trajectory) -> None:
    r"""Total mass over time, and that of each sheet on signed domains."""
    signs, letter, mass = sheet_signs(trajectory), measure_symbol(trajectory), trajectory.labels.mass
    axes.plot(*trajectory.curve("mass"), color=BLACK, label=f"${mass.formula(f'{letter}_t')}$")
    for sign, dashes in zip(signs, ("-", DASHES), strict=False) if len(signs) == 2 else ():
        values, label = sheet_mass(trajectory, sign), f"${mass.formula(f'{letter}_t^{sign_symbol(sign)}')}$"
        axes.plot(trajectory.time, values, color=sign_color(sign), linestyle=dashes, label=label)
    set_time_axis(axes, trajectory.time, trajectory.labels.time)
    axes.set_ylim(0.0, 1.08 * largest_finite(trajectory.mass))
    axes.set_ylabel(mass.axis(f"{letter}_t") if len(signs) == 1 else mass.title)
    if len(signs) == 2:
        axes.legend(loc="best", ncols=3, columnspacing=1.2).set_in_layout(False)
