"""Certified gaps beside the risk: how much F can still fall, known without knowing the optimum."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from wgflow.analysis.optimality.certificates import Certificate, certify_trajectory
from wgflow.errors import InputError
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.style import DASHES, GREY
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

CERTIFIED = 21  # outputs at most whose gaps are drawn


def final_certificate(trajectory: Trajectory) -> Certificate | None:
    """Certificate of the last output over all nonnegative measures; None where there is none, as without lambda."""
    try:
        certificate = certify_trajectory(trajectory)[0]
    except InputError:  # no convex risk on a compact domain, or not known
        return None
    return certificate if certificate.scope == "all" else None


def draw_gap(axes: Axes, trajectory: Trajectory) -> tuple[FloatArray, FloatArray] | None:
    """Draw the certified gap over time, where F is regularised, so that it holds over all measures; gives the curve."""
    if final_certificate(trajectory) is None:
        return None
    shown = evenly_spread(len(trajectory.time), CERTIFIED)
    gaps = np.array([certificate.gap for certificate in certify_trajectory(trajectory, shown)])
    known = gaps > 0.0
    axes.plot(trajectory.time[shown][known], gaps[known], color=GREY, linestyle=DASHES, label="certified gap of $F$")
    axes.legend(loc="best").set_in_layout(False)
    return trajectory.time[shown][known], gaps[known]
