"""Other packages beside wgflow, on the same problems in the same process; one that is missing is named and left out.

Seconds are those of the clock on all threads, each pinned to a core: the smallest of several bursts that take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

import wgflow
from wgflow.app.validation import Row, at_least, measured
from wgflow.errors import MissingExtraError
from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray

from .benchmarks.pairs import circle_of
from .benchmarks.peers import our_stage, their_rate

CELLS = 512
LEAST_STAGE, LEAST_STEPS = 40.0, 5.0  # how many times faster wgflow is asked to be
COURANT = 0.5
WIDTH = 0.7
INSTALLED = {"py-pde": "pde", "PyMPDATA": "PyMPDATA", "KeOps": "pykeops"}


def missing(package: str) -> Row | None:
    """A row that says why a package is left out; None where it is installed."""
    if find_spec(INSTALLED[package]) is not None:
        return None
    return measured(f"{package} beside", "left out", str(MissingExtraError(package, "benchmarks", "it")))


def bursts(calls: tuple[Callable[[], object], ...], rounds: int) -> tuple[list[float], float]:
    """Smallest seconds of calls that take turns, each twice in a row, and CPU over clock of the first of them."""
    least, share = [np.inf] * len(calls), 0.0
    for call in calls:
        call()
    for _ in range(rounds):
        for index, call in enumerate(calls):
            for _ in range(2):
                used, since = time.process_time(), time.perf_counter()
                call()
                seconds = time.perf_counter() - since
                if seconds < least[index]:
                    least[index] = seconds
                    share = (time.process_time() - used) / seconds if index == 0 else share
    return least, share


def told(seconds: list[float], share: float) -> str:
    """Both durations, and whether threads had cores of their own."""
    return (
        f"{1e3 * seconds[1]:.3g} ms, {1e3 * seconds[0]:.3g} ms; CPU over clock {share:.2f} on {thread_count()} threads"
    )


def beside_py_pde(rounds: int) -> Row:
    """A right-hand side of central differences over a limited upwind stage."""
    seconds, share = bursts((our_stage(CELLS), their_rate(CELLS)), rounds)
    what = f"plane of {CELLS}^2 cells, a stage: py-pde over wgflow"
    return at_least(what, seconds[1] / seconds[0], LEAST_STAGE, told(seconds, share))


def beside_scipy(rounds: int) -> Row:
    """A zero-padded convolution by `scipy.signal.fftconvolve` over the potential of an interaction."""
    from scipy.signal import fftconvolve

    box = wgflow.Box([(-4.0, 4.0)] * 2, (CELLS, CELLS))
    density = np.random.default_rng(0).random(box.shape)
    functional = wgflow.Interaction(wgflow.GaussianKernel(1.0, WIDTH)).on_grid(box)
    offsets = box.spacing[0] * np.arange(1 - CELLS, CELLS)
    line = np.exp(-0.5 * offsets**2 / WIDTH**2) * box.spacing[0]
    kernel = line[:, None] * line
    seconds, share = bursts(
        (lambda: functional.first_variation(density), lambda: fftconvolve(density, kernel, mode="same")), rounds
    )
    error = np.abs(fftconvolve(density, kernel, mode="same") - functional.first_variation(density)).max()
    what = f"plane of {CELLS}^2 cells, a convolution: scipy.signal.fftconvolve over wgflow"
    return measured(what, seconds[1] / seconds[0], f"{told(seconds, share)}; difference {error:.0e}")


def beside_keops(rounds: int, count: int = 3000) -> Row:
    """Gaussian sums of pairs in the plane with their gradient, by KeOps on the processor over wgflow."""
    from pykeops.numpy import LazyTensor

    particles = circle_of(count)
    functional = wgflow.Interaction(wgflow.GaussianKernel(1.0, WIDTH))
    points, weights = particles.points, particles.weights[:, None]

    def theirs() -> tuple[Any, Any]:
        away = LazyTensor(points[:, None, :]) - LazyTensor(points[None, :, :])
        values = (-0.5 / WIDTH**2 * (away**2).sum(-1)).exp()
        return values @ weights, (values * away * LazyTensor(weights[None, :, :])).sum(1)

    seconds, share = bursts((lambda: functional.at_particles(particles), theirs), rounds)
    what = f"{count} particles in the plane, Gaussian pairs with gradient: KeOps over wgflow"
    return at_least(what, seconds[1] / seconds[0], 1.0, told(seconds, share))


def exact_averages(cells: int, end: float) -> FloatArray:
    r"""Cell averages of a product of two lines at a time, each moved by :math:`x' = \sin(2 \pi x) / (2 \pi)`.

    There :math:`\tan(\pi x)` grows as :math:`e^t`, which tells where the mass below an edge has come from.
    """
    edges = np.arange(cells + 1) / cells
    origin = np.arctan2(np.sin(np.pi * edges) * np.exp(-end), np.cos(np.pi * edges)) / np.pi
    mass = origin + 0.25 / np.pi * np.sin(2.0 * np.pi * (origin - 0.3))
    line = cells * np.diff(mass)
    return np.asarray(line[:, None] * line)


def our_advection(cells: int, end: float = 1.0) -> tuple[float, float]:
    """Seconds and error in L1 of a flow on a torus with second-order finite volumes, as they are by default."""
    box = wgflow.Box([(0.0, 1.0)] * 2, (cells, cells), periodic=True)
    hills = wgflow.Potential(lambda x: np.cos(2.0 * np.pi * x).sum(axis=-1) / (2.0 * np.pi) ** 2)
    flow = wgflow.solve(hills, box, exact_averages(cells, 0.0), end, times=[end])
    return float(flow.attributes["run_seconds"]), float(np.abs(flow.density[-1] - exact_averages(cells, end)).mean())


class TheirAdvection:
    """The same by PyMPDATA: two iterations, non-oscillatory, for divergent flows; it is compiled once."""

    def __init__(self) -> None:
        from PyMPDATA import Options, Stepper

        self.options = Options(n_iters=2, nonoscillatory=True, divergent_flow=True)
        self.stepper = Stepper(options=self.options, n_dims=2, n_threads=thread_count())

    def __call__(self, cells: int, end: float = 1.0) -> tuple[float, float]:
        """Seconds and error in L1."""
        from PyMPDATA import ScalarField, Solver, VectorField
        from PyMPDATA.boundary_conditions import Periodic

        steps = int(np.ceil(end * cells / np.pi / COURANT))
        edges = np.sin(2.0 * np.pi * np.arange(cells + 1) / cells) / (2.0 * np.pi) * (end / steps) * cells
        across = np.repeat(edges[:, None], cells, axis=1)
        given = {"halo": self.options.n_halo, "boundary_conditions": (Periodic(), Periodic())}
        density = ScalarField(exact_averages(cells, 0.0), **given)
        solver = Solver(
            stepper=self.stepper, advectee=density, advector=VectorField((across, across.T.copy()), **given)
        )
        since = time.perf_counter()
        solver.advance(steps)
        seconds = time.perf_counter() - since
        return seconds, float(np.abs(solver.advectee.get() - exact_averages(cells, end)).mean())


def beside_mpdata(rounds: int) -> Row:
    """A unit of time by PyMPDATA over the same by wgflow, at no larger error of ours."""
    theirs = TheirAdvection()
    theirs(32)  # compiles
    our_advection(64)
    found = np.array([[our_advection(CELLS), theirs(CELLS)] for _ in range(max(1, rounds // 2))])
    (ours, error), (other, larger) = found.min(axis=0)
    # On as many cells: a larger error of theirs counts for nothing, a smaller one as cells that they could do without.
    ratio = other / ours * min(1.0, (larger / error) ** 1.5)
    beside = f"{other:.3g} s at the error {larger:.1e}, {ours:.3g} s at {error:.1e}"
    what = f"plane of {CELLS}^2 cells, a unit of time at no larger error: PyMPDATA over wgflow"
    return at_least(what, ratio, LEAST_STEPS, beside)


PEERS: dict[str, Callable[[int], Row]] = {
    "py-pde": beside_py_pde,
    "PyMPDATA": beside_mpdata,
    "KeOps": beside_keops,
}


def peer_row(package: str, rounds: int) -> Row:
    """Row of one of the packages, or why it is left out."""
    return missing(package) or PEERS[package](rounds)


def skipped_rows() -> Iterator[Row]:
    """Rows that say that packages which compile for a minute are no part of a quick run."""
    for package in PEERS:
        yield measured(f"{package} beside", "left out", "it compiles for a minute; without --quick it is run")
