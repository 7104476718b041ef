r"""
How far from optimal
====================

Variational (JKO) steps follow the flow to times that explicit steps never reach; certificates bound how far F is from
its least value over all measures; and the measure at the end is a sum of spikes, whose places we read off.
"""

# %%
# A teacher of four neurons learned by an infinitely wide network, with a little weight decay: F is the risk plus
# 0.002 times the mass. The flow is followed to t = 300 by steps that grow with time.

import numpy as np
from matplotlib.figure import Figure

import wgflow

problem = wgflow.open_problem(
    "teacher_jko", ["problem.regularization=0.002", "solver.t_end=300.0", "particles.count=256", "output.snapshots=16"]
)
trajectory = wgflow.run(problem)
print(f"F {trajectory.energy[0]:.5f} -> {trajectory.energy[-1]:.5f} in {len(trajectory.steps['time'])} steps")

# %%
# The certificate
# ---------------
#
# F is convex, so its first variation J bounds it from below: if :math:`J \ge -\epsilon` everywhere, and J vanishes on
# the support, then no measure of mass M is better by more than :math:`\epsilon M`. ``certify`` finds the minimum of
# J, and gives the better one of two such bounds.

certificate = wgflow.certify_trajectory(trajectory)[0]
print(certificate.verdict)
print(f"F = {certificate.value:.6f}, lower bound {certificate.lower_bound:.6f}, gap {certificate.gap:.1e}")

# %%
# The best measure itself
# -----------------------
#
# ``find_optimum`` does not follow the flow: it builds the best sparse measure atom by atom, up to a certified gap.

best = wgflow.find_optimum(problem.functional, problem.domain)
print(f"least value {best.value:.8f}, certified up to {best.certificate.gap:.0e}")
print(f"the flow is {certificate.value - best.value:.1e} above")

figure = Figure(figsize=(6, 4), layout="constrained")
axes = figure.subplots()
axes.loglog(trajectory.time[1:], trajectory.energy[1:] - best.value, "o-")
axes.axhline(certificate.gap, color="0.6", linestyle="--", label="certified gap at the end")
axes.set(xlabel="t", ylabel="F above its least value")
axes.legend()

# %%
# Spikes
# ------
#
# The mass gathers in spikes. Beside each other: those of the flow, and the atoms of the optimum, by angle.


def listed(measure: wgflow.Particles) -> None:
    """Print the atoms of a measure by angle, with their signed weights."""
    angles = np.arctan2(measure.points[:, 1], measure.points[:, 0]) % (2.0 * np.pi)
    for atom in np.argsort(angles):
        print(f"  angle {angles[atom]:.3f}   weight {measure.signs[atom] * measure.weights[atom]:+.3f}")


print("flow:")
listed(wgflow.find_spikes(trajectory.measure(-1), problem.domain, radius=0.15, least=0.01))
print("optimum:")
listed(best.measure)

# %%
# The teacher's directions were 0.5, 2.9, 4.9 and 5.4, its weights 1, -1, -1 and 1: weight decay moves some of them,
# and puts a little mass opposite to others, where two neurons together are linear. The flow has found the same
# spikes, and is still on its way to their weights; ``solver.t_end=1e5`` brings it there.
