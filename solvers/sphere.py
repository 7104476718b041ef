"""The sphere equation d_t nu = div(nu grad J) - beta J nu for an infinitely wide ReLU network with a teacher.

A worked example: build the objects by hand, solve, look. It writes ``sphere.h5`` and ``sphere.png``.
The same run from a problem file is ``wgflow run teacher``.

    python solvers/sphere.py
"""

from __future__ import annotations

import numpy as np

from wgflow import Circle, Population, Signed, Teacher, plot_trajectory, save_figure, solve


def main() -> None:
    """Solve the problem of Figure 2 of Bach and Chizat (2022) with m = infinity."""
    # Four teacher neurons in the plane: directions by their angles, output weights +1 and -1.
    teacher = Teacher.from_angles(np.array([0.5, 2.9, 4.9, 5.4]), np.array([1.0, -1.0, -1.0, 1.0]))

    # Balanced students a relu(b.x), |a| = |b|, are points b/|b| with a sign: two copies of the circle.
    domain = Signed(Circle(1024))

    # Gradient descent on the population risk from the uniform probability measure.
    uniform = np.full(domain.shape, 1.0 / (4.0 * np.pi))
    trajectory = solve(Population(teacher), domain, uniform, 20.0, output="sphere.h5", overwrite=True)

    for time, value, mass in zip(trajectory.time[::10], trajectory.risk[::10], trajectory.mass[::10], strict=True):
        print(f"t = {time:5.1f}   risk = {value:.6f}   mass = {mass:.4f}")
    save_figure(plot_trajectory(trajectory), "sphere.png")


if __name__ == "__main__":
    main()
