"""Figures of trajectories, in one style, made without pyplot.

>>> from wgflow.plotting import plot_trajectory, save_figure
>>> save_figure(plot_trajectory(flow, problem), "flow.png")  # doctest: +SKIP
"""

from wgflow.plotting.comparison import plot_comparison
from wgflow.plotting.files import check_figure_path, save_figure
from wgflow.plotting.overview import plot_trajectory

__all__ = ["check_figure_path", "plot_comparison", "plot_trajectory", "save_figure"]
