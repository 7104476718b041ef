"""A flow whose density is known at all times, by wgflow and by PyMPDATA: what each costs at the same error.

The potential is a saddle, so that the velocity (x, -y) has no divergence, as PyMPDATA asks in more than one dimension:
its option for divergent flows knows the derivative along each axis alone, and is then of first order. A bump that
vanishes before the walls is drawn out along one axis and pressed together along the other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import wgflow
from wgflow.app.validation import Row, at_least
from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray

from ._efforts import Effort, best_of, seconds_to

WALL = 3.0  # the bump, of radius 1, is stretched by e
CELLS, OUR_CELLS = 512, (64, 128, 256, 512)
END = 1.0
COURANTS = (0.5, 0.95)  # sums over both axes, in a corner; more is not stable
LEAST_RATIO = 5.0
PLAIN = "non-oscillatory"
VARIANTS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    "non-oscillatory with infinite gauge": {"infinite_gauge": True},
}


def mass_below(edges: FloatArray) -> FloatArray:
    r"""Integral of :math:`\cos^4(\pi x / 2)` on [-1, 1] up to some points."""
    inside = np.clip(edges, -1.0, 1.0)
    return np.asarray(
        0.375 * inside + np.sin(np.pi * inside) / (2.0 * np.pi) + np.sin(2.0 * np.pi * inside) / (16.0 * np.pi)
    )


def exact_averages(cells: int, end: float) -> FloatArray:
    """Cell averages of the bump at a time, shape (cells, cells)."""
    edges = np.linspace(-WALL, WALL, cells + 1)
    drawn, pressed = (np.diff(mass_below(edges * scale)) / np.diff(edges) for scale in (np.exp(-end), np.exp(end)))
    return np.asarray(drawn[:, None] * pressed)


def error_of(density: FloatArray, end: float) -> float:
    """Error in L1, relative."""
    exact = exact_averages(len(density), end)
    return float(np.abs(density - exact).sum() / exact.sum())


@cache
def saddle() -> wgflow.Potential:
    """The potential."""
    return wgflow.Potential(lambda x: 0.5 * (x[..., 1] ** 2 - x[..., 0] ** 2))


def our_effort(cells: int, end: float = END) -> Effort:
    """Second-order finite volumes, as they are by default."""
    box = wgflow.Box([(-WALL, WALL)] * 2, (cells, cells))
    flow = wgflow.solve(saddle(), box, exact_averages(cells, 0.0), end, times=[end])
    return Effort(float(flow.attributes["run_seconds"]), error_of(flow.density[-1], end))


@dataclass(frozen=True)
class TheirSteps:
    """Two iterations of PyMPDATA, non-oscillatory; they are compiled once."""

    stepper: Any
    halo: int

    @classmethod
    def compiled(cls, **variant: bool) -> TheirSteps:
        """Steps of one of the variants."""
        from PyMPDATA import Options, Stepper

        options = Options(n_iters=2, nonoscillatory=True, **variant)
        steps = cls(Stepper(options=options, n_dims=2, n_threads=thread_count()), options.n_halo)
        steps.effort(32, COURANTS[0])
        return steps

    def effort(self, cells: int, courant: float, end: float = END) -> Effort:
        """Effort with a Courant number."""
        from PyMPDATA import ScalarField, Solver, VectorField
        from PyMPDATA.boundary_conditions import Constant

        steps = int(
            np.ceil(end * cells / courant)
        )  # the largest sum of velocities is 2 WALL, on cells of 2 WALL / cells
        faces = np.repeat(np.linspace(-0.5, 0.5, cells + 1)[:, None] * cells * end / steps, cells, axis=1)
        given = {"halo": self.halo, "boundary_conditions": (Constant(0.0),) * 2}
        density = ScalarField(exact_averages(cells, 0.0), **given)
        solver = Solver(self.stepper, density, VectorField((faces, -faces.T.copy()), **given))
        since = time.perf_counter()
        solver.advance(steps)
        seconds = time.perf_counter() - since
        return Effort(seconds, error_of(solver.advectee.get(), end))


def rows(rounds: int, label: str) -> Iterator[Row]:
    """A unit of time by PyMPDATA over the same by wgflow at its error, with each Courant number and variant.

    Asked is that of its plain variant with the better of its Courant numbers.

    Parameters
    ----------
    rounds : int
        How often all runs take turns; the shortest of each counts.
    label : str
        What PyMPDATA is called, with its version.
    """
    variants = {name: TheirSteps.compiled(**variant) for name, variant in VARIANTS.items()}
    our_effort(32)
    ours: list[Effort] = []
    theirs: dict[str, list[Effort]] = {name: [] for name in variants}
    for _ in range(rounds):
        ours += [our_effort(cells) for cells in OUR_CELLS]
        for name, steps in variants.items():
            theirs[name] += [steps.effort(CELLS, courant) for courant in COURANTS]
    known = ", ".join(f"{effort.seconds:.3g} s at {effort.error:.1e}" for effort in best_of(ours))
    for name, efforts in theirs.items():
        ratios = {effort: effort.seconds / seconds_to(effort.error, ours) for effort in best_of(efforts)}
        best = min(ratios, key=ratios.__getitem__)
        beside = f"{best.seconds:.3g} s at the error {best.error:.1e}; wgflow {known}; {thread_count()} threads"
        what = f"plane of {CELLS}^2 cells, a unit of time at equal error: {label}, {name}, over wgflow"
        yield at_least(what, ratios[best], LEAST_RATIO if name == PLAIN else 1.0, beside).quote()
