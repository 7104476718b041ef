"""Cost of one second-order stage on boxes and the sphere, in seconds per cell over a triad of the same size.

The triad reads two arrays and writes one, on one core. Stage and triad are measured one after the other, several times;
the ratio is the median of such pairs, with the smallest and the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from wgflow import Box, Sphere
from wgflow.app.validation import Row, Setting
from wgflow.domains import Domain
from wgflow.upwind.discretisation import make_space_scheme

from ._timing import paired_seconds, ratio_row


def euler_stage(domain: Domain, velocity: str) -> Callable[[], object]:
    """One Euler stage on a rough state, to be called again and again."""
    generator = np.random.default_rng(0)
    density, potential = generator.random(domain.shape), generator.random(domain.shape)
    result = np.empty(domain.shape)
    scheme = make_space_scheme(domain, transport=1.0, reaction=0.0, order=2, velocity=velocity)
    step = 0.5 / scheme.loss_rate(potential)
    return lambda: scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result)


def triad(size: int) -> Callable[[], object]:
    """Adding two arrays into a third."""
    first, second, result = np.ones(size), np.ones(size), np.empty(size)
    return lambda: np.add(first, second, out=result)


def validate(setting: Setting) -> Iterator[Row]:
    """Time a stage on large grids; quick, a few times only."""
    domains: dict[str, tuple[Domain, str]] = {
        "2048^2 box": (Box([(0.0, 1.0)] * 2, (2048, 2048)), "two_point"),
        "192^3 box": (Box([(0.0, 1.0)] * 3, (192, 192, 192)), "two_point"),
        "sphere of 163842": (Sphere(163842), "two_point"),
        "sphere of 163842, midpoint velocities": (Sphere(163842), "midpoint"),
    }
    pairs, repetitions = (3, 3) if setting.quick else (7, 15)
    for name, (domain, velocity) in domains.items():
        cells = int(np.prod(domain.shape))
        found = paired_seconds(euler_stage(domain, velocity), triad(cells), pairs, repetitions)
        cost = f"{1e9 * np.median(found[:, 0]) / cells:.2f} ns per cell"
        yield ratio_row(f"a second-order stage, {name}: over a triad", found, cost).quote()
