"""A finite network as a system of particles: gradient flow, gradient descent and SGD of both layers.

A worked example: build the objects by hand, follow the same network by three methods, look. Beside each other they show
what Theorem 1 of Bach and Chizat (2022) says of wide networks and small steps. It writes ``particles.h5`` and
``particles.png``. A similar run from a problem file is ``wgflow run network``.

    python solvers/particles.py
"""

from __future__ import annotations

import numpy as np

from wgflow import Descent, Population, Space, Teacher, draw_balanced, plot_trajectory, save_figure, simulate


def main() -> None:
    """Learn a teacher with five inputs."""
    # A teacher of three neurons, and its risk for x ~ N(0, I) in closed form.
    directions = np.array([[1.0, 0, 0, 0, 0], [0, 0.6, 0.8, 0, 0], [0, 0, -0.6, 0.8, 0]])
    risk = Population(Teacher(directions, np.array([1.0, -1.0, 1.0])))

    # One hundred neurons a relu(b.x) with a = +1 or -1 and |b| = 1, as points (a, b) of R^6.
    neurons, space = draw_balanced(inputs=5, mass=1.0, count=100, seed=1), Space(6)

    # The gradient flow by an adaptive integrator; gradient descent, which is Euler's method with the step as its rate;
    # and the same steps on fresh samples, which is SGD.
    times = np.linspace(0.0, 20.0, 11)
    trajectory = simulate(
        risk, neurons, 20.0, domain=space, times=times, tolerance=1e-8, output="particles.h5", overwrite=True
    )
    descent = simulate(risk, neurons, 20.0, domain=space, times=times, method=Descent(0.02))
    sgd = simulate(risk, neurons, 20.0, domain=space, times=times, method=Descent(0.02, batch=100, seed=1))
    for time, *risks in zip(times, trajectory.risk, descent.risk, sgd.risk, strict=True):
        print(f"t = {time:4.1f}   risk: flow {risks[0]:.6f}   descent {risks[1]:.6f}   SGD {risks[2]:.6f}")

    # What gradient flow conserves: a^2 - |b|^2 of each neuron.
    difference = trajectory.position[..., 0] ** 2 - (trajectory.position[..., 1:] ** 2).sum(axis=-1)
    print(f"largest change of a^2 - |b|^2: {abs(difference - difference[0]).max():.1e}")
    save_figure(plot_trajectory(trajectory), "particles.png")


if __name__ == "__main__":
    main()
