r"""
The largest margin
==================

Classification of separable data. The mass of the network grows without end, and only its direction converges: to the
network of the largest margin :math:`\gamma_1`. We follow it there, and compare with the exact :math:`\gamma_1`.
"""

# %%
# Sixty points in nine clusters of the plane, and the softmin loss. ``solver.kind = "normalised"`` follows the
# direction and the logarithm of the mass, so that no mass is too large.

import numpy as np
from matplotlib.figure import Figure

import wgflow

problem = wgflow.open_problem("clusters", ["domain.cells=642", "solver.t_end=400.0", "output.snapshots=13"])
trajectory = wgflow.run(problem)
print(f"logarithm of the mass: {trajectory.fields['log_mass'][-1]:.1f}")

# %%
# Regions
# -------
#
# The sign of the prediction, early and late. At first the network separates what is easy; at the end it leaves the same
# room on both sides of its boundary.

regions = trajectory.plot()

# %%
# Against the exact margin
# ------------------------
#
# ``variation_margin`` solves a linear program by column generation, certified from above and below.

inputs, labels = problem.dataset.inputs, problem.dataset.targets
exact = wgflow.variation_margin(inputs, labels)
margin = np.asarray(trajectory.fields["margin"])
print(f"gamma_1 = {exact.margin:.6f}, certified up to {exact.gap:.0e}")
print(f"margin of the flow: {margin[-1] / exact.margin:.1%} of it")

figure = Figure(figsize=(6, 4), layout="constrained")
axes = figure.subplots()
axes.semilogx(trajectory.time[1:], margin[1:] / exact.margin, "o-")
axes.axhline(1.0, color="0.6", linestyle="--", label="largest margin")
axes.set(xlabel="t", ylabel="margin over gamma_1", ylim=(min(0.0, margin[1] / exact.margin), 1.08))
axes.legend()

# %%
# It stays below: no network of norm 1 has more. What is missing at the end is above all the grid's, 642 directions
# for each sign; finer grids come closer (:doc:`/validation`, margins).
