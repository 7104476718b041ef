"""
A wide network learns the seasons
=================================

One-dimensional regression with an infinitely wide ReLU network.
"""

import wgflow

trajectory = wgflow.run("el_nino")
figure = trajectory.plot()
