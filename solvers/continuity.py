"""The continuity equation d_t mu = div(mu grad J) on R^3 for an infinitely wide ReLU network with one input and a bias.

A worked example: build the objects by hand, solve, look. Both layers move: a point w = (a, b, c) is the neuron
a relu(b x + c). It writes ``continuity.h5`` and ``continuity.png``. The same equation from a problem file is
``wgflow run regression_box``.

    python solvers/continuity.py
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wgflow import Box, Features, Neurons, Relu, Sphere, cone_image, plot_trajectory, save_figure, solve

VARIANCE = 0.36


def gaussian(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Density of independent weights N(0, 0.36), the usual start of a network."""
    form = (points**2).sum(axis=-1) / VARIANCE
    return (2.0 * np.pi * VARIANCE) ** -1.5 * np.exp(-0.5 * form)


def main() -> None:
    """Learn a sine from twenty noisy values."""
    # Data with a last input that is always 1, for the bias.
    generator = np.random.default_rng(1)
    x = np.sort(generator.uniform(-1.0, 1.0, 20))
    targets = 0.5 * np.sin(2.0 * x) + 0.1 * generator.normal(size=20)
    inputs = np.column_stack([x, np.ones(20)])

    # Features Psi(a, b, c) = a relu(b x + c); J costs one pass over the box and a sum over its (b, c) cells.
    risk = Features(Neurons(Relu(inputs)), targets)

    # A box that holds the weights, and grows by whole cells where they come near a wall.
    box = Box([(-3.6, 3.6)] * 3, (36, 36, 36))
    times = np.linspace(0.0, 4.0, 9)
    trajectory = solve(
        risk, box, gaussian, 4.0, times=times, output="continuity.h5", overwrite=True, wall_warning=1e-5, grow=True
    )
    for time, value, mass in zip(trajectory.time, trajectory.risk, trajectory.mass, strict=True):
        print(f"t = {time:4.1f}   risk = {value:.6f}   mass = {mass:.12f}")

    # The features are 2-homogeneous: the image under w -> (w/|w|, weight |w|^2) solves the sphere equation.
    sphere = Sphere(2562)
    start = np.full(sphere.shape, 3.0 * VARIANCE / (4.0 * np.pi))
    on_sphere = solve(risk, sphere, start, 4.0, times=trajectory.time[1:])
    grown = trajectory.domain if isinstance(trajectory.domain, Box) else box
    image = cone_image(trajectory.density[-1], grown, sphere)
    distance = (abs(image - on_sphere.density[-1]) * sphere.volumes).sum() / on_sphere.mass[-1]
    print(f"risk on the sphere {on_sphere.risk[-1]:.6f}, relative L1 distance of the image {distance:.3f}")
    save_figure(plot_trajectory(trajectory), "continuity.png")


if __name__ == "__main__":
    main()
