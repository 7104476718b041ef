"""Cost of one second-order stage on boxes and the sphere, in seconds per cell over a triad of the same size.

The triad reads two arrays and writes one, on one core; both are measured in the same run.

    python validation/benchmarks/domains.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from wgflow import Box, Sphere
from wgflow.domains import Domain
from wgflow.schemes.space import make_space_scheme

REPETITIONS = 15


def shortest_seconds(call: Callable[[], object]) -> float:
    """Shortest duration of a call, after one that warms up."""
    call()
    durations = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        call()
        durations.append(time.perf_counter() - started)
    return min(durations)


def stage_seconds(domain: Domain) -> float:
    """Seconds of one Euler stage on a rough state."""
    generator = np.random.default_rng(0)
    density, potential = generator.random(domain.shape), generator.random(domain.shape)
    result = np.empty(domain.shape)
    scheme = make_space_scheme(domain, transport=1.0, reaction=0.0, order=2, limiter="mc")
    step = 0.5 / scheme.loss_rate(potential)
    return shortest_seconds(lambda: scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result))


def triad_seconds(size: int) -> float:
    """Seconds of adding two arrays into a third."""
    first, second, result = np.ones(size), np.ones(size), np.empty(size)
    return shortest_seconds(lambda: np.add(first, second, out=result))


def main() -> None:
    """Print the table."""
    domains: dict[str, Domain] = {
        "box 2048^2": Box([(0.0, 1.0)] * 2, (2048, 2048)),
        "box 192^3": Box([(0.0, 1.0)] * 3, (192, 192, 192)),
        "sphere 163842": Sphere(163842),
    }
    print(f"{'domain':14s} {'ns/cell':>8s} {'x triad':>8s}")
    for name, domain in domains.items():
        cells = int(np.prod(domain.shape))
        stage, triad = stage_seconds(domain), triad_seconds(cells)
        print(f"{name:14s} {1e9 * stage / cells:8.2f} {stage / triad:8.2f}")


if __name__ == "__main__":
    main()
