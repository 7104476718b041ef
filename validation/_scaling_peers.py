"""Other packages beside wgflow, on the same problems in the same process; one that is missing is named and left out.

Seconds are those of the clock on all threads, each pinned to a core: the smallest of several bursts that take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

import wgflow
from wgflow.app.validation import Row, at_least, measured
from wgflow.errors import MissingExtraError
from wgflow.system.threads import thread_count

from ._scaling_advection import rows as advection_rows
from ._triad import triad
from .benchmarks.pairs import circle_of
from .benchmarks.peers import CELLS, DIVERGENCE, LEAST_RATIO, our_stage, their_rate

WIDTH = 0.7
INSTALLED = {"py-pde": ("pde", "py-pde"), "PyMPDATA": ("PyMPDATA", "PyMPDATA"), "KeOps": ("pykeops", "pykeops")}


def missing(package: str) -> Row | None:
    """A row that says why a package is left out; None where it is installed."""
    if find_spec(INSTALLED[package][0]) is not None:
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


def beside_py_pde(rounds: int, label: str) -> Iterator[Row]:
    """The right-hand side of the equation as it is written over a limited stage; more in `.benchmarks.peers`."""
    calls = (our_stage(CELLS), their_rate(CELLS, DIVERGENCE), triad(3 * CELLS**2))
    seconds, share = bursts(calls, rounds)
    what = f"plane of {CELLS}^2 cells, a stage: {label} over wgflow"
    beside = f"{DIVERGENCE}; {told(seconds, share)}; a triad over three arrays {1e3 * seconds[2]:.3g} ms"
    yield at_least(what, seconds[1] / seconds[0], LEAST_RATIO, beside).quote()


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
    what = f"plane of {CELLS}^2 cells, a convolution: fftconvolve of SciPy {version('scipy')} over wgflow"
    return measured(what, seconds[1] / seconds[0], f"{told(seconds, share)}; difference {error:.0e}")


def beside_keops(rounds: int, label: str, count: int = 3000) -> Iterator[Row]:
    """Gaussian sums of pairs in the plane with their gradient, by KeOps on the processor over wgflow."""
    from pykeops.numpy import LazyTensor

    particles = circle_of(count)
    functional = wgflow.Interaction(wgflow.GaussianKernel(1.0, WIDTH))
    points, weights = particles.points, particles.weights[:, None]

    def theirs() -> tuple[Any, Any]:
        away = LazyTensor(points[:, None, :]) - LazyTensor(points[None, :, :])
        values = (-0.5 / WIDTH**2 * (away**2).sum(-1)).exp()
        return values @ weights, (values * away * LazyTensor(weights[None, :, :])).sum(1)

    what = f"{count} particles in the plane, Gaussian pairs with gradient: {label} over wgflow"
    try:
        seconds, share = bursts((lambda: functional.at_particles(particles), theirs), rounds)
    except OSError as error:  # KeOps compiles its sums when they are first asked for
        yield measured(what, "left out", f"it needs a C++ compiler, as of apt install g++: {error}")
        return
    yield at_least(what, seconds[1] / seconds[0], 1.0, told(seconds, share)).quote()


def beside_mpdata(rounds: int, label: str) -> Iterator[Row]:
    """A unit of time of an advection, at equal error."""
    yield from advection_rows(max(2, rounds // 5), label)


PEERS: dict[str, Callable[[int, str], Iterator[Row]]] = {
    "py-pde": beside_py_pde,
    "PyMPDATA": beside_mpdata,
    "KeOps": beside_keops,
}


def peer_rows(package: str, rounds: int) -> list[Row]:
    """Rows of one of the packages, or why it is left out."""
    absent = missing(package)
    return [absent] if absent else list(PEERS[package](rounds, f"{package} {version(INSTALLED[package][1])}"))


def skipped_rows() -> Iterator[Row]:
    """Rows that say that packages which compile for a minute are no part of a quick run."""
    for package in PEERS:
        yield measured(f"{package} beside", "left out", "it compiles for a minute; without --quick it is run")
