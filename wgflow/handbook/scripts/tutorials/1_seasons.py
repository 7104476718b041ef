"""
A wide network learns the seasons
=================================

One-dimensional regression with an infinitely wide ReLU network on real data: monthly sea surface temperatures of the
eastern Pacific. We follow the network through its training, and look at the prediction :math:`h_t` and at the measure
of neurons that gives it.
"""

# %%
# The problem
# -----------
#
# The problem ships with wgflow. ``open_problem`` reads it, and takes changes as ``--set`` on the command line does;
# here a coarser grid and a shorter time, so that this page is made quickly.

import numpy as np
from matplotlib.figure import Figure

import wgflow

problem = wgflow.open_problem("el_nino", ["domain.cells=256", "solver.t_end=200.0", "output.snapshots=41"])
trajectory = wgflow.run(problem)

print(f"{len(trajectory)} outputs up to t = {trajectory.time[-1]:g}")
print(f"risk {trajectory.risk[0]:.4f} -> {trajectory.risk[-1]:.4f}, mass {trajectory.mass[-1]:.3f}")

# %%
# Each neuron :math:`a \max(b \cdot x, 0)` of a balanced network is a direction on a circle with a sign: the sign of
# its output weight. So the network is a density on two copies of the circle, ``trajectory.density`` of shape (T, 2,
# 256), and training it by gradient descent is a partial differential equation for this density.
#
# The prediction through time
# ---------------------------
#
# ``predict`` takes inputs in the units of the data file, and the number of an output.

months = np.linspace(1.0, 12.0, 200)
shown = [0, 20, 27, 40]

figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots()
data = problem.dataset
axes.plot(data.input_shift + data.input_scale * data.inputs[:, :1], data.in_units(data.targets), ".", color="0.7")
for index in shown:
    axes.plot(months, trajectory.predict({"month": months}, index), label=f"t = {trajectory.time[index]:.3g}")
axes.set(xlabel="month", ylabel="temperature (degrees Celsius)")
axes.legend()

# %%
# The network learns the mean first, then the slow wave, then its sharper parts.
#
# The whole picture
# -----------------
#
# ``plot`` draws the data with the last predictions, how F fell, and the measure of neurons through time: it gathers
# in few directions, each of which is a kink of the prediction.

overview = trajectory.plot()

# %%
# What to try next: ``solver.kind=particles`` with ``particles.count=50`` trains a network of fifty neurons;
# :doc:`the next tutorial <2_three_methods>` tells how far that is from the infinitely wide one.
