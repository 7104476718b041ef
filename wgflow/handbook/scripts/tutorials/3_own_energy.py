r"""
Your own energy
===============

A sum of an entropy, a potential V and an interaction W, each a function of yours:

.. math:: F(\rho) = T \int \rho \log \rho + \int V \rho + \frac{1}{2} \iint W(x - y) \rho(x) \rho(y).

Its flow is a Fokker-Planck equation with aggregation. We watch the density come to rest at the Gibbs state.
"""

# %%
# Functions take arrays of points (N, p) and give values (N,). Here a double well, and a spring between all pairs.

import numpy as np
from matplotlib.figure import Figure

import wgflow

TEMPERATURE, SPRING = 0.3, 0.5


def potential(x):
    """A double well with minima at -1 and 1."""
    return (x[..., 0] ** 2 - 1.0) ** 2


def spring(z):
    """Each pair attracts like a spring."""
    return 0.5 * SPRING * z[..., 0] ** 2


energy = wgflow.Entropy(TEMPERATURE) + wgflow.Potential(potential) + wgflow.Interaction(spring)

# %%
# Any density will do as a start; implicit steps follow diffusion with few of them.

box = wgflow.Box([(-2.5, 2.5)], 200)
flow = wgflow.solve(
    energy, box, lambda x: np.exp(-10.0 * x[..., 0] ** 2), 40.0, times=[0.05, 0.2, 1.0, 40.0], stepper="tr_bdf2"
)
print("F:", *(f"{value:.4f}" for value in flow.energy))
print("largest change of the mass:", f"{abs(flow.mass / flow.mass[0] - 1.0).max():.1e}")

# %%
# The Gibbs state
# ---------------
#
# At rest T log(rho) + V + W * rho is constant. The start is even, so the mean stays 0, and of a spring
# :math:`W * \rho = \frac{k}{2} |\rho| x^2` up to a constant: the state at rest is known.

x = box.points[..., 0]
gibbs = np.exp(-(potential(box.points) + 0.5 * SPRING * flow.mass[-1] * x**2) / TEMPERATURE)
gibbs *= flow.mass[-1] / (gibbs * box.volumes).sum()
error = (abs(flow.density[-1] - gibbs) * box.volumes).sum() / flow.mass[-1]
print(f"relative distance to the Gibbs state in L1: {error:.1e}")

figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots()
axes.fill_between(x, gibbs, color="0.88", label="Gibbs state")
for time, density in zip(flow.time, flow.density, strict=True):
    axes.plot(x, density, label=f"t = {time:g}")
axes.set(xlabel="x", ylabel="density", ylim=(0.0, 2.2 * gibbs.max()))
axes.legend()

# %%
# The distance is that of round-off: the scheme is built so that Gibbs states are at rest on every grid. On the way
# there the error is of second order in the cells. ``PowerEnergy(2.0)`` in the place of the entropy has fronts in the
# place of tails.
