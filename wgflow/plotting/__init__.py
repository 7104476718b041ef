"""Figures and films of trajectories, in one style, made without pyplot.

>>> from wgflow.plotting import animate_trajectory, plot_trajectory, save_figure
>>> save_figure(plot_trajectory(flow, problem), "flow.png")  # doctest: +SKIP
>>> animate_trajectory(flow, problem, "flow.gif")  # doctest: +SKIP
"""

from wgflow.plotting.animation import animate_trajectory, check_film
from wgflow.plotting.comparison import plot_comparison
from wgflow.plotting.files import check_figure_path, save_figure
from wgflow.plotting.overview import plot_trajectory

__all__ = [
    "animate_trajectory",
    "check_figure_path",
    "check_film",
    "plot_comparison",
    "plot_trajectory",
    "save_figure",
]
