"""Estimated errors against true ones: on exact solutions, with particles, and on problems that ship with wgflow.

Each row is a run with estimates at two of its outputs: the estimated over the true error of F, of the mass where it
changes, of the density (L1) and on lines and circles of the measure (W1). Both are within a factor 3, or the true one
is round-off: the largest at the output and its neighbours, since errors of scalars change their sign. F without a
closed form is evaluated on a finer grid, random particles are judged by root mean squares over seeds. Other problems
run again on finer grids; there an error may be "not resolved", which is shown and allowed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
from wgflow.app.validation import Row, Setting, between, measured
from wgflow.domains import Domain, total_mass
from wgflow.errors import FlowWarning
from wgflow.exact import quadratic_flow
from wgflow.functionals import Functional
from wgflow.runs.estimates.coarsening import halved, restriction
from wgflow.runs.estimates.distances import transport_distance
from wgflow.typing import FloatArray

from ._exact_flows import (
    angular,
    averaged,
    barenblatt,
    bowl,
    contraction,
    dilation,
    fokker_planck,
    harmonic,
    ornstein_uhlenbeck,
    riccati,
    sobolev,
    valued,
)

FACTOR = 3.0
FINER = 4  # cells along an axis of the grid on which F is evaluated at the exact density, over those of the run
OUTPUTS = 17
QUICK = 1  # shipped problems of a quick run
COSTLY = ("Riccati, plane", "Barenblatt, plane")  # their exact cell averages; no part of a quick run
SHOWN = {"energy": "F", "density": "the density", "transport": "the measure (W1)", "mass": "the mass"}
NEGLIGIBLE = 1e-11  # relative errors of this size are those of round-off


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
    def resolved(self) -> bool:
        """Whether there is an estimate that can be compared."""
        return bool(np.isfinite(self.estimate)) or not self.optional

    @property
    def ratio(self) -> float:
        """The estimated over the true error; 1 where both are round-off."""
        if self.truth < NEGLIGIBLE and self.estimate < NEGLIGIBLE:
            return 1.0
        return self.estimate / self.truth

    @property
    def row(self) -> Row:
        """Whether both agree, to a factor."""
        what = f"{self.name}, t = {self.time:.4g}: estimated over true error of {SHOWN[self.quantity]}"
        beside = f"true {self.truth:.2e}, order {self.order:.2f}"
        if not self.resolved:
            return measured(what, "not resolved", beside)
        return between(what, self.ratio, 1.0 / FACTOR, FACTOR, beside)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep silent about what cannot be estimated, and about mass near walls."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FlowWarning)
        yield


def shown_outputs(trajectory: Trajectory) -> tuple[int, int]:
    """Numbers of the outputs that are compared."""
    return len(trajectory) // 2, len(trajectory) - 1


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
        with quiet():
            trajectory = solve(
                self.functional, self.domain, start, self.t_end, times=times, estimate=True, **self.options
            )
        truths = self.truths(trajectory)
        for index in shown_outputs(trajectory):
            for name, errors in truths.items():
                found = trajectory.errors[name][index], largest(errors, index), trajectory.orders[name][index]
                yield Finding(self.name, float(trajectory.time[index]), name, *found)

    def truths(self, trajectory: Trajectory) -> dict[str, FloatArray]:
        """True errors at each output."""
        finer = finer_domain(self.domain)
        value, changes = self.functional.on_grid(finer).value, self.options.get("reaction", self.domain.reaction) > 0.0
        rows = []
        for time, density, energy, mass in zip(
            trajectory.time, trajectory.density, trajectory.energy, trajectory.mass, strict=True
        ):
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
    Case("quadratic, circle, 251 cells", Quadratic(PLANE), Circle(251), averaged(angular(PLANE, PLANE_START)), 0.5),
    Case(
        "quadratic, circle, order 5", Quadratic(PLANE), Circle(256), valued(angular(PLANE, PLANE_START)), 0.5, FINE, 17
    ),
    Case("Riccati, plane", Quadratic(FLAT), square(4.5, 128), averaged(riccati(FLAT, 0.3 * np.eye(2))), 1.0),
    Case(
        "Riccati, plane, order 5",
        Quadratic(FLAT),
        square(5.4, 96),
        valued(riccati(FLAT, 0.3 * np.eye(2))),
        0.5,
        FIFTH,
        5,
    ),
    Case("dilation, line", SQUARE, Box([(-5.0, 5.0)], 256), averaged(dilation), 1.0),
    Case("contraction, line", Potential(bowl), Box([(-4.4, 4.4)], 256), averaged(contraction), 0.25),
    Case("quadratic, sphere", Quadratic(SPACE), Sphere(2562), averaged(angular(SPACE, SPACE_START)), 0.5),
    Case("Fokker-Planck", DRIFT, Box([(0.0, 1.0)], 80), averaged(fokker_planck), 0.25),
    Case(
        "Fokker-Planck, TR-BDF2", DRIFT, Box([(0.0, 1.0)], 80), averaged(fokker_planck), 0.25, implicit("tr_bdf2", 1e-7)
    ),
    Case(
        "Fokker-Planck, backward Euler",
        DRIFT,
        Box([(0.0, 1.0)], 80),
        averaged(fokker_planck),
        0.25,
        implicit("backward_euler", 1e-5),
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


def random_start(
    name: str, problem: tuple[str, FloatArray, FloatArray], settings: list[str], at_random: bool, seeds: int
) -> Iterator[Finding]:
    """F of particles with quadratic features, whose second moments are known; root mean squares over seeds."""
    source, target, start = problem
    with quiet():
        flows = [
            wgflow.run(wgflow.open_problem(source, [*settings, f"initial.seed={seed}"]), estimate=True)
            for seed in range(seeds if at_random else 1)
        ]
    rows, trajectory = [], flows[0]
    for trajectory in flows:
        moments = [quadratic_flow(target, start, float(time)).covariance for time in trajectory.time]
        exact = np.array([0.5 * ((moment - target) ** 2).sum() for moment in moments])
        rows.append((trajectory.errors["energy"], np.abs(trajectory.energy - exact)))
    estimates, truths = np.sqrt(np.mean(np.square(rows), axis=0))
    for index in shown_outputs(trajectory):
        found = float(estimates[index]), float(truths[index]), float(trajectory.orders["energy"][index])
        yield Finding(name, float(trajectory.time[index]), "energy", *found)


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


def shipped_problem(name: str, settings: list[str], finer: list[str]) -> Iterator[Finding]:
    """A shipped problem against the same on a finer grid, or with more particles."""
    with quiet():
        trajectory = wgflow.run(wgflow.open_problem(name, settings), estimate=True)
        truth = wgflow.run(wgflow.open_problem(name, [*settings, *finer]))
    for index in shown_outputs(trajectory):
        time = float(trajectory.time[index])
        for quantity in ("energy", *(("mass",) if np.ptp(trajectory.mass) > NEGLIGIBLE else ())):
            error = largest(np.abs(trajectory.scalars[quantity] - truth.scalars[quantity]), index)
            found = trajectory.errors[quantity][index], error, trajectory.orders[quantity][index]
            yield Finding(name, time, quantity, *found, optional=True)
        if not trajectory.has_particles and trajectory.domain is not None and truth.domain is not None:
            apart = np.abs(trajectory.density[index] - carried(truth.density[index], truth.domain, trajectory.domain))
            error = float((apart * trajectory.domain.volumes).sum())
            found = trajectory.errors["density"][index], error, trajectory.orders["density"][index]
            yield Finding(name, time, "density", *found, optional=True)


def carried(density: FloatArray, source: Domain, target: Domain) -> FloatArray:
    """Cell averages on a grid with a half, a quarter, ... of the cells along each axis."""
    while source.shape != target.shape:
        density, source = restriction(source, halved(source))(density), halved(source)
    return density


def findings(*, quick: bool) -> Iterator[Finding]:
    """All findings."""
    for case in CASES:
        if not (quick and case.name in COSTLY):
            yield from case.findings()
    for name, problem, settings, at_random in STARTS:
        yield from random_start(name, problem, settings, at_random, 4 if quick else 16)
    for shipped in SHIPPED[:QUICK] if quick else SHIPPED:
        yield from shipped_problem(*shipped)


def validate(setting: Setting) -> Iterator[Row]:
    """Compare all cases; quick, with fewer seeds, and of the shipped problems with the cheapest only."""
    ratios = []
    for finding in findings(quick=setting.quick):
        yield finding.row
        if finding.resolved:
            ratios.append(finding.ratio)
    what = f"estimated over true errors, {len(ratios)} of flows and their outputs"
    yield between(f"{what}: least", min(ratios), 1.0 / FACTOR, FACTOR).quote()
    yield between(f"{what}: largest", max(ratios), 1.0 / FACTOR, FACTOR).quote()
    yield measured(f"{what}: median", float(np.median(ratios))).quote()
