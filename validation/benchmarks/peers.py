"""One second-order stage on a 512^2 box against py-pde with its numba backend, on the same continuity equation.

Both do d_t rho = div(rho grad V) once with a given V: ours by a limited upwind stage on both cores, py-pde by its
compiled right-hand side of the equation as its users write it. Needs py-pde: pip install 'wgflow[benchmarks]'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from wgflow import Box
from wgflow.app.validation import Row, Setting, at_least
from wgflow.errors import MissingExtraError
from wgflow.upwind.discretisation import make_space_scheme

from ._timing import shortest_seconds

REPETITIONS = 30
LEAST_RATIO = 15.0
DIVERGENCE = "divergence(c * gradient(v))"  # as the equation is written, and as finite volumes conserve it
EQUATIONS = {"divergence of a product": DIVERGENCE, "product rule": "dot(gradient(c), gradient(v)) + c * laplace(v)"}


def our_stage(cells: int) -> Callable[[], object]:
    """An Euler stage of second order."""
    box = Box([(0.0, 1.0)] * 2, (cells, cells), periodic=True)
    generator = np.random.default_rng(0)
    density, potential = generator.random(box.shape), generator.random(box.shape)
    result = np.empty(box.shape)
    scheme = make_space_scheme(box, transport=1.0, reaction=0.0, order=2, limiter="mc")
    step = 0.5 / scheme.loss_rate(potential)
    return lambda: scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result)


def their_rate(cells: int, text: str = DIVERGENCE) -> Callable[[], object]:
    """The compiled right-hand side of py-pde, from its text; raises MissingExtraError without it."""
    try:
        import pde
    except ImportError:
        raise MissingExtraError("py-pde", "benchmarks", "this benchmark") from None
    grid = pde.CartesianGrid([[0, 1]] * 2, [cells, cells], periodic=True)
    generator = np.random.default_rng(0)
    state = pde.ScalarField(grid, generator.random(grid.shape))
    potential = pde.ScalarField(grid, generator.random(grid.shape))
    equation = pde.PDE({"c": text}, consts={"v": potential}, bc="periodic")
    rate = equation.make_pde_rhs(state, backend="numba")
    return lambda: rate(state.data, 0.0)


def validate(setting: Setting, *, cells: int = 512) -> Iterator[Row]:
    """Time both; quick, a few times only.

    Parameters
    ----------
    setting : Setting
        How to run.
    cells : int
        Number of cells along each axis.
    """
    repetitions = 3 if setting.quick else REPETITIONS
    theirs = shortest_seconds(their_rate(cells), repetitions)
    ours = shortest_seconds(our_stage(cells), repetitions)
    what = f"{cells}^2 cells: right-hand side of py-pde (central differences) over one limited upwind stage"
    yield at_least(what, theirs / ours, LEAST_RATIO, f"{1e3 * theirs:.3f} ms, {1e3 * ours:.3f} ms").quote()
