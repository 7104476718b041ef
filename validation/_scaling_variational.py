"""What variational steps on a grid cost beside other methods, to reach the same error against exact solutions.

Each method runs with several numbers of cells and sizes of steps (or tolerances); its cost to reach an error lies
between those of its best runs. Linearised steps are compared with implicit and explicit finite volumes on a
Fokker-Planck equation, and with dual steps, which know features alone, on the flow of quadratic features on the circle.
Errors are relative, in L1 at the end; seconds are those of one thread, without what is prepared before the first step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

import numpy as np

from wgflow import Box, Circle, Entropy, JkoOptions, LinearisedJkoFlow, Potential, Quadratic
from wgflow.app.validation import Row, measured
from wgflow.exact.quadratic import AngularGaussian, quadratic_flow
from wgflow.finite_volume import make_finite_volume
from wgflow.flows import Evolution
from wgflow.typing import FloatArray
from wgflow.variational import GridJkoFlow

from ._efforts import Effort, seconds_to
from .jko import START, TARGET, fokker_planck

END = {"Fokker-Planck": 0.25, "quadratic features": 0.5}
ERRORS = {"Fokker-Planck": (1e-2, 3e-3, 1e-3, 3e-4), "quadratic features": (5e-2, 2e-2, 1e-2, 5e-3)}
SIZES = {"Fokker-Planck": (40, 80, 160, 320), "quadratic features": (64, 128, 256, 512)}
STEPS = (8, 32, 128, 512)
DUAL_STEPS = (4, 16, 64)
TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6)
LONG_ENOUGH = 0.02  # seconds of one run or several, so that no single short one counts
HEAT = Entropy() + Potential(lambda x: -x[..., 0])


@cache
def interval(cells: int) -> tuple[Box, FloatArray, FloatArray]:
    """A Fokker-Planck equation on [0, 1]: averages at the start and at the end."""
    box = Box([(0.0, 1.0)], cells)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    places = box.axes[0][:, None] + 0.5 * nodes / cells
    start, end = (fokker_planck(places, at) @ weights / 2.0 for at in (0.0, END["Fokker-Planck"]))
    return box, np.maximum(start, 0.0), end


@cache
def around(cells: int) -> tuple[Circle, FloatArray, FloatArray]:
    """Quadratic features on the circle, with reaction: densities at the start and at the end."""
    circle = Circle(cells)
    end = quadratic_flow(TARGET, START, END["quadratic features"])
    return circle, AngularGaussian(START)(circle.points), end(circle.points)


def diffusing(cells: int, tolerance: float | None = None, *, stepper: str = "ssprk43") -> Evolution:
    """Finite volumes for the Fokker-Planck equation."""
    box, start, _ = interval(cells)
    return make_finite_volume(HEAT, box, start, stepper=stepper, tolerance=tolerance)


def diffusing_by_steps(cells: int, steps: int) -> Evolution:
    """Linearised steps for the same."""
    box, start, _ = interval(cells)
    return LinearisedJkoFlow(HEAT, box, start, options=JkoOptions(END["Fokker-Planck"] / steps))


def turning(cells: int) -> Evolution:
    """Finite volumes for quadratic features."""
    circle, start, _ = around(cells)
    return make_finite_volume(Quadratic(TARGET), circle, start, reaction=4.0)


def turning_by_steps(
    kind: type[LinearisedJkoFlow] | type[GridJkoFlow], order: int, cells: int, steps: int
) -> Evolution:
    """Variational steps for the same."""
    circle, start, _ = around(cells)
    options = JkoOptions(END["quadratic features"] / steps, order=order)
    return kind(Quadratic(TARGET), circle, start, options=options, reaction=4.0)


@dataclass(frozen=True)
class Way:
    """A method, and the settings with which it runs.

    Parameters
    ----------
    problem, name : str
        What it solves, and what it is called.
    make : callable
        Flow from a number of cells and one of the settings, where there are any.
    settings : tuple
        Numbers of steps, or tolerances.
    """

    problem: str
    name: str
    make: Callable[..., Evolution]
    settings: tuple[float, ...] = ()

    def efforts(self, sizes: tuple[int, ...]) -> list[Effort]:
        """Efforts of all settings on grids of some sizes, after a run that warms up."""
        choices = list(product(sizes, self.settings)) if self.settings else [(size,) for size in sizes]
        self._effort(*choices[0])
        return [self._effort(*choice) for choice in choices]

    def _effort(self, cells: int, *setting: float) -> Effort:
        """Run to the end; short runs again and again, of which the shortest counts."""
        exact = (interval if self.problem == "Fokker-Planck" else around)(cells)[2]
        spent, least = 0.0, np.inf
        while spent < LONG_ENOUGH:
            flow = self.make(cells, *setting)
            seconds = seconds_of(flow, END[self.problem])
            spent, least = spent + seconds, min(least, seconds)
        found = np.asarray(flow.measure)
        return Effort(float(least), float(np.abs(found - exact).sum() / exact.sum()))


def seconds_of(flow: Evolution, end: float) -> float:
    """Seconds of this thread to a time."""
    since = time.thread_time()
    flow.begin_interval(end)
    while flow.time < end:
        flow.step()
    return time.thread_time() - since


LINEARISED = "linearised JKO"
WAYS = (
    Way("Fokker-Planck", LINEARISED, diffusing_by_steps, STEPS),
    Way("Fokker-Planck", "backward Euler", partial(diffusing, stepper="backward_euler"), TOLERANCES),
    Way("Fokker-Planck", "TR-BDF2", partial(diffusing, stepper="tr_bdf2"), TOLERANCES),
    Way("Fokker-Planck", "SSP(4,3)", diffusing),
    Way("quadratic features", LINEARISED, partial(turning_by_steps, LinearisedJkoFlow, 1), STEPS),
    Way("quadratic features", "dual JKO, order 1", partial(turning_by_steps, GridJkoFlow, 1), DUAL_STEPS),
    Way("quadratic features", "dual JKO, order 2", partial(turning_by_steps, GridJkoFlow, 2), DUAL_STEPS),
    Way("quadratic features", "SSP(4,3)", turning),
)


def efforts_of(index: int, *, quick: bool) -> list[Effort]:
    """Efforts of one of the methods; quick, on the two smallest grids."""
    way = WAYS[index]
    sizes = SIZES[way.problem]
    return way.efforts(sizes[:2] if quick else sizes)


def row_of_way(index: int, efforts: list[Effort]) -> Row:
    """Row of a method: milliseconds to each of the errors."""
    way = WAYS[index]
    errors = ERRORS[way.problem]
    found = [seconds_to(error, efforts) for error in errors]
    asked = ", ".join(f"{error:g}" for error in errors)
    told = ", ".join(f"{float(f'{1e3 * seconds:.2g}'):g}" if np.isfinite(seconds) else "-" for seconds in found)
    return measured(f"{way.problem}, {way.name}: ms to the relative errors {asked}", told).quote()
