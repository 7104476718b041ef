"""What a step costs against the number of cells, particles and data, and other methods and packages beside it.

Each problem runs some steps at several sizes on one thread, whose own seconds are counted, not those of the clock; the
cheapest step counts, of steps of all sizes in turn, so that what else the machine does hits all of them. Exponents are
those of straight lines through the logarithms of seconds and size, at sizes that are told: below, fixed costs count,
and above, where the arrays that a step works on fill more than the cache of a core, memory sets the pace. What a step
costs there is told beside the exponent, and drawn: one to two times as much for each cell. A triad, which does nothing
but read and write, over as much memory as all arrays of a run tells what memory alone would do: by an exponent of its
own at the sizes that are fitted, and by how much slower it is at the largest. Quick runs measure the smallest sizes,
and nothing is asked of them. Where a method is not linear, the exponent is 1 plus that of what its law leaves: N log N
of convolutions, N^1.5 of factorised matrices in the plane and transforms on the sphere, N^2 of pairs. Memory is that of
all arrays at their peak, from one size to the next.

Beside these, variational steps run at the errors of other methods, and other packages on problems of theirs.
"""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Iterator

import numpy as np

import wgflow
from wgflow.app.validation import Row, Setting, measured, within
from wgflow.flows import Evolution

from ._efforts import Effort
from ._pool import pinned_pool, single_threaded_pool
from ._scaling_cases import CASES, UNITS, Case, Cost
from ._scaling_figure import draw
from ._scaling_peers import PEERS, beside_scipy, peer_rows, skipped_rows
from ._scaling_variational import WAYS, efforts_of, row_of_way
from ._triad import triad_seconds

MOST_EXPONENT = 1.05
QUICK_SIZES = 3  # the smallest
LEAST_STEPS = 3  # in each round
WARMING = 2  # steps before any is measured
TRIAD_ROUNDS = 5  # for each round of steps
NUMBER = 8  # bytes


def take_step(case: Case, flow: Evolution) -> None:
    """Do a step, no longer than the problem says."""
    if case.longest is not None:
        flow.begin_interval(flow.time + case.longest)
    flow.step()


def start(case: Case, size: int) -> Evolution:
    """A problem of some size after its first steps."""
    problem = wgflow.open_problem(dict(case.describe(size)))
    flow = problem.make_evolution()
    flow.begin_interval(problem.config.solver.t_end)
    for _ in range(WARMING):
        take_step(case, flow)
    return flow


def start_traced(case: Case, size: int) -> tuple[Evolution, int]:
    """The same, and the peak of all its arrays in bytes."""
    tracemalloc.start()
    try:
        return start(case, size), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measure(index: int, sizes: tuple[int, ...], budget: float, rounds: int) -> Cost:
    """Measure one of the cases at some sizes, for some seconds at each and in each of several rounds."""
    case = CASES[index]
    start(case, sizes[0])  # compiles, which takes memory of its own
    flows = [start(case, size) for size in sizes[:-2]]
    peaks = []
    for size in sizes[-2:]:
        flow, peak = start_traced(case, size)
        flows.append(flow)
        peaks.append(peak)
    least = [math.inf] * len(sizes)
    for _ in range(rounds):
        for place, flow in enumerate(flows):
            least[place] = min(least[place], cheapest_step(case, flow, budget))
    counts = [case.count(size) for size in sizes]
    memory = (peaks[1] - peaks[0]) / (counts[-1] - counts[-2])
    triads = [triad_seconds(round(memory * count / NUMBER), TRIAD_ROUNDS * rounds) for count in counts]
    return Cost(tuple(counts), tuple(least), memory, tuple(triads))


def cheapest_step(case: Case, flow: Evolution, budget: float) -> float:
    """Seconds of the cheapest of as many steps as take some seconds."""
    begin, steps, least = time.thread_time(), 0, math.inf
    while steps < LEAST_STEPS or time.thread_time() - begin < budget:
        started = time.thread_time()
        take_step(case, flow)
        least = min(least, time.thread_time() - started)
        steps += 1
    return least


def row_of(case: Case, cost: Cost, *, quick: bool) -> Row:
    """Row of the exponent of a problem."""
    unit, found = UNITS[case.panel], case.exponent(cost)
    each, window = np.array(cost.seconds) / cost.counts, case.window(cost)
    first, last = cost.counts[window][0], cost.counts[window][-1]
    beside = (
        f"{1e9 * each[window][-1]:.3g} ns per {unit} and step at {last}, {cost.memory:.0f} bytes per {unit}; fitted "
        f"from {first} to {last}, where triads over as much memory have {case.memory_exponent(cost):.2f}"
    )
    if case.beyond:
        slower, triads = (values[-1] / values[window][-1] for values in (each, np.array(cost.triads)))
        beside += f"; at {cost.counts[-1]} {slower:.2g} times as much per {unit}, of triads {triads:.2g} times"
    what = f"{case.panel.lower()}, {case.name}, law {case.law.name}: exponent"
    return measured(what, found, beside) if quick else within(what, found, MOST_EXPONENT, beside)


def row_name(case: Case) -> str:
    """Name that no other case has."""
    return f"{case.panel}, {case.name}"


def validate(setting: Setting, *, only: str = "") -> Iterator[Row]:
    """Measure all problems, and other methods and packages beside; quick, at smaller sizes and a few times.

    Parameters
    ----------
    setting : Setting
        How to run.
    only : str
        Part of the names of the problems to measure, without others beside then; all by default.
    """
    budget, rounds = (0.05, 1) if setting.quick else (0.1, 4)
    costs: dict[Case, Cost] = {}
    efforts: list[list[Effort]] = []
    with single_threaded_pool(1) as pool:
        for index, case in enumerate(CASES):
            if only not in row_name(case):
                continue
            sizes = case.sizes[:QUICK_SIZES] if setting.quick else case.sizes
            costs[case] = pool.submit(measure, index, sizes, budget, rounds).result()
            yield row_of(case, costs[case], quick=setting.quick).quote()
        for index in range(0 if only else len(WAYS)):
            efforts.append(pool.submit(efforts_of, index, quick=setting.quick).result())
            yield row_of_way(index, efforts[-1])
    draw(costs, dict(zip(WAYS, efforts, strict=False)), setting.file())
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
            yield from pool.submit(peer_rows, package, rounds).result()
