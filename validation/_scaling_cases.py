"""Problems whose cost against their size is measured: every domain and solver, as problem files would describe them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Sections = Mapping[str, Any]
END = 1e6  # of all runs, which are followed for some steps only


@dataclass(frozen=True)
class Law:
    """How the seconds of an evaluation grow with the size N, in words and as a function."""

    name: str
    symbol: str
    cost: Callable[[float], float]


LINEAR = Law("N", "$N$", lambda size: size)
FOURIER = Law("N log N", r"$N \log N$", lambda size: size * math.log(size))
FACTORISED = Law("N^1.5", "$N^{3/2}$", lambda size: size**1.5)
PAIRS = Law("N^2", "$N^2$", lambda size: size**2)


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
    triads : tuple of float
        Seconds for each number of a triad over as much memory, at each.
    """

    counts: tuple[int, ...]
    seconds: tuple[float, ...]
    memory: float
    triads: tuple[float, ...]


@dataclass(frozen=True)
class Case:
    """A problem of any size.

    Parameters
    ----------
    name, panel : str
        What it is called, and where it is drawn.
    sizes : tuple of int
        Sizes at which it is measured, the smallest alone in quick runs.
    describe : callable
        Problem of a size, as nested dictionaries.
    law : Law
        How its cost should grow.
    axes : int
        Number of axes of that many cells each.
    longest : float, optional
        Longest step: implicit ones else grow until nothing moves any more.
    fitted : int
        How many sizes tell the exponent, the largest but those beyond.
    beyond : int
        How many sizes, the largest, fill more than the caches: their costs are told, and drawn.
    """

    name: str
    panel: str
    sizes: tuple[int, ...]
    describe: Callable[[int], Sections]
    law: Law = LINEAR
    axes: int = 1
    longest: float | None = None
    fitted: int = 3
    beyond: int = 0

    def count(self, size: int) -> int:
        """Number of cells, particles or data."""
        return int(size**self.axes)

    def window(self, cost: Cost) -> slice:
        """Which of the sizes of a cost are fitted."""
        end = len(cost.counts) - self.beyond
        return slice(max(end - self.fitted, 0), end)

    def exponent(self, cost: Cost) -> float:
        """Exponent of the cost at the counts that are fitted, without what the law has beyond the linear one."""
        window = self.window(cost)
        laws = [self.law.cost(count) for count in cost.counts[window]]
        return 1.0 + growth(cost.counts[window], np.array(cost.seconds[window]) / laws)

    def memory_exponent(self, cost: Cost) -> float:
        """Exponent of triads over as much memory, at the same counts: more than 1 where caches hold less and less."""
        window = self.window(cost)
        return 1.0 + growth(cost.counts[window], cost.triads[window])


def growth(counts: ArrayLike, values: ArrayLike) -> float:
    """Slope of a straight line through logarithms."""
    return float(np.polyfit(np.log(counts), np.log(values), 1)[0])


EXPLICIT, OTHERS, PARTICLES, DATA = "Explicit finite volumes", "Other solvers", "Particles", "Data"
UNITS = {EXPLICIT: "cell", OTHERS: "cell", PARTICLES: "particle", DATA: "datum"}


def solved(kind: str = "finite_volume", **options: Any) -> dict[str, Any]:
    """Sections of a solver."""
    return {"solver": {"kind": kind, "t_end": END}, **options}


def teacher(domain: Sections, neurons: Sections) -> dict[str, Any]:
    """A network with a teacher."""
    return {"problem": {"kind": "two_layer", "data": "gaussian_teacher", "teacher": neurons}, "domain": domain}


def regression(domain: Sections, count: int, inputs: int, loss: str = "square") -> dict[str, Any]:
    """A network on random data."""
    generator = np.random.default_rng(0)
    columns: dict[str, Any] = {f"x{axis}": generator.normal(size=count) for axis in range(inputs)}
    values = np.sin(3.0 * columns["x0"])
    columns["y"] = values if loss == "square" else np.sign(values)
    problem = {"kind": "two_layer", "data": columns, "loss": loss, "dataset": {"bias": False, "standardize": False}}
    return {"problem": problem, "domain": domain}


def energy(axes: int, size: int, **terms: Any) -> dict[str, Any]:
    """A potential, and other terms, from a Gaussian in a box."""
    return {
        "problem": {"kind": "energy", "potential": {"kind": "quadratic"}, **terms},
        "domain": {"kind": "box", "bounds": [[-4.0, 4.0]] * axes, "shape": [size] * axes},
        "initial": {"kind": "gaussian", "covariance": 0.5},
    }


def circle(cells: int) -> dict[str, Any]:
    """The signed circle."""
    return {"kind": "circle", "cells": cells, "signed": True}


def sphere(cells: int) -> dict[str, Any]:
    """The signed sphere."""
    return {"kind": "sphere", "cells": cells, "signed": True}


def half(kind: str, cells: int) -> dict[str, Any]:
    """A signed half circle or half sphere of 20 inputs."""
    return {"kind": kind, "cells": cells, "inputs": 20, "signed": True}


ONE = {"directions": [[1.0]], "weights": [1.0]}
TWO = {"angles": [0.0, 1.0], "weights": [1.0, -1.0]}
FOUR = {"angles": [0.5, 2.9, 4.9, 5.4], "weights": [1.0, -1.0, -1.0, 1.0]}
IN_SPACE = {"directions": [[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]], "weights": [1.0, -1.0]}
ENTROPY = {"internal": {"kind": "entropy", "temperature": 1.0}}
BELL = {"interaction": {"kind": "gaussian", "width": 0.5}}
IMPLICIT = solved(finite_volume={"stepper": "tr_bdf2"})
LINEARISED = solved("jko", jko={"scheme": "linearised"})
ON_GRID = solved("jko", jko={"representation": "grid"})
SPHERES = (642, 2562, 10242, 40962, 163842)
LINES = (4096, 8192, 16384, 32768, 262144, 1048576)
CIRCLES = (2048, 4096, 8192, 16000, 131072, 524288)  # of two sheets; those that are fitted are done in one pass
LONGEST = 0.02


def moving(count: int, method: str = "rk4") -> dict[str, Any]:
    """Sections of some particles, with steps that divide the end of a run."""
    return solved("particles", particles={"count": count, "method": method, "step": 0.125})


CASES = (
    Case("circle, a teacher", EXPLICIT, CIRCLES, lambda n: teacher(circle(n), FOUR) | solved(), FOURIER, beyond=2),
    Case("circle, 20 data", EXPLICIT, CIRCLES, lambda n: regression(circle(n), 20, 2) | solved(), beyond=2),
    Case("line, entropy", EXPLICIT, LINES, lambda n: energy(1, n, **ENTROPY) | solved(), beyond=2),
    Case(
        "plane, a potential",
        EXPLICIT,
        (64, 256, 384, 512, 2048),
        lambda n: energy(2, n) | solved(),
        axes=2,
        beyond=1,
    ),
    Case("space, a potential", EXPLICIT, (32, 48, 64, 80, 128), lambda n: energy(3, n) | solved(), axes=3, beyond=1),
    Case(
        "plane, an interaction",
        EXPLICIT,
        (64, 128, 256, 512),
        lambda n: energy(2, n, **BELL) | solved(),
        FOURIER,
        2,
    ),
    Case("sphere, 20 data", EXPLICIT, SPHERES, lambda n: regression(sphere(n), 20, 3) | solved(), fitted=2, beyond=1),
    Case("sphere, a teacher", EXPLICIT, SPHERES[:-1], lambda n: teacher(sphere(n), IN_SPACE) | solved(), FACTORISED),
    Case("half circle", EXPLICIT, (1024, 2048, 4096), lambda n: teacher(half("half_circle", n), ONE) | solved()),
    Case("half sphere", EXPLICIT, SPHERES[:-1], lambda n: teacher(half("half_sphere", n), TWO) | solved()),
    Case(
        "line, TR-BDF2",
        OTHERS,
        (1024, *LINES[1:]),
        lambda n: energy(1, n, **ENTROPY) | IMPLICIT,
        longest=LONGEST,
        beyond=2,
    ),
    Case(
        "plane, TR-BDF2",
        OTHERS,
        (32, 64, 96, 128, 192),
        lambda n: energy(2, n, **ENTROPY) | IMPLICIT,
        FACTORISED,
        2,
        LONGEST,
    ),
    Case("line, linearised JKO", OTHERS, (1024, 4096, 16384), lambda n: energy(1, n, **ENTROPY) | LINEARISED),
    Case(
        "plane, linearised JKO", OTHERS, (32, 48, 64, 96), lambda n: energy(2, n, **ENTROPY) | LINEARISED, FACTORISED, 2
    ),
    Case("circle, dual JKO", OTHERS, (256, 512, 1024, 2048), lambda n: regression(circle(n), 20, 2) | ON_GRID),
    Case(
        "circle, normalised",
        OTHERS,
        (512, 1024, 2048, 4096),
        lambda n: regression(circle(n), 20, 2, "softmin") | solved("normalised"),
    ),
    Case(
        "circle, characteristics",
        OTHERS,
        (512, 1024, 2048, 4096),
        lambda n: regression(circle(n), 20, 2) | solved("characteristics"),
    ),
    Case(
        "100 data of 10 inputs",
        PARTICLES,
        (1000, 2000, 4000, 8000, 128000),
        lambda n: regression({"kind": "hypersphere", "dimension": 10, "signed": True}, 100, 10) | moving(n),
        beyond=1,
    ),
    Case("Langevin, a potential", PARTICLES, (4000, 32000, 64000, 128000, 1000000), lambda n: _noisy(n), beyond=1),
    Case("pairs in the plane", PARTICLES, (500, 1000, 2000, 4000), lambda n: energy(2, 32, **BELL) | moving(n), PAIRS),
    Case("sphere of 2562 cells", DATA, (25, 50, 100, 200, 400), lambda n: regression(sphere(2562), n, 3) | solved()),
    Case("circle of 4096 cells", DATA, (100, 400, 1600), lambda n: regression(circle(4096), n, 2) | solved()),
    Case("2000 particles", DATA, (50, 100, 200, 400), lambda n: regression(sphere(2562), n, 3) | moving(2000)),
)


def _noisy(count: int) -> dict[str, Any]:
    """Particles of a Fokker-Planck equation."""
    return energy(2, 32, **ENTROPY) | moving(count, "langevin")
