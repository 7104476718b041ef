"""What a step costs against the number of cells, particles and data, and other packages beside it.

Each problem runs some steps at several sizes on one thread, whose own seconds are counted, not those of the clock; the
cheapest step counts, of steps of all sizes in turn, so that what else the machine does hits all of them. Exponents are
those of straight lines through the logarithms of seconds and size at the three largest sizes, whose arrays are larger
than the caches of a core; smaller ones, of quick runs, are told and not asked of. Where a method is not linear, the
exponent is 1 plus that of what its law leaves: N log N of convolutions, N^1.5 of factorised matrices in the plane and
transforms on the sphere, N^2 of pairs. Memory is that of all arrays at their peak, from one size to the next.
"""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import wgflow
from wgflow.app.validation import Row, Setting, measured, within
from wgflow.flows import Evolution
from wgflow.plotting import save_figure
from wgflow.plotting.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, styled_figure

from ._pool import pinned_pool, single_threaded_pool
from ._scaling_cases import CASES, LINEAR, UNITS, Case
from ._scaling_peers import PEERS, beside_scipy, peer_row, skipped_rows

MOST_EXPONENT = 1.05
COLORS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK, GREY, BLUE, ORANGE)
MARKERS = "oooooooosssss"
QUICK_SIZES = FITTED = 3  # the smallest and the largest
LEAST_STEPS = 5  # in each round
WARMING = 2  # steps before any is measured


@dataclass(frozen=True)
class Cost:
    """What a problem costs.

    Parameters
    ----------
    counts : tuple of int
        Numbers of cells, particles or data.
    seconds : tuple of float
        Of the cheapest step, at each.
    memory : float
        Bytes for each further cell, particle or datum.
    """

    counts: tuple[int, ...]
    seconds: tuple[float, ...]
    memory: float


def start(case: Case, size: int) -> Evolution:
    """A problem of some size after its first steps."""
    problem = wgflow.open_problem(dict(case.describe(size)))
    flow = problem.make_evolution()
    flow.begin_interval(problem.config.solver.t_end)
    for _ in range(WARMING):
        flow.step()
    return flow


def peak_bytes(case: Case, size: int) -> int:
    """Peak of all arrays of a problem of some size in its first steps."""
    tracemalloc.start()
    try:
        start(case, size)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measure(index: int, sizes: tuple[int, ...], budget: float, rounds: int) -> Cost:
    """Measure one of the cases at some sizes, for some seconds at each and in each of several rounds."""
    case = CASES[index]
    start(case, sizes[0])  # compiles, which takes memory of its own
    peaks = [peak_bytes(case, size) for size in sizes[-2:]]
    flows = [start(case, size) for size in sizes]
    least = [math.inf] * len(sizes)
    for _ in range(rounds):
        for place, flow in enumerate(flows):
            begin, steps = time.thread_time(), 0
            while steps < LEAST_STEPS or time.thread_time() - begin < budget:
                started = time.thread_time()
                flow.step()
                least[place] = min(least[place], time.thread_time() - started)
                steps += 1
    counts = [case.count(size) for size in sizes]
    memory = (peaks[1] - peaks[0]) / (counts[-1] - counts[-2])
    return Cost(tuple(counts), tuple(least), memory)


def exponent(case: Case, cost: Cost) -> float:
    """Exponent of the cost at the largest sizes, without what its law has beyond the linear one."""
    counts, seconds = np.array(cost.counts[-FITTED:], dtype=float), np.array(cost.seconds[-FITTED:])
    laws = np.array([case.law.cost(count) for count in counts]) / counts
    return float(np.polyfit(np.log(counts), np.log(seconds / laws), 1)[0])


def row_of(case: Case, cost: Cost, *, quick: bool) -> Row:
    """Row of the exponent of a problem."""
    unit = UNITS[case.panel]
    each = 1e9 * cost.seconds[-1] / cost.counts[-1]
    beside = f"{each:.3g} ns per {unit} and step at {cost.counts[-1]}; {cost.memory:.0f} bytes per {unit}"
    what = f"{case.panel.lower()}, {case.name}, law {case.law.name}: exponent"
    found = exponent(case, cost)
    return measured(what, found, beside) if quick else within(what, found, MOST_EXPONENT, beside)


def draw(costs: dict[str, Cost], setting: Setting) -> None:
    """Draw nanoseconds per cell, particle or datum against their number."""
    with styled_figure(8.2) as figure:
        for axes, (panel, unit) in zip(figure.subplots(2, 2).ravel(), UNITS.items(), strict=True):
            cases = [case for case in CASES if case.panel == panel and row_name(case) in costs]
            for case, color, marker in zip(cases, COLORS, MARKERS, strict=False):
                cost = costs[row_name(case)]
                each = 1e9 * np.array(cost.seconds) / cost.counts
                label = case.name if case.law is LINEAR else f"{case.name}, {case.law.symbol}"
                axes.loglog(cost.counts, each, color=color, marker=marker, markersize=4, label=label)
            axes.set(title=panel, xlabel=f"{unit}s".replace("datums", "data"), ylabel=f"ns per {unit} and step")
            if not cases:
                continue
            low, high = axes.get_ylim()
            axes.set_ylim(low, high * (high / low) ** 0.6)
            axes.legend(loc="upper left", ncols=2, fontsize=8)
        save_figure(figure, setting.file())


def row_name(case: Case) -> str:
    """Name that no other case has."""
    return f"{case.panel}, {case.name}"


def validate(setting: Setting, *, only: str = "") -> Iterator[Row]:
    """Measure all problems, and packages of others beside; quick, at smaller sizes and a few times.

    Parameters
    ----------
    setting : Setting
        How to run.
    only : str
        Part of the names of the problems to measure, without other packages then; all by default.
    """
    budget, rounds = (0.05, 1) if setting.quick else (0.3, 3)
    costs: dict[str, Cost] = {}
    with single_threaded_pool(1) as pool:
        for index, case in enumerate(CASES):
            if only not in row_name(case):
                continue
            sizes = case.sizes[:QUICK_SIZES] if setting.quick else case.sizes
            costs[row_name(case)] = pool.submit(measure, index, sizes, budget, rounds).result()
            yield row_of(case, costs[row_name(case)], quick=setting.quick).quote()
    draw(costs, setting)
    if not only:
        yield from beside(quick=setting.quick)


def beside(*, quick: bool) -> Iterator[Row]:
    """Run the other packages, each in a process of its own with pinned threads."""
    rounds = 3 if quick else 15
    with pinned_pool() as pool:
        yield pool.submit(beside_scipy, rounds).result().quote()
    if quick:
        yield from skipped_rows()
        return
    for package in PEERS:
        with pinned_pool() as pool:
            yield pool.submit(peer_row, package, rounds).result().quote()
