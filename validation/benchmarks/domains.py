"""Cost of one second-order stage on boxes and the sphere, in seconds per cell over a triad of the same size.

The triad reads two arrays and writes one, on one core. Stage and triad are measured one after the other, several times;
the ratio is the median of such pairs, with the smallest and the largest.

    python validation/benchmarks/domains.py
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wgflow import Box, Sphere
from wgflow.domains import Domain
from wgflow.upwind.discretisation import make_space_scheme

from ._timing import paired_seconds


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


def main() -> None:
    """Print the table."""
    domains: dict[str, tuple[Domain, str]] = {
        "box 2048^2": (Box([(0.0, 1.0)] * 2, (2048, 2048)), "two_point"),
        "box 192^3": (Box([(0.0, 1.0)] * 3, (192, 192, 192)), "two_point"),
        "sphere 163842": (Sphere(163842), "two_point"),
        "the same, midpoint": (Sphere(163842), "midpoint"),
    }
    print(f"{'domain':18s} {'ns/cell':>8s} {'x triad':>8s}  range")
    for name, (domain, velocity) in domains.items():
        cells = int(np.prod(domain.shape))
        stage, add = euler_stage(domain, velocity), triad(cells)
        pairs = paired_seconds(stage, add)
        ratios = pairs[:, 0] / pairs[:, 1]
        seconds = float(np.median(pairs[:, 0]))
        print(
            f"{name:18s} {1e9 * seconds / cells:8.2f} {np.median(ratios):8.2f}  {ratios.min():.1f}, {ratios.max():.1f}"
        )


if __name__ == "__main__":
    main()
