"""The flow by its definition: variational (JKO) steps, found from their dual.

- Orders in tau against exact solutions for quadratic features: in R^2, and on the circle with its reaction; the steps
  themselves are of first order, extrapolated half steps of second.
- Steps from 10^-4 to 10^4 lower F, with a duality gap below 1e-12 of F (or round-off).
- 2000 particles and 8 features: Newton iterations and time of a step.
- ReLU features on data against explicit finite volumes.
- Linearised steps on grids: Fokker-Planck at tau = h, and all problem files that ship with a grid.
- Teacher and student with infinitely many neurons (Figure 2 of Bach and Chizat, 2022): against characteristics, and to
  t = 10^4.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

import wgflow
from wgflow import (
    Box,
    Circle,
    Entropy,
    Features,
    JkoFlow,
    JkoOptions,
    LinearisedJkoFlow,
    Neurons,
    Particles,
    Population,
    Potential,
    Quadratic,
    Signed,
    SmoothLayer,
    Space,
    Teacher,
    harmonic_population,
    make_jko_flow,
)
from wgflow.app.validation import Row, Setting, agrees, between, measured, within
from wgflow.exact.quadratic import AngularGaussian, quadratic_flow
from wgflow.measures import nodes_of_cells
from wgflow.typing import FloatArray

TARGET, START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
TEACHER = Teacher.from_angles(np.array([0.5, 2.9, 4.9, 5.4]), np.array([1.0, -1.0, -1.0, 1.0]))
# Population risks by 1024 characteristics on each sheet with tolerance 1e-10.
CHARACTERISTICS = {1.0: 0.3013984057513, 2.0: 0.0789539445973, 20.0: 0.0041482159848}
LARGEST_GAP = 1e-12


@dataclass
class Steps:
    """What some steps of a flow took.

    Attributes
    ----------
    iterations : list of int
        Newton iterations of each.
    gap : float
        Largest duality gap over F before the step.
    raised : int
        How many did not lower F.
    seconds : list of float
        Processor time of each.
    """

    iterations: list[int] = field(default_factory=list)
    gap: float = 0.0
    raised: int = 0
    seconds: list[float] = field(default_factory=list)

    def take(self, evolution: JkoFlow, *, floor: float = 0.0, resolved: float = 0.0) -> None:
        """Do a step of a flow; below ``resolved`` F is round-off, and the gap is relative to ``floor`` at least."""
        began, before = time.process_time(), evolution.energy
        evolution.step()
        self.seconds.append(time.process_time() - began)
        if before <= resolved:
            return
        self.raised += evolution.energy >= before
        if evolution.last is not None:
            self.iterations.append(evolution.last.iterations)
            self.gap = max(self.gap, evolution.last.gap / max(before, floor))


def gaussian_particles() -> Particles:
    """Give N(0, START) by a Gauss-Hermite rule, exact for polynomials of degree 11."""
    nodes, rule = np.polynomial.hermite_e.hermegauss(6)
    points = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2) @ np.linalg.cholesky(START).T
    return Particles(points, np.outer(rule, rule).ravel() / rule.sum() ** 2, np.ones(36))


def quadratic_case(name: str, options: JkoOptions) -> JkoFlow:
    """Flow of quadratic features in R^2, or on the circle with reaction."""
    if name == "R^2":
        return make_jko_flow(Quadratic(TARGET), gaussian_particles(), Space(2), options, reaction=0.0)
    circle = Circle(64)
    density = AngularGaussian(START)(circle.points)
    return make_jko_flow(Quadratic(TARGET), nodes_of_cells(circle, density), circle, options, reaction=4.0)


def advance(evolution: JkoFlow, end: float, steps: Steps) -> None:
    """Carry a flow to a time."""
    evolution.begin_interval(end)
    while evolution.time < end:
        steps.take(evolution)


def orders(*, quick: bool) -> Iterator[Row]:  # noqa: ARG001
    """Orders in tau of the second moments at t = 0.5."""
    for name in ("R^2", "circle, beta = 4"):
        for order in (1, 2):
            yield from order_of(name, order)


def order_of(name: str, order: int) -> Iterator[Row]:
    """Order in tau of one flow, from its errors with four sizes of steps."""
    exact, counts, errors = quadratic_flow(TARGET, START, 0.5).covariance, [8, 16, 32, 64], []
    steps, mass = Steps(), 0.0
    for count in counts:
        evolution = quadratic_case(name, JkoOptions(0.5 / count, order=order, halve=False))
        start = evolution.particles.mass
        advance(evolution, 0.5, steps)
        particles = evolution.particles
        mass = max(mass, abs(particles.mass / start - 1.0))
        moments = np.einsum("k,ki,kj->ij", particles.weights, particles.points, particles.points)
        errors.append(float(np.abs(moments - exact).max()))
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    what, found = f"quadratic features, {name}, order {order}", " ".join(f"{error:.1e}" for error in errors)
    yield between(f"{what}: exponent of tau in the error", slope, order - 0.1, order + 0.1, f"errors {found}").quote()
    yield within(f"{what}: largest duality gap over F", steps.gap, LARGEST_GAP)
    if name == "R^2":
        yield within(f"{what}: change of the mass", mass, 1e-12)


def any_size(*, quick: bool) -> Iterator[Row]:  # noqa: ARG001
    """Five steps each of many sizes."""
    for name in ("R^2", "circle, beta = 4"):
        steps = Steps()
        for tau in 10.0 ** np.arange(-4.0, 5.0):
            evolution = quadratic_case(name, JkoOptions(tau, halve=False))
            evolution.begin_interval(5.0 * tau)
            scale = evolution.energy
            for _ in range(5):
                steps.take(evolution, floor=1e-8 * scale, resolved=1e-15 * scale)
        what = f"quadratic features, {name}, tau = 1e-4 to 1e4"
        yield agrees(f"{what}: steps that do not lower F", steps.raised, 0)
        median = f"{np.median(steps.iterations):.0f} in the median"
        yield within(f"{what}: most Newton iterations of a step", max(steps.iterations), 15, median).quote()
        yield within(f"{what}: largest duality gap over F", steps.gap, LARGEST_GAP).quote()


def teacher_sizes(*, quick: bool) -> Iterator[Row]:
    """Two steps each of 10^-4 to 10^4 of the teacher problem, cut where they are not found whole."""
    domain, largest = Signed(Circle(128)), 1 if quick else 4
    start = nodes_of_cells(domain, np.full(domain.shape, 0.25 / np.pi))
    steps, cuts = Steps(), []
    for tau in 10.0 ** np.arange(-4.0, largest + 1.0):
        evolution = make_jko_flow(harmonic_population(TEACHER, 64), start, domain, JkoOptions(tau), reaction=2.0)
        evolution.begin_interval(2.0 * tau)
        for _ in range(2):
            steps.take(evolution)
        cuts.append(evolution.counts.rejected)
    what = f"teacher, beta = 2, tau = 1e-4 to 1e{largest}"
    yield agrees(f"{what}: steps that do not lower F", steps.raised, 0)
    yield agrees(f"{what}: steps cut in half, up to tau = 10", sum(cuts[:6]), 0)
    yield measured(f"{what}: steps cut in half, for each tau", " ".join(map(str, cuts))).quote()


def speed(*, quick: bool) -> Iterator[Row]:  # noqa: ARG001
    """Steps of 2000 particles and 8 features, tau = 1e-3 to 10."""
    generator = np.random.default_rng(0)
    inputs = np.column_stack([generator.uniform(-1.0, 1.0, 8), np.ones(8)])
    functional = Features(Neurons(SmoothLayer(inputs)), np.sin(2.0 * inputs[:, 0]))
    start = Particles(0.6 * generator.normal(size=(2000, 3)), np.full(2000, 1.0 / 2000.0), np.ones(2000))
    for tau in (1e-3, 1e-1, 1.0, 10.0):
        evolution, steps = (
            make_jko_flow(functional, start, Space(3), JkoOptions(tau, halve=False), reaction=0.0),
            Steps(),
        )
        evolution.begin_interval(5.0 * tau)
        for _ in range(5):
            steps.take(evolution)
        what = f"2000 particles, 8 features, tau = {tau:g}"
        cost = f"{1e3 * np.median(steps.seconds):.0f} ms a step"
        yield within(f"{what}: most Newton iterations of a step", max(steps.iterations), 6, cost)
        yield within(f"{what}: largest duality gap over F", steps.gap, LARGEST_GAP)


def on_data(*, quick: bool) -> Iterator[Row]:
    """Balanced ReLU networks on data: particles by variational steps, kinks rounded, and explicit finite volumes."""
    t_end = 0.5 if quick else 2.0
    settings = [f"solver.t_end={t_end}", "output.snapshots=2"]
    grid = wgflow.run(wgflow.open_problem("el_nino", settings)).risk[-1]
    variational = ["solver.kind=jko", "particles.count=512", "particles.start=equispaced", "jko.order=2"]
    for tau in (0.2, 0.1):
        found = wgflow.run(wgflow.open_problem("el_nino", [*settings, *variational, f"jko.tau={tau}"])).risk[-1]
        yield within(
            f"el_nino to t = {t_end:g}, tau = {tau:g}: risk over that of cells, less 1", found / grid - 1.0, 1e-3
        )


def infinitely_many(*, quick: bool) -> Iterator[Row]:
    """The equation on the signed circle, with steps of 0.01 + 0.03 t."""
    domain = Signed(Circle(64 if quick else 512))
    start = nodes_of_cells(domain, np.full(domain.shape, 0.25 / np.pi))
    options = JkoOptions(0.01, 0.03, order=2)
    evolution = make_jko_flow(harmonic_population(TEACHER, 128), start, domain, options, reaction=2.0)
    began, steps, risk = time.perf_counter(), Steps(), np.nan
    for end in (*CHARACTERISTICS, 25.0 if quick else 1e4):
        advance(evolution, end, steps)
        risk = Population(TEACHER).at_particles(evolution.particles).energy
        if end in CHARACTERISTICS:
            what = f"teacher, m = infinity, t = {end:g}: risk over that of characteristics, less 1"
            yield within(what, risk / CHARACTERISTICS[end] - 1.0, 5e-4)
    seconds, what = time.perf_counter() - began, f"teacher, m = infinity, to t = {evolution.time:g}"
    yield within(f"{what}: risk", risk, 5e-3)
    median = f"{evolution.counts.accepted} steps, {np.median(steps.iterations):.0f} Newton iterations in the median"
    yield within(f"{what}: seconds", seconds, 120.0, median).quote()
    yield within(f"{what}: largest duality gap over F", steps.gap, LARGEST_GAP)


def fokker_planck(x: FloatArray, t: float) -> FloatArray:
    """Exact solution on [0, 1] with the potential -x."""
    wave = np.exp(-(np.pi**2 + 0.25) * t + 0.5 * x) * (np.pi * np.cos(np.pi * x) + 0.5 * np.sin(np.pi * x))
    return wave + np.pi * np.exp(x - 0.5)


def linearised_diffusion(*, quick: bool) -> Iterator[Row]:
    """Errors in L1 of linearised steps at t = 0.25, with tau = h."""
    sizes, errors = (20, 40, 80) if quick else (20, 40, 80, 160, 320), []
    nodes, weights = np.polynomial.legendre.leggauss(6)
    for cells in sizes:
        box = Box([(0.0, 1.0)], cells)
        places = box.axes[0][:, None] + 0.5 * nodes / cells
        start, exact = (fokker_planck(places, t) @ weights / 2.0 for t in (0.0, 0.25))
        functional = Entropy() + Potential(lambda x: -x[:, 0])
        evolution = LinearisedJkoFlow(functional, box, np.maximum(start, 0.0), options=JkoOptions(1.0 / cells))
        evolution.begin_interval(0.25)
        while evolution.time < 0.25:
            evolution.step()
        errors.append(float(abs(evolution.density - exact).mean()))
    slope = -np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    what = f"linearised JKO steps, Fokker-Planck, tau = h, {sizes[0]} to {sizes[-1]} cells"
    yield measured(f"{what}: L1 errors", ", ".join(f"{error:.1e}" for error in errors)).quote()
    yield between(f"{what}: order", slope, 0.85, 1.15)


LINEARISED: dict[str, tuple[int | list[int], int | list[int]]] = {  # cells in full and quick runs
    "el_nino": (1024, 128),
    "quadratic": (512, 128),
    "quadratic_sphere": (10242, 642),
    "regression": (10242, 642),
    "teacher": (4096, 256),
    "teacher_jko": (512, 128),
    "spikes": (256, 128),
    "fokker_planck": ([500], [250]),
    "porous_medium": ([96, 96], [24, 24]),
    "riccati": ([256, 256], [32, 32]),
    "regression_box": ([48, 48, 48], [12, 12, 12]),
    "teacher_box": ([52, 56, 40], [13, 14, 10]),
}


def linearised_problems(*, quick: bool) -> Iterator[Row]:
    """Ten linearised steps (four in quick runs) of 0.05 and of 1, of each problem file with a grid."""
    medians, raised, empty = [], 0, 0
    for name, sizes in LINEARISED.items():
        for tau in (0.05, 1.0):
            evolution, steps = linearised_steps(name, sizes[1] if quick else sizes[0], tau, 4 if quick else 10)
            medians.append(float(np.median(steps.iterations)))
            raised += steps.raised
            empty += int((evolution.density <= 0.0).sum())
            what = f"linearised, {name}, {evolution.density.size} cells, tau = {tau:g}: median Newton iterations"
            beside = f"{evolution.counts.rejected} rejected, {np.median(steps.seconds):.2f} s a step"
            yield within(what, medians[-1], 10.0, beside)
    what = f"linearised JKO steps, {len(LINEARISED)} shipped problems, tau = 0.05 and 1"
    yield measured(f"{what}: median Newton iterations", f"{min(medians):.0f} to {max(medians):.0f}").quote()
    yield agrees(f"{what}: steps that raise F", raised, 0)
    yield agrees(f"{what}: cells without mass", empty, 0)


def linearised_steps(name: str, size: int | list[int], tau: float, count: int) -> tuple[LinearisedJkoFlow, Steps]:
    """Do some linearised steps of a shipped problem."""
    cells = f"domain.{'shape' if isinstance(size, list) else 'cells'}={size}"
    chosen = [cells, "solver.kind=jko", "jko.scheme=linearised", "jko.order=1", "jko.growth=0", "solver.t_end=10"]
    evolution = wgflow.open_problem(name, [*chosen, f"jko.tau={tau}"]).make_evolution()
    if not isinstance(evolution, LinearisedJkoFlow):
        raise TypeError(f"{name} gave {type(evolution).__name__}")
    steps = Steps()
    evolution.begin_interval(count * tau)
    while evolution.time < count * tau:
        began, before = time.process_time(), evolution.energy
        evolution.step()
        steps.seconds.append(time.process_time() - began)
        steps.raised += evolution.energy > before
        steps.iterations.append(0 if evolution.last is None else evolution.last.iterations)
    return evolution, steps


PARTS = (
    orders,
    any_size,
    teacher_sizes,
    speed,
    on_data,
    linearised_diffusion,
    linearised_problems,
    infinitely_many,
)


def validate(setting: Setting) -> Iterator[Row]:
    """Run all parts; quick, with fewer particles and shorter runs."""
    for part in PARTS:
        yield from part(quick=setting.quick)
