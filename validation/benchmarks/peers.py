"""One second-order stage on a 512^2 box against py-pde with its numba backend, on the same continuity equation.

Both do d_t rho = div(rho grad V) once with a given V: ours by a limited upwind stage on both cores, py-pde by its
compiled right-hand side of the equation as its users write it. Needs py-pde: pip install -e '.[benchmarks]'.

    python validation/benchmarks/peers.py [--cells 512]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np

from wgflow import Box
from wgflow.errors import MissingExtraError
from wgflow.upwind.discretisation import make_space_scheme

from ._timing import shortest_seconds

REPETITIONS = 30
LEAST_RATIO = 15.0


def our_stage(cells: int) -> Callable[[], object]:
    """An Euler stage of second order."""
    box = Box([(0.0, 1.0)] * 2, (cells, cells), periodic=True)
    generator = np.random.default_rng(0)
    density, potential = generator.random(box.shape), generator.random(box.shape)
    result = np.empty(box.shape)
    scheme = make_space_scheme(box, transport=1.0, reaction=0.0, order=2, limiter="mc")
    step = 0.5 / scheme.loss_rate(potential)
    return lambda: scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result)


def their_rate(cells: int) -> Callable[[], object]:
    """The compiled right-hand side of py-pde; raises MissingExtraError without it."""
    try:
        import pde
    except ImportError:
        raise MissingExtraError("py-pde", "benchmarks", "this benchmark") from None
    grid = pde.CartesianGrid([[0, 1]] * 2, [cells, cells], periodic=True)
    generator = np.random.default_rng(0)
    state = pde.ScalarField(grid, generator.random(grid.shape))
    potential = pde.ScalarField(grid, generator.random(grid.shape))
    equation = pde.PDE({"c": "dot(gradient(c), gradient(v)) + c * laplace(v)"}, consts={"v": potential}, bc="periodic")
    rate = equation.make_pde_rhs(state, backend="numba")
    return lambda: rate(state.data, 0.0)


def main() -> int:
    """Print the ratio; 0 if ours is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=512, help="cells along each axis")
    cells = parser.parse_args().cells
    ours, theirs = shortest_seconds(our_stage(cells), REPETITIONS), shortest_seconds(their_rate(cells), REPETITIONS)
    print(f"wgflow  {1e3 * ours:8.3f} ms   one limited upwind stage, {cells}^2 cells")
    print(f"py-pde  {1e3 * theirs:8.3f} ms   one evaluation of its right-hand side (central differences)")
    passed = theirs >= LEAST_RATIO * ours
    print(f"{'PASS' if passed else 'FAIL'}    ratio {theirs / ours:.1f} (at least {LEAST_RATIO:g})")
    return 0 if passed else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MissingExtraError as error:
        sys.exit(f"error: {error}")
