"""The flow by its definition: steps that minimise F(mu) + W^2(mu, mu_before) / (2 tau), found from their dual.

A worked example: build the objects by hand, step, look at each step. A network with tanh neurons learns eight values;
the dual of a step has eight unknowns, however many neurons there are, and its duality gap proves the step. The steps
grow a thousandfold. A run from a problem file is ``wgflow run teacher_jko``. It writes ``variational.png``.

    python solvers/variational.py
"""

from __future__ import annotations

from functools import partial

import numpy as np

from wgflow import (
    Features,
    JkoFlow,
    Neurons,
    Observers,
    Particles,
    SmoothLayer,
    Space,
    plot_trajectory,
    save_figure,
    solve_jko,
)


def show(evolution: object) -> None:
    """Print what a step found: its size, Newton's iterations, and the gap that proves it."""
    if isinstance(evolution, JkoFlow) and evolution.last is not None:
        print(
            f"{evolution.time:8.3f}  {evolution.step_size:6.3f}  {evolution.energy:10.3e}  "
            f"{evolution.last.iterations:7d}  {evolution.last.gap:12.1e}  {evolution.last.least_curvature:12.3f}"
        )


def main() -> None:
    """Learn eight values of a sine with two thousand neurons."""
    # Data with a last input that is always 1, for the bias, and the risk of features Psi(a, b, c) = a tanh(b x + c).
    x = np.linspace(-1.0, 1.0, 8)
    risk = Features(Neurons(SmoothLayer(np.column_stack([x, np.ones(8)]))), np.sin(2.0 * x))

    # Neurons of a wide network: a particle w = (a, b, c) of weight 1/m each.
    generator = np.random.default_rng(1)
    neurons = Particles(0.6 * generator.normal(size=(2000, 3)), np.full(2000, 1.0 / 2000.0), np.ones(2000))

    # Steps of size 0.01 + 0.5 t: explicit methods would have to keep to the first of these sizes.
    print("    time     tau        risk   Newton   duality gap   least 1 + tau D^2 J")
    follow = partial(solve_jko, risk, Space(3), neurons, 20.0, tau=0.01, growth=0.5, reaction=0.0)
    follow(times=[20.0], observers=Observers(step=[show]))

    # The same with outputs on the way, for plots and files; they do not change it.
    trajectory = follow(times=np.geomspace(0.1, 20.0, 20))
    print(f"risk with twenty outputs on the way: {trajectory.risk[-1]:.6f}")
    save_figure(plot_trajectory(trajectory), "variational.png")


if __name__ == "__main__":
    main()
