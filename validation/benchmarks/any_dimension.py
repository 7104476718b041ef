"""Cost of infinite width in a hundred inputs, set-up with the averaged kernel included, compilation left out.

Seconds are those of the fastest of some runs, on the cores that there are, in all and of set-up and run apart. Sums
with the kernel and stages of a step stand beside those of version 0.1: its factor had a row for each cell, not for each
of two or four mirror images, and its half spheres looked up neighbours cell by cell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from wgflow import HalfCircle, HalfSphere, Population, Signed, Teacher, solve
from wgflow.app.validation import Row, Setting, measured, within
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.networks.low_rank import LowRankSums
from wgflow.networks.orbit_kernel import factor_on
from wgflow.upwind import make_space_scheme
from wgflow.upwind.kernels.limiters import BARTH_JESPERSEN
from wgflow.upwind.surface import SurfaceScheme

INPUTS = 100
BURSTS = 200  # of single sums, of which the fastest counts


class Case(NamedTuple):
    """A flow from the uniform measure, on a domain made anew, with outputs at some times."""

    name: str
    make: Callable[[], SymmetricDomain]
    risk: Population
    times: tuple[float, ...]
    most: float  # seconds

    def flow(self, times: tuple[float, ...]) -> None:
        """Follow it to the last of some times."""
        domain = self.make()
        start = np.stack([0.5 * domain.uniform] * 2)
        solve(self.risk, Signed(domain), start, times[-1], times=list(times))


def cases() -> tuple[Case, Case]:
    """A teacher neuron to t = 200, and two at an angle of 1 and of opposite signs to t = 50."""
    axes = np.eye(2, INPUTS)
    both = np.stack([axes[0], np.cos(1.0) * axes[0] + np.sin(1.0) * axes[1]])
    one = Population(Teacher(axes[:1], np.ones(1)))
    two = Population(Teacher(both, np.array([1.0, -1.0])))
    return (
        Case("one direction, N = 1024, to t = 200", lambda: HalfCircle(1024, INPUTS), one, (1.0, 10.0, 200.0), 0.5),
        Case(
            "two directions, 5185 cells (half of 10242), to t = 50",
            lambda: HalfSphere(10242, INPUTS),
            two,
            (1.0, 10.0, 50.0),
            3.0,
        ),
    )


def fastest(work: Callable[[], None], runs: int) -> float:
    """Seconds of the fastest of some runs, each with its own kernel; the first one compiles and is not counted."""
    seconds = []
    for _ in range(runs + 1):
        factor_on.cache_clear()
        since = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - since)
    return min(seconds[1:])


def in_turn(*works: Callable[[], object]) -> list[float]:
    """Microseconds of each of some works: the least of many bursts, one after the other."""
    least = [np.inf] * len(works)
    for _ in range(BURSTS):
        for which, work in enumerate(works):
            since = time.perf_counter()
            work()
            least[which] = min(least[which], 1e6 * (time.perf_counter() - since))
    return least


def sum_rows(case: Case) -> Iterator[Row]:
    """One sum with the kernel, and one by the factor of the whole."""
    domain = case.make()
    low_rank = case.risk.kernel_on(domain)
    sums, factor = LowRankSums(low_rank), np.asfortranarray(low_rank.factor)
    masses, values = np.random.default_rng(0).random(domain.shape), np.empty(domain.shape)
    new, old = in_turn(partial(sums, masses, values), lambda: np.dot(factor, masses @ factor, out=values))
    size = f"rank {low_rank.rank}, {low_rank.memory / 2**20:.2g} MiB, was {factor.nbytes / 2**20:.2g} MiB"
    yield measured(f"{case.name}: us of a sum with the kernel", round(new, 1), f"as a whole {old:.0f}; {size}")


def stage_row(case: Case) -> Row:
    """A stage on both sheets of a half sphere, in rows and cell by cell."""
    domain = Signed(case.make())
    new = make_space_scheme(domain, transport=1.0, reaction=2.0, order=2)
    old = SurfaceScheme(domain, 1.0, 2.0, BARTH_JESPERSEN)
    density, potential = np.random.default_rng(0).random((2, *domain.shape))
    result = np.empty_like(density)
    stage = density, potential, density, (0.0, 1.0), 1e-6, result
    rows, cells = in_turn(partial(new.euler_stage, *stage), partial(old.euler_stage, *stage))
    return measured(f"{case.name}: us of a stage", round(rows, 1), f"cell by cell {cells:.0f}")


def validate(setting: Setting) -> Iterator[Row]:
    """Time both; quick, once."""
    runs = 1 if setting.quick else 3
    for case in cases():
        seconds = fastest(partial(case.flow, case.times), runs)
        to_first = fastest(partial(case.flow, (1e-9,)), runs)
        beside = f"set-up {to_first:.2f}, run {seconds - to_first:.2f}"
        yield within(f"d = 100, {case.name}: seconds", seconds, case.most, beside).quote()
        yield from sum_rows(case)
    yield stage_row(case)
