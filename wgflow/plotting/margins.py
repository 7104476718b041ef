"""The margin of a classifier over time, below what no network of the same norm exceeds."""

from __future__ import annotations

from typing import cast

import numpy as np
from matplotlib.axes import Axes

from wgflow.analysis.optimality.arrangement import make_direction_search
from wgflow.analysis.optimality.margins import variation_margin
from wgflow.errors import ComputationError, InputError
from wgflow.functionals import Features
from wgflow.networks.relu import Relu
from wgflow.plotting.fits import predicted
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.scalars import is_log_spaced, mark_ends, set_time_axis
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import BLACK, BLUE, DASHES, GREY, largest_finite
from wgflow.problems.datasets import Dataset
from wgflow.typing import FloatArray, IntArray

MOST_OUTPUTS, MOST_BOUNDS, MOST_POINTS = 41, 9, 100  # of margins; of upper bounds; of data whose gamma_1 is computed
TOLERANCE = 1e-3  # of gamma_1


def margins(shown: Shown) -> tuple[IntArray, FloatArray]:
    """Least margin of the data over the mass at some outputs: their numbers, and the margins."""
    data, trajectory = cast(Dataset, shown.dataset), shown.trajectory
    chosen = evenly_spread(len(trajectory.time), MOST_OUTPUTS)
    least = [float((data.targets * predicted(shown, int(k), data.inputs)).min()) for k in chosen]
    return chosen, np.array(least) / np.where(trajectory.mass[chosen] > 0.0, trajectory.mass[chosen], 1.0)


def upper_bounds(shown: Shown) -> tuple[IntArray, FloatArray]:
    r"""Upper bounds of gamma_1 by the weights :math:`\lambda_i` that the loss gives the data at some outputs.

    No network of ReLU neurons and variation norm 1 has a larger margin than
    :math:`\max_\eta |\sum_i \lambda_i y_i (\eta \cdot x_i)_+| / \sum_i \lambda_i`.

    References
    ----------
    Bach and Chizat (2022), Section 5.3.
    """
    data, trajectory = cast(Dataset, shown.dataset), shown.trajectory
    if trajectory.is_normalised:
        return np.arange(len(trajectory.time)), -trajectory.min_potential
    risks = [term for term in shown.terms if isinstance(term, Features)]
    if not risks or not isinstance(risks[0].fn, Relu):
        return np.empty(0, dtype=np.int64), np.empty(0)
    chosen, bounds = evenly_spread(len(trajectory.time), MOST_BOUNDS), []
    search = make_direction_search(data.inputs)
    for index in chosen:
        _, slopes = risks[0].risk.evaluate(predicted(shown, int(index), data.inputs), data.targets)
        weights = np.maximum(-slopes * data.targets, 0.0)
        _, values = search(weights * data.targets / max(float(weights.sum()), 1e-300), 1)
        bounds.append(float(np.abs(values).max()))
    return chosen, np.array(bounds)


def largest_margin(shown: Shown) -> float | None:
    """The largest margin gamma_1 of small data; None where it would take long, or there is none."""
    data = cast(Dataset, shown.dataset)
    if len(data.targets) > MOST_POINTS:
        return None
    try:
        return variation_margin(data.inputs, data.targets, TOLERANCE).margin
    except (InputError, ComputationError):
        return None


def draw_margin(axes: Axes, shown: Shown) -> None:
    """Margin over the mass, its upper bounds, and gamma_1 between them."""
    time = shown.trajectory.time
    gamma = largest_margin(shown)
    if gamma is not None:
        axes.axhline(gamma, color=GREY, linestyle=DASHES, linewidth=1.2, zorder=1, label=r"$\gamma_1$")
    chosen, values = margins(shown)
    axes.plot(time[chosen], values, color=BLACK, label="margin")
    bounded, bounds = upper_bounds(shown)
    if bounded.size:
        axes.plot(time[bounded], bounds, color=BLUE, label="upper bound")
    set_time_axis(axes, time, shown.trajectory.labels.time)
    top = largest_finite(bounds) if bounded.size else largest_finite(values)
    axes.set_ylim(max(float(values.min()), -top) - 0.05 * top, 1.1 * top)
    ends = {BLUE: (time[bounded], bounds)} if bounded.size else {}
    mark_ends(axes, {BLACK: (time[chosen], values), **ends})
    axes.set_ylabel(r"$\min_i y_i h_t(x_i) / |\nu_t|$")
    axes.legend(loc="best").set_in_layout(False)
    axes.set_title("Margin")


def draw_log_mass(axes: Axes, shown: Shown) -> None:
    """Logarithm of the mass of a flow that is followed in normalised form."""
    trajectory = shown.trajectory
    values = trajectory.fields["log_mass"]
    axes.plot(trajectory.time, values, color=BLACK)
    set_time_axis(axes, trajectory.time, trajectory.labels.time)
    if is_log_spaced(trajectory.time) and float(np.min(values[1:], initial=1.0)) > 0.0:
        axes.set_yscale("log")
    mark_ends(axes, {BLACK: (trajectory.time, values)})
    axes.set_ylabel(r"$\log |\nu|$")
    axes.set_title("Logarithm of the mass")
