"""The flow by its definition: variational (JKO) steps, found from their dual.

- Orders in tau against exact solutions for quadratic features: in R^2, and on the circle with its reaction; the steps
  themselves are of first order, extrapolated half steps of second.
- Steps from 10^-4 to 10^4 lower F, with a duality gap below 1e-12 of F (or round-off).
- 2000 particles and 8 features: Newton iterations and time of a step.
- ReLU features on data against explicit finite volumes.
- Linearised steps on grids: Fokker-Planck at tau = h, and all problem files that ship with a grid.
- Teacher and student with infinitely many neurons (Figure 2 of Bach and Chizat, 2022): against characteristics, and to
  t = 10^4.

    python validation/jko.py [--quick]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

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
from wgflow.exact.quadratic import AngularGaussian, quadratic_flow
from wgflow.measures import nodes_of_cells
from wgflow.typing import FloatArray

TARGET, START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
TEACHER = Teacher.from_angles(np.array([0.5, 2.9, 4.9, 5.4]), np.array([1.0, -1.0, -1.0, 1.0]))
# Population risks by 1024 characteristics on each sheet with tolerance 1e-10.
CHARACTERISTICS = {1.0: 0.3013984057513, 2.0: 0.0789539445973, 20.0: 0.0041482159848}
LARGEST_GAP = 1e-12


@dataclass
class Report:
    """Prints what was found, and remembers whether all of it passed."""

    passed: bool = True

    def __call__(self, passed: bool, text: str) -> None:
        """Print one line."""
        self.passed &= passed
        print(f"{'PASS' if passed else 'FAIL'}  {text}")


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


def advance(flow: JkoFlow, end: float) -> tuple[list[int], list[float]]:
    """Carry a flow to a time; Newton iterations of all steps, and their gaps over F before them."""
    iterations, gaps = [], []
    flow.begin_interval(end)
    while flow.time < end:
        before = flow.energy
        flow.step()
        if flow.last is not None:
            iterations.append(flow.last.iterations)
            gaps.append(flow.last.gap / before)
    return iterations, gaps


def check_orders(report: Report) -> None:
    """Orders in tau of the second moments at t = 0.5."""
    exact = quadratic_flow(TARGET, START, 0.5).covariance
    for name in ("R^2", "circle, beta = 4"):
        for order in (1, 2):
            errors, gap, mass = [], 0.0, 0.0
            for steps in (8, 16, 32, 64):
                flow = quadratic_case(name, JkoOptions(0.5 / steps, order=order, halve=False))
                start = flow.particles.mass
                gap = max(gap, *advance(flow, 0.5)[1])
                mass = max(mass, abs(flow.particles.mass / start - 1.0))
                particles = flow.particles
                moments = np.einsum("k,ki,kj->ij", particles.weights, particles.points, particles.points)
                errors.append(float(np.abs(moments - exact).max()))
            slope = -np.polyfit(np.log([8, 16, 32, 64]), np.log(errors), 1)[0]
            found = " ".join(f"{error:.1e}" for error in errors)
            kept = mass < 1e-12 or name != "R^2"
            report(
                bool(abs(slope - order) < 0.1 and gap < LARGEST_GAP and kept),
                f"{name}, order {order}: errors {found}, slope {slope:.2f}, largest gap {gap:.0e} of F",
            )


def check_any_size(report: Report) -> None:
    """Five steps each of many sizes."""
    for name in ("R^2", "circle, beta = 4"):
        iterations, lowered, gap = [], True, 0.0
        for tau in 10.0 ** np.arange(-4.0, 5.0):
            flow = quadratic_case(name, JkoOptions(tau, halve=False))
            flow.begin_interval(5.0 * tau)
            scale = flow.energy
            for _ in range(5):
                before = flow.energy
                flow.step()
                resolved = before > 1e-15 * scale
                lowered &= flow.energy < before or not resolved
                if resolved and flow.last is not None:
                    iterations.append(flow.last.iterations)
                    gap = max(gap, flow.last.gap / max(before, 1e-8 * scale))
        report(
            lowered and gap < LARGEST_GAP and max(iterations) <= 15,
            f"{name}, tau = 1e-4 to 1e4: F falls; Newton iterations {np.median(iterations):.0f} in the median, at most "
            f"{max(iterations)}; largest gap {gap:.0e} of F",
        )


def check_teacher_sizes(report: Report, largest: int) -> None:
    """Two steps each of 10^-4 to 10^largest of the teacher problem, cut where they are not found whole."""
    domain = Signed(Circle(128))
    start = nodes_of_cells(domain, np.full(domain.shape, 0.25 / np.pi))
    lowered, cuts = True, []
    for tau in 10.0 ** np.arange(-4.0, largest + 1.0):
        flow = make_jko_flow(harmonic_population(TEACHER, 64), start, domain, JkoOptions(tau), reaction=2.0)
        flow.begin_interval(2.0 * tau)
        for _ in range(2):
            before = flow.energy
            flow.step()
            lowered &= flow.energy < before
        cuts.append(flow.counts.rejected)
    report(
        lowered and max(cuts[:6]) == 0,
        f"teacher, beta = 2, tau = 1e-4 to 1e{largest}: F falls; halvings for each tau {' '.join(map(str, cuts))}",
    )


def check_speed(report: Report) -> None:
    """Steps of 2000 particles and 8 features, tau = 1e-3 to 10."""
    generator = np.random.default_rng(0)
    inputs = np.column_stack([generator.uniform(-1.0, 1.0, 8), np.ones(8)])
    functional = Features(Neurons(SmoothLayer(inputs)), np.sin(2.0 * inputs[:, 0]))
    start = Particles(0.6 * generator.normal(size=(2000, 3)), np.full(2000, 1.0 / 2000.0), np.ones(2000))
    for tau in (1e-3, 1e-1, 1.0, 10.0):
        flow = make_jko_flow(functional, start, Space(3), JkoOptions(tau, halve=False), reaction=0.0)
        iterations, times, gap = [], [], 0.0
        flow.begin_interval(5.0 * tau)
        for _ in range(5):
            began, before = time.process_time(), flow.energy
            flow.step()
            times.append(time.process_time() - began)
            if flow.last is not None:
                iterations.append(flow.last.iterations)
                gap = max(gap, flow.last.gap / before)
        report(
            max(iterations) <= 6 and gap < LARGEST_GAP,
            f"N = 2000, K = 8, tau = {tau:g}: {min(iterations)} to {max(iterations)} Newton iterations, "
            f"{1e3 * np.median(times):.0f} ms a step, largest gap {gap:.0e} of F",
        )


def check_data(report: Report, t_end: float) -> None:
    """Balanced ReLU networks on data: particles by variational steps, kinks rounded, and explicit finite volumes."""
    settings = [f"solver.t_end={t_end}", "output.snapshots=2"]
    grid = wgflow.run(wgflow.open_problem("el_nino", settings)).risk[-1]
    variational = ["solver.kind=jko", "particles.count=512", "particles.start=equispaced", "jko.order=2"]
    for tau in (0.2, 0.1):
        found = wgflow.run(wgflow.open_problem("el_nino", [*settings, *variational, f"jko.tau={tau}"])).risk[-1]
        error = found / grid - 1.0
        report(bool(abs(error) < 1e-3), f"el_nino to t = {t_end:g}, tau = {tau:g}: risk off by {error:+.1e}")


def check_teacher(report: Report, cells: int, t_end: float) -> None:
    """The equation on the signed circle, with steps of 0.01 + 0.03 t."""
    domain = Signed(Circle(cells))
    start = nodes_of_cells(domain, np.full(domain.shape, 0.25 / np.pi))
    options = JkoOptions(0.01, 0.03, order=2)
    flow = make_jko_flow(harmonic_population(TEACHER, 128), start, domain, options, reaction=2.0)
    began, iterations, gaps = time.perf_counter(), [], []
    for end in (*CHARACTERISTICS, t_end):
        found = advance(flow, end)
        iterations += found[0]
        gaps += found[1]
        risk = Population(TEACHER).at_particles(flow.particles).energy
        if end in CHARACTERISTICS:
            error = risk / CHARACTERISTICS[end] - 1.0
            report(bool(abs(error) < 5e-4), f"m = infinity at t = {end:g}: risk {risk:.6e}, off by {error:+.1e}")
    seconds = time.perf_counter() - began
    report(
        risk < 5e-3 and seconds < 120.0 and max(gaps) < LARGEST_GAP,
        f"m = infinity at t = {flow.time:g}: risk {risk:.2e} after {flow.counts.accepted} steps, "
        f"{np.median(iterations):.0f} Newton iterations in the median, largest gap {max(gaps):.0e}, {seconds:.0f} s",
    )


def fokker_planck(x: FloatArray, t: float) -> FloatArray:
    """Exact solution on [0, 1] with the potential -x."""
    wave = np.exp(-(np.pi**2 + 0.25) * t + 0.5 * x) * (np.pi * np.cos(np.pi * x) + 0.5 * np.sin(np.pi * x))
    return wave + np.pi * np.exp(x - 0.5)


def check_diffusion(report: Report, finest: int) -> None:
    """Errors in L1 of linearised steps at t = 0.25, with tau = h."""
    errors = []
    sizes = [cells for cells in (20, 40, 80, 160, 320) if cells <= finest]
    nodes, weights = np.polynomial.legendre.leggauss(6)
    for cells in sizes:
        box = Box([(0.0, 1.0)], cells)
        places = box.axes[0][:, None] + 0.5 * nodes / cells
        start, exact = (fokker_planck(places, t) @ weights / 2.0 for t in (0.0, 0.25))
        functional = Entropy() + Potential(lambda x: -x[:, 0])
        flow = LinearisedJkoFlow(functional, box, np.maximum(start, 0.0), options=JkoOptions(1.0 / cells))
        flow.begin_interval(0.25)
        while flow.time < 0.25:
            flow.step()
        errors.append(float(abs(flow.density - exact).mean()))
    slope = -np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    found = " ".join(f"{error:.1e}" for error in errors)
    report(
        bool(abs(slope - 1.0) < 0.15),
        f"linearised, Fokker-Planck, tau = h = 1/20 to 1/{finest}: errors {found}, slope {slope:.2f}",
    )


LINEARISED = {
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


def check_linearised(report: Report, *, quick: bool) -> None:
    """Ten linearised steps (four in quick runs) of 0.05 and of 1, of each problem file with a grid."""
    steps = 4 if quick else 10
    for name, sizes in LINEARISED.items():
        size = sizes[1] if quick else sizes[0]
        cells = f"domain.{'shape' if isinstance(size, list) else 'cells'}={size}"
        chosen = [cells, "solver.kind=jko", "jko.scheme=linearised", "jko.order=1", "jko.growth=0", "solver.t_end=10"]
        for tau in (0.05, 1.0):
            flow = wgflow.open_problem(name, [*chosen, f"jko.tau={tau}"]).make_evolution()
            if not isinstance(flow, LinearisedJkoFlow):
                raise TypeError(f"{name} gave {type(flow).__name__}")
            began, iterations, lowered, start = time.perf_counter(), [], True, flow.snapshot().mass
            flow.begin_interval(steps * tau)
            while flow.time < steps * tau:
                before = flow.energy
                flow.step()
                lowered &= flow.energy <= before
                iterations.append(0 if flow.last is None else flow.last.iterations)
            seconds, change = time.perf_counter() - began, flow.snapshot().mass / start - 1.0
            report(
                bool(lowered and np.median(iterations) <= 10.0 and flow.density.min() > 0.0),
                f"linearised, {name}, {flow.density.size} cells, tau = {tau:g}: Newton iterations "
                f"{np.median(iterations):.0f} in the median, {min(iterations)} to {max(iterations)}, "
                f"{flow.counts.rejected} rejected; F falls to {flow.energy:.3e}; mass changes by {change:+.1e}; "
                f"{seconds / len(iterations):.2f} s a step",
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all checks; 0 if they passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer particles and shorter runs")
    quick = parser.parse_args(arguments).quick
    report = Report()
    check_orders(report)
    check_any_size(report)
    check_teacher_sizes(report, 1 if quick else 4)
    check_speed(report)
    check_data(report, 0.5 if quick else 2.0)
    check_diffusion(report, 80 if quick else 320)
    check_linearised(report, quick=quick)
    check_teacher(report, 64 if quick else 512, 25.0 if quick else 1e4)
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
