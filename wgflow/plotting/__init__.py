"""Figures and films of trajectories, in one style, made without pyplot.

>>> from wgflow.plotting import animate_trajectory, plot_trajectory, save_figure
>>> save_figure(plot_trajectory(trajectory, problem), "flow.png")  # doctest: +SKIP
>>> animate_trajectory(trajectory, problem, "flow.gif")  # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
