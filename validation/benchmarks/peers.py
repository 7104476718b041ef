"""One second-order stage on boxes against py-pde with its numba backend, on the same continuity equation.

Both do d_t rho = div(rho grad V) once with a given V: ours by a limited upwind stage with its update, py-pde by its
compiled right-hand side of the equation as its users write it, without one; it has several threads from 256^2 cells on.
Between both stands what any stage has to cost at least: a triad over three arrays, density, potential and result.

On a quiet machine with two threads and 512^2 cells py-pde 0.59 takes 4.6 ms, and the triad 0.11 ms: a stage that did
nothing but read and write would be some 40 times as fast, 38 to 43 in two runs. Ours limits two slopes and finds two
fluxes in each cell besides, some fifty operations on vectors, whether data are smooth or random and with walls or
without: 0.24 ms, 19 times as fast. Asked is about half of that, as the clock of py-pde's single thread and of our two
drift apart. Needs py-pde: pip install 'wgflow[benchmarks]'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numba
import numpy as np

from wgflow import Box
from wgflow.app.validation import Row, Setting, at_least, measured
from wgflow.errors import MissingExtraError
from wgflow.reductions.aligned import aligned, aligned_empty
from wgflow.system.threads import thread_count
from wgflow.upwind.discretisation import make_space_scheme

from .._triad import triad
from ._timing import shortest_seconds

REPETITIONS = 30
CELLS, OTHERS = 512, (128, 1024)
LEAST_RATIO = 10.0
DIVERGENCE = "divergence(c * gradient(v))"  # as the equation is written, and as finite volumes conserve it
EQUATIONS = {"divergence of a product": DIVERGENCE, "product rule": "dot(gradient(c), gradient(v)) + c * laplace(v)"}


def our_stage(cells: int) -> Callable[[], object]:
    """An Euler stage of second order, on arrays that lie in memory as those of a run do."""
    box = Box([(0.0, 1.0)] * 2, (cells, cells), periodic=True)
    generator = np.random.default_rng(0)
    density, potential = (aligned(generator.random(box.shape)) for _ in range(2))
    result = aligned_empty(box.shape)
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


def on_one_thread(call: Callable[[], object]) -> Callable[[], object]:
    """The same call with a single thread."""

    def alone() -> None:
        threads = numba.get_num_threads()
        numba.set_num_threads(1)
        call()
        numba.set_num_threads(threads)

    return alone


def rows(cells: int, text: str, repetitions: int, *, asked: bool) -> Iterator[Row]:
    """Ratios to the stage and to the triad on all threads, and on one; the first one may be asked for."""
    theirs, ours, least = their_rate(cells, text), our_stage(cells), triad(3 * cells**2)
    for place, change in {f"{thread_count()} threads": lambda call: call, "1 thread": on_one_thread}.items():
        slow, fast, bare = (shortest_seconds(change(call), repetitions) for call in (theirs, ours, least))
        what = f"{cells}^2 cells, {place}: right-hand side of py-pde, {text},"
        beside = f"{1e3 * slow:.3f} ms, {1e3 * fast:.3f} ms"
        stage, ratio = f"{what} over one limited upwind stage", slow / fast
        demanded = asked and change is not on_one_thread
        row = at_least(stage, ratio, LEAST_RATIO, beside) if demanded else measured(stage, ratio, beside)
        yield row.quote()
        yield measured(f"{what} over a triad", slow / bare, f"{1e3 * bare:.3f} ms").quote()


def validate(setting: Setting, *, cells: int = CELLS) -> Iterator[Row]:
    """Time both; quick, a few times only, without other equations and sizes, and nothing is asked then.

    Parameters
    ----------
    setting : Setting
        How to run.
    cells : int
        Number of cells along each axis.
    """
    if setting.quick:
        yield from rows(cells, DIVERGENCE, 3, asked=False)
        return
    for text in EQUATIONS.values():
        yield from rows(cells, text, REPETITIONS, asked=text == DIVERGENCE and cells == CELLS)
    for size in OTHERS:
        yield from rows(size, DIVERGENCE, REPETITIONS, asked=False)
