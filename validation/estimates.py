"""Estimated errors against true ones: on exact solutions, with particles, and on problems that ship with wgflow.

Each row is a run with estimates at two of its outputs: the estimated over the true error of F, of the mass where it
changes, of the density (L1) and on lines and circles of the measure (W1). Both are within a factor 3, or the true one
is round-off: the largest at the output and its neighbours, since errors of scalars change their sign. F without a
closed form is evaluated on a finer grid, random particles are judged by root mean squares over seeds. Other problems
run again on finer grids; there an error may be "not resolved", which is shown and allowed.

    python validation/estimates.py [--quick]
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import wgflow
from wgflow import (
    Box,
    Circle,
    Entropy,
    Features,
    Particles,
    Potential,
    PowerEnergy,
    Quadratic,
    Sphere,
    Trajectory,
    solve,
)
from wgflow.domains import Domain, total_mass
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.exact import quadratic_flow
from wgflow.functionals import Functional
from wgflow.problems.exact_profiles import Barenblatt
from wgflow.runs.estimates.coarsening import halved, restriction
from wgflow.runs.estimates.distances import transport_distance
from wgflow.typing import FloatArray

FACTOR = 3.0
FINER = 4  # cells along an axis of the grid on which F is evaluated at the exact density, over those of the run
OUTPUTS = 17
QUICK = 1  # shipped problems of a quick run
NEGLIGIBLE = 1e-11  # relative errors of this size are those of round-off

Density = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Finding:
    """An estimated and a true error."""

    name: str
    time: float
    quantity: str
    estimate: float
    truth: float
    order: float = np.nan
    optional: bool = False  # whether the error may be "not resolved"

    @property
    def passed(self) -> bool:
        """Whether both agree."""
        if not np.isfinite(self.estimate):
            return self.optional
        if self.truth < NEGLIGIBLE and self.estimate < NEGLIGIBLE:
            return True
        return 1.0 / FACTOR <= self.estimate / self.truth <= FACTOR

    def __str__(self) -> str:
        found = f"{self.estimate:.2e} / {self.truth:.2e} = {self.estimate / max(self.truth, 1e-300):5.2f}"
        shown = found if np.isfinite(self.estimate) else f"not resolved (true {self.truth:.2e})"
        verdict = "PASS" if self.passed else "FAIL"
        return f"{verdict}  {self.name:28s} t = {self.time:<8.4g} {self.quantity:10s} {shown}   order {self.order:.2f}"


def shown_outputs(flow: Trajectory) -> tuple[int, int]:
    """Numbers of the outputs that are compared."""
    return len(flow) // 2, len(flow) - 1


def largest(values: FloatArray, index: int) -> float:
    """Largest of some true errors at an output and its neighbours."""
    return float(values[max(index - 1, 0) : index + 2].max())


@dataclass(frozen=True)
class Case:
    """A flow on a grid with its exact solution."""

    name: str
    functional: Functional
    domain: Domain
    exact: Callable[[Domain, float], FloatArray]
    t_end: float
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = OUTPUTS

    def findings(self) -> Iterator[Finding]:
        """Run with estimates, and compare."""
        times = np.linspace(0.0, self.t_end, self.outputs)
        start = self.exact(self.domain, 0.0)
        flow = solve(self.functional, self.domain, start, self.t_end, times=times, estimate=True, **self.options)
        truths = self.truths(flow)
        for index in shown_outputs(flow):
            for name, errors in truths.items():
                found = flow.errors[name][index], largest(errors, index), flow.orders[name][index]
                yield Finding(self.name, float(flow.time[index]), name, *found)

    def truths(self, flow: Trajectory) -> dict[str, FloatArray]:
        """True errors at each output."""
        finer = finer_domain(self.domain)
        value, changes = self.functional.on_grid(finer).value, self.options.get("reaction", self.domain.reaction) > 0.0
        rows = []
        for time, density, energy, mass in zip(flow.time, flow.density, flow.energy, flow.mass, strict=True):
            exact, fine = self.exact(self.domain, float(time)), self.exact(finer, float(time))
            apart = float((np.abs(density - exact) * self.domain.volumes).sum())
            moved = transport_distance(atoms(self.domain, density), atoms(finer, fine), self.domain)
            rows.append((abs(energy - value(fine)), apart, moved, abs(mass - total_mass(finer, fine))))
        columns = dict(zip(("energy", "density", "transport", "mass"), np.array(rows).T, strict=True))
        shown = {"transport": bool(np.isfinite(columns["transport"]).all()), "mass": changes}
        return {name: values for name, values in columns.items() if shown.get(name, True)}


def atoms(domain: Domain, density: FloatArray) -> Particles:
    """Masses of cells at their centres."""
    masses = (density * domain.volumes).ravel().clip(min=0.0)
    return Particles(domain.points.reshape(masses.size, -1), masses, np.ones(masses.size))


def finer_domain(domain: Domain) -> Domain:
    """The same with finer cells."""
    if isinstance(domain, Box):
        return Box(domain.bounds, [FINER * count for count in domain.shape], domain.periodic)
    return Circle(FINER * domain.shape[0]) if isinstance(domain, Circle) else Sphere(FINER**2 * domain.shape[0] - 30)


def averaged(density: Callable[[float], Density]) -> Callable[[Domain, float], FloatArray]:
    """Cell averages of a solution given as a function of points at each time."""
    return lambda domain, time: cell_averages(domain, density(time))


def gaussian(covariance: FloatArray) -> Density:
    """Density of N(0, covariance)."""
    inverse, scale = np.linalg.inv(covariance), np.linalg.det(2.0 * np.pi * covariance) ** -0.5
    return lambda points: scale * np.exp(-0.5 * np.einsum("...i,ij,...j->...", points, inverse, points))


def bowl(points: FloatArray) -> FloatArray:
    """|x|^2 / 2."""
    return 0.5 * (points**2).sum(axis=-1)


def angular(target: FloatArray, start: FloatArray) -> Callable[[float], Density]:
    """The flow of quadratic features on the circle or sphere."""
    return lambda time: quadratic_flow(target, start, time)


def riccati(target: FloatArray, start: FloatArray) -> Callable[[float], Density]:
    """The flow of quadratic features on a box."""
    return lambda time: gaussian(quadratic_flow(target, start, time).covariance)


def dilation(time: float) -> Density:
    """F = (int x^2 dmu - 1)^2 / 2 dilates N(0, 0.09)."""
    return gaussian(np.array([[0.09 / (0.09 + 0.91 * np.exp(-4.0 * time))]]))


def ornstein_uhlenbeck(time: float) -> Density:
    """The variance goes from 0.3 to 1."""
    return gaussian(np.array([[1.0 - 0.7 * np.exp(-2.0 * time)]]))


def fokker_planck(time: float) -> Density:
    """Solution on [0, 1] with V = -x, walls at both ends."""

    def density(points: FloatArray) -> FloatArray:
        x = points[..., 0]
        wave = np.pi * np.cos(np.pi * x) + 0.5 * np.sin(np.pi * x)
        return np.exp(-(np.pi**2 + 0.25) * time + 0.5 * x) * wave + np.pi * np.exp(x - 0.5)

    return density


def harmonic(time: float) -> Density:
    """Heat on the sphere: a harmonic of degree 2 decays like exp(-6t)."""
    return lambda points: 1.0 + 0.8 * np.exp(-6.0 * time) * points[..., 0] * points[..., 1]


def sobolev(domain: Domain, time: float) -> FloatArray:
    """On the torus -J'' = mu - 1 moves points by their wave times 1 - exp(-t)."""
    cells = domain.shape[0]
    labels = np.linspace(0.0, 1.0, 400 * cells + 1)
    waves = 0.8 * np.sin(2.0 * np.pi * labels) / (2.0 * np.pi)
    held = np.interp(np.linspace(0.0, 1.0, cells + 1), labels + waves * (1.0 - np.exp(-time)), labels + waves)
    return np.diff(held) * cells


def barenblatt(exponent: float) -> Callable[[Domain, float], FloatArray]:
    """Spreading of a porous medium from t = 1 on."""

    def averages(domain: Domain, time: float) -> FloatArray:
        if not isinstance(domain, Box):
            raise TypeError(f"{domain!r} is not a box")
        return Barenblatt(exponent, len(domain.shape)).averages(domain, 1.0 + time)

    return averages


def contraction(time: float) -> Density:
    """V = x^2 / 2 contracts N(0, 0.6)."""
    return gaussian(np.array([[0.6 * np.exp(-2.0 * time)]]))


def valued(density: Callable[[float], Density]) -> Callable[[Domain, float], FloatArray]:
    """Values at the cell centres of a solution given as a function of points at each time."""
    return lambda domain, time: point_values(domain, density(time))


def square(half: float, cells: int) -> Box:
    """A square around the origin."""
    return Box([(-half, half)] * 2, (cells, cells))


def implicit(stepper: str, tolerance: float) -> dict[str, Any]:
    """Options of implicit steps."""
    return {"stepper": stepper, "tolerance": tolerance}


FIFTH = {"order": 5}
FINE = {"order": 5, "tolerance": 1e-7}  # so that errors in space dominate
PLANE, PLANE_START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
SPACE = np.array([[1.0, 0.2, 0.1], [0.2, 0.5, 0.0], [0.1, 0.0, 0.25]])
SPACE_START = np.array([[0.4, -0.1, 0.0], [-0.1, 0.3, 0.05], [0.0, 0.05, 0.2]])
FLAT = np.array([[0.6375, 0.2814583], [0.2814583, 0.3125]])
SQUARE = Features(lambda points: (points**2).sum(axis=1, keepdims=True), np.array([1.0]))
DRIFT = Entropy() + Potential(lambda points: -points[:, 0])
UNIFORM = wgflow.SobolevDiscrepancy(lambda points: np.ones(points.shape[:-1]), 1.0)
CASES = (
    Case("quadratic, circle", Quadratic(PLANE), Circle(256), averaged(angular(PLANE, PLANE_START)), 0.5),
    Case("the same, 251 cells", Quadratic(PLANE), Circle(251), averaged(angular(PLANE, PLANE_START)), 0.5),
    Case("the same, order 5", Quadratic(PLANE), Circle(256), valued(angular(PLANE, PLANE_START)), 0.5, FINE, 17),
    Case("Riccati, plane", Quadratic(FLAT), square(4.5, 128), averaged(riccati(FLAT, 0.3 * np.eye(2))), 1.0),
    Case("the same, order 5", Quadratic(FLAT), square(5.4, 96), valued(riccati(FLAT, 0.3 * np.eye(2))), 0.5, FIFTH, 5),
    Case("dilation, line", SQUARE, Box([(-5.0, 5.0)], 256), averaged(dilation), 1.0),
    Case("contraction, line", Potential(bowl), Box([(-4.4, 4.4)], 256), averaged(contraction), 0.25),
    Case("quadratic, sphere", Quadratic(SPACE), Sphere(2562), averaged(angular(SPACE, SPACE_START)), 0.5),
    Case("Fokker-Planck", DRIFT, Box([(0.0, 1.0)], 80), averaged(fokker_planck), 0.25),
    Case("the same, TR-BDF2", DRIFT, Box([(0.0, 1.0)], 80), averaged(fokker_planck), 0.25, implicit("tr_bdf2", 1e-7)),
    Case(
        "the same, Euler", DRIFT, Box([(0.0, 1.0)], 80), averaged(fokker_planck), 0.25, implicit("backward_euler", 1e-5)
    ),
    Case("Ornstein-Uhlenbeck", Entropy() + Potential(bowl), Box([(-7.0, 7.0)], 140), averaged(ornstein_uhlenbeck), 0.5),
    Case("heat, sphere", Entropy(), Sphere(2562), averaged(harmonic), 0.2, {"reaction": 0.0}),
    Case("Sobolev s = 1, torus", UNIFORM, Box([(0.0, 1.0)], 256, periodic=True), sobolev, 1.0),
    Case("Barenblatt m = 2", PowerEnergy(2.0), Box([(-6.0, 6.0)], 400), barenblatt(2.0), 2.0),
    Case("Barenblatt m = 3", PowerEnergy(3.0), Box([(-6.0, 6.0)], 400), barenblatt(3.0), 2.0),
    Case("Barenblatt, plane", PowerEnergy(2.0), square(4.0, 64), barenblatt(2.0), 2.0),
)

CIRCLE = ("quadratic", PLANE, PLANE_START)
FLAT_PLANE = ("riccati", FLAT, 0.3 * np.eye(2))
PARTICLES = ["solver.kind=particles", "output.snapshots=6"]

# Name, problem, settings, and whether the start is one at random.
STARTS = (
    ("random, circle", CIRCLE, [*PARTICLES, "particles.count=1024"], True),
    ("random, plane", FLAT_PLANE, [*PARTICLES, "particles.count=1024"], True),
    ("stratified, circle", CIRCLE, [*PARTICLES, "particles.count=1024", "particles.start=stratified"], True),
    ("quasi-random, plane", FLAT_PLANE, [*PARTICLES, "particles.count=1024", "particles.start=quasi_random"], True),
    ("lattice, plane", FLAT_PLANE, [*PARTICLES, "particles.count=1024", "particles.start=equispaced"], False),
    (
        "equispaced, descent",
        CIRCLE,
        [
            *PARTICLES,
            "particles.count=256",
            "particles.start=equispaced",
            "particles.method=euler",
            "particles.step=0.002",
        ],
        False,
    ),
    ("JKO, lattice", ("riccati_jko", FLAT, 0.3 * np.eye(2)), ["solver.t_end=2", "output.snapshots=6"], False),
    ("characteristics", CIRCLE, ["solver.kind=characteristics", "domain.cells=128", "output.snapshots=6"], False),
)


def check_start(
    name: str, problem: tuple[str, FloatArray, FloatArray], settings: list[str], at_random: bool, seeds: int
) -> Iterator[Finding]:
    """F of particles with quadratic features, whose second moments are known; root mean squares over seeds."""
    source, target, start = problem
    flows = [
        wgflow.run(wgflow.open_problem(source, [*settings, f"initial.seed={seed}"]), estimate=True)
        for seed in range(seeds if at_random else 1)
    ]
    rows, flow = [], flows[0]
    for flow in flows:
        moments = [quadratic_flow(target, start, float(time)).covariance for time in flow.time]
        exact = np.array([0.5 * ((moment - target) ** 2).sum() for moment in moments])
        rows.append((flow.errors["energy"], np.abs(flow.energy - exact)))
    estimates, truths = np.sqrt(np.mean(np.square(rows), axis=0))
    for index in shown_outputs(flow):
        found = float(estimates[index]), float(truths[index]), float(flow.orders["energy"][index])
        yield Finding(name, float(flow.time[index]), "energy", *found)


# A quarter of the steps of teacher_jko and of deconvolution.
SHORTER = {
    "teacher_jko": ["jko.tau=0.005", "jko.growth=0.005"],
    "deconvolution": ["jko.tau=0.0025", "jko.growth=0.025"],
}

# Problem, settings, and those of the run that stands for the truth.
SHIPPED = (
    ("teacher", ["domain.cells=512"], ["domain.cells=4096"]),
    (
        "fokker_planck",
        ["domain.shape=[200]", "solver.t_end=100"],
        ["domain.shape=[1600]", "finite_volume.tolerance=1e-8"],
    ),
    ("keller_segel", ["domain.shape=[48,48]", "output.snapshots=11"], ["domain.shape=[96,96]"]),
    ("aggregation", ["domain.shape=[48,48]", "output.snapshots=31"], ["domain.shape=[96,96]"]),
    ("porous_medium", ["domain.shape=[48,48]", "solver.t_end=2"], ["domain.shape=[96,96]"]),
    ("penguins", ["solver.t_end=10"], ["domain.cells=40962"]),
    ("regression", ["domain.cells=2562", "solver.t_end=4"], ["domain.cells=40962"]),
    ("el_nino", ["solver.t_end=100"], ["domain.cells=8192"]),
    ("spikes", ["solver.t_end=20", "domain.cells=512"], ["domain.cells=4096"]),
    (
        "teacher_jko",
        ["solver.t_end=5", "jko.growth=0.02", "particles.count=256"],
        [*SHORTER["teacher_jko"], "particles.count=1024"],
    ),
    (
        "deconvolution",
        ["solver.t_end=3", "particles.count=1024", "jko.growth=0.1", "output.snapshots=41"],
        [*SHORTER["deconvolution"], "particles.count=4096"],
    ),
    ("regression_box", ["solver.t_end=1"], ["domain.shape=[96,96,96]"]),
    ("teacher_box", ["solver.t_end=1"], ["domain.shape=[104,112,80]"]),
)


def check_shipped(name: str, settings: list[str], finer: list[str]) -> Iterator[Finding]:
    """A shipped problem against the same on a finer grid, or with more particles."""
    flow = wgflow.run(wgflow.open_problem(name, settings), estimate=True)
    truth = wgflow.run(wgflow.open_problem(name, [*settings, *finer]))
    for index in shown_outputs(flow):
        time = float(flow.time[index])
        for quantity in ("energy", *(("mass",) if np.ptp(flow.mass) > NEGLIGIBLE else ())):
            error = largest(np.abs(flow.scalars[quantity] - truth.scalars[quantity]), index)
            found = flow.errors[quantity][index], error, flow.orders[quantity][index]
            yield Finding(name, time, quantity, *found, optional=True)
        if not flow.has_particles and flow.domain is not None and truth.domain is not None:
            apart = np.abs(flow.density[index] - carried(truth.density[index], truth.domain, flow.domain))
            error = float((apart * flow.domain.volumes).sum())
            found = flow.errors["density"][index], error, flow.orders["density"][index]
            yield Finding(name, time, "density", *found, optional=True)


def carried(density: FloatArray, source: Domain, target: Domain) -> FloatArray:
    """Cell averages on a grid with a half, a quarter, ... of the cells along each axis."""
    while source.shape != target.shape:
        density, source = restriction(source, halved(source))(density), halved(source)
    return density


def check(*, quick: bool) -> Iterator[Finding]:
    """All findings."""
    for case in CASES:
        yield from case.findings()
    for name, problem, settings, at_random in STARTS:
        yield from check_start(name, problem, settings, at_random, 4 if quick else 16)
    for shipped in SHIPPED[:QUICK] if quick else SHIPPED:
        yield from check_shipped(*shipped)


def main() -> int:
    """Run all cases; 0 if each estimate is within its factor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer seeds, and the cheapest shipped problems only")
    quick = parser.parse_args().quick
    passed = []
    warnings.simplefilter("ignore")
    for finding in check(quick=quick):
        print(finding, flush=True)
        passed.append(finding.passed)
    print(f"{sum(passed)} of {len(passed)} within a factor {FACTOR:g}")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
