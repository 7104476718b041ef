r"""
One problem, three methods
==========================

The same flow on a grid, by characteristics and with particles. A network of m random neurons is at a distance of about
:math:`m^{-1/2}` from the infinitely wide one: we measure the exponent.
"""

# %%
# A teacher of four neurons, with Gaussian inputs, whose risk is known in closed form. The method is one key of the
# problem.

import numpy as np
from matplotlib.figure import Figure

import wgflow
from wgflow.analysis.metrics import population_distance

SETTINGS = ["solver.t_end=2.0", "output.snapshots=21"]
grid = wgflow.run(wgflow.open_problem("teacher", [*SETTINGS, "domain.cells=1024"]))
exact = wgflow.run(wgflow.open_problem("teacher", [*SETTINGS, "solver.kind=characteristics", "domain.cells=1024"]))
print(f"risk at t = 2: grid {grid.risk[-1]:.7f}, characteristics {exact.risk[-1]:.7f}")

# %%
# Both solve the partial differential equation; what separates them is the error of the grid. Now networks of 25 to
# 800 neurons, which are drawn at random, twelve of each width. The distance of two networks is that of their
# predictions, the root of the mean of :math:`|h - h'|^2` over the inputs.

counts, seeds = [25, 50, 100, 200, 400, 800], range(12)


def distance(count: int, seed: int) -> float:
    """Distance of a network of random neurons to the infinitely wide one at t = 2."""
    settings = ["solver.t_end=2.0", "output.times=[2.0]", "solver.kind=particles"]
    network = wgflow.run(
        wgflow.open_problem("teacher", [*settings, f"particles.count={count}", f"initial.seed={seed}"])
    )
    return population_distance(network.measure(-1), exact.measure(-1))


distances = np.array([[distance(count, seed) for seed in seeds] for count in counts])
mean = np.sqrt((distances**2).mean(axis=1))
slope, level = np.polyfit(np.log(counts), np.log(mean), 1)
print(f"exponent of m: {slope:.2f}, expected -0.5")

# %%
# Theorem 1 of Bach and Chizat (2022) says that networks approach the equation; that random ones do so like
# :math:`m^{-1/2}` is the law of large numbers at time 0, which the flow carries on.

figure = Figure(figsize=(5.5, 4), layout="constrained")
axes = figure.subplots()
axes.loglog(counts, distances, ".", color="0.75")
axes.loglog(counts, mean, "o-", label="root mean square of 12 networks")
axes.loglog(counts, np.exp(level) * np.array(counts) ** slope, "k--", label=f"slope {slope:.2f}")
axes.set(xlabel="neurons m", ylabel="distance to the PDE at t = 2")
axes.legend()

# %%
# Particles need not be random: with ``particles.start=stratified`` the squared distance falls about like :math:`m^{-3}`
# (:doc:`/validation`, theorem1).
