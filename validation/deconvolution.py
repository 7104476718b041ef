"""Sparse deconvolution on the 2-torus: spikes found by the flow, their certificate, and grid against particles.

Three spikes are recovered from their convolution with a Dirichlet kernel of two frequencies, for lambda = 0, 1 and 4,
by the flow of 64 particles in variational steps to t = 10^4. For lambda = 0 the spikes must be those of the signal; for
all lambda the certificate must close: J = lambda + <k, k * nu - y> is nowhere below 0, where round-off counts. At t = 3
finite volumes on a grid are compared with particles: risk, kernel discrepancy and spikes.

Source: Chizat, Sparse optimization on measures with over-parameterized gradient descent, Math. Program. 194 (2022).

    python validation/deconvolution.py [--quick] [--figure deconvolution.png]
"""

from __future__ import annotations

import argparse
import sys
import time as clock
from pathlib import Path

import numpy as np

from wgflow import InputError, Particles, Trajectory, find_spikes, open_problem, run
from wgflow.analysis.metrics import kernel_discrepancy
from wgflow.analysis.optimality.certificates import Certifier
from wgflow.domains import Box, Domain
from wgflow.measures import nodes_of_cells
from wgflow.plotting import save_figure
from wgflow.plotting.particle_maps import ParticleMap, particle_map_views
from wgflow.plotting.spikes import ring_spikes
from wgflow.plotting.style import styled_figure
from wgflow.problems import Problem
from wgflow.typing import FloatArray

ENDS = ((0.0, 2.0 * np.pi), (0.0, 2.0 * np.pi))
STRENGTHS = (0.0, 1.0, 4.0)
RADIUS, LEAST = 0.4, 2e-3  # of a spike; its share of the mass
PLACE_TOLERANCE, WEIGHT_TOLERANCE = 1e-3, 1e-2  # of the spikes found for lambda = 0
CERTIFIED = 1e-6  # largest duality gap over F at the start
T_COMPARED = 3.0
RISK_TOLERANCE, DISCREPANCY_TOLERANCE = {False: 0.1, True: 0.2}, {False: 0.08, True: 0.15}  # True: --quick


def at_end(flow: Trajectory, domain: Domain) -> Particles:
    """The measure at the last output as atoms."""
    if flow.has_particles:
        weight = flow.weight[-1]
        return Particles(flow.position[-1], weight, np.ones_like(weight))
    return nodes_of_cells(domain, flow.density[-1])


def shipped_spikes(problem: Problem) -> Particles:
    """The spikes to find."""
    if problem.spikes is None:
        raise InputError("the problem is no deconvolution")
    return problem.spikes


def on_flat_torus(measure: Particles) -> Particles:
    """Points on the product of two unit circles in R^4, where distances know of the periods 2 pi."""
    points = np.concatenate([np.cos(measure.points), np.sin(measure.points)], axis=1)
    return Particles(points, measure.weights, measure.signs)


def spike_errors(found: Particles, wanted: Particles) -> tuple[float, float]:
    """Largest error of a position and largest relative error of a weight, each spike with its nearest."""
    if len(found.weights) < len(wanted.weights):
        return np.inf, np.inf
    steps = found.points[None] - wanted.points[:, None]
    distances = np.linalg.norm(steps - 2.0 * np.pi * np.round(steps / (2.0 * np.pi)), axis=2)
    nearest = distances.argmin(axis=1)
    return float(distances.min(axis=1).max()), float(abs(found.weights[nearest] / wanted.weights - 1.0).max())


def check(name: str, passed: bool, text: str) -> bool:
    """Print a line of the table."""
    print(f"{'PASS' if passed else 'FAIL'}  {name}: {text}", flush=True)
    return passed


def recover(strength: float) -> tuple[bool, Trajectory, Problem]:
    """Follow the flow to its end and check what it found."""
    problem = open_problem("deconvolution", [f"problem.regularization={strength}"])
    started, begun = clock.perf_counter(), clock.process_time()
    flow = run(problem)
    seconds, busy = clock.perf_counter() - started, clock.process_time() - begun
    end, target = at_end(flow, problem.domain), shipped_spikes(problem)
    spikes = find_spikes(end, problem.domain, RADIUS, LEAST)
    certificate = Certifier(problem.functional, problem.domain).certify(end)
    print(f"lambda = {strength:g}: F = {flow.energy[-1]:.3e} in {seconds:.1f} s ({busy:.1f} s of processors); spikes:")
    for place, weight in zip(spikes.points, spikes.weights, strict=True):
        print(f"    {place[0]:9.6f} {place[1]:9.6f}   {weight:9.6f}")
    least = certificate.minimum.value
    relative = f", over lambda {least / strength:.1e}" if strength > 0.0 else ""
    text = f"gap {certificate.gap:.1e}, min J {least:.1e}{relative}"
    passed = check(f"certificate, lambda = {strength:g}", certificate.gap <= CERTIFIED * flow.energy[0], text)
    if strength == 0.0:
        place, weight = spike_errors(spikes, target)
        right = len(spikes.weights) == len(target.weights) and place <= PLACE_TOLERANCE and weight <= WEIGHT_TOLERANCE
        passed &= check("spikes, lambda = 0", right, f"positions to {place:.1e}, weights to {weight:.1e}")
    return passed, flow, problem


def compare(strength: float, *, quick: bool) -> bool:
    """Finite volumes against particles at the same time."""
    cells, count = (32, 256) if quick else (64, 1024)
    common = [f"problem.regularization={strength}", f"solver.t_end={T_COMPARED}", "output.snapshots=2"]
    box = open_problem("deconvolution", [*common, "solver.kind=finite_volume", f"domain.shape=[{cells},{cells}]"])
    grid = run(box)
    particles = ["solver.kind=particles", f"particles.count={count}", "particles.tolerance=1e-5"]
    cloud = run(open_problem("deconvolution", [*common, *particles]))
    first, second = at_end(grid, box.domain), at_end(cloud, box.domain)
    risk = float(abs(grid.risk[-1] - cloud.risk[-1]) / grid.risk[-1])
    distance = kernel_discrepancy(on_flat_torus(first), on_flat_torus(second)) / first.mass
    spikes = [find_spikes(measure, box.domain, RADIUS, 0.05) for measure in (first, second)]
    place, weight = spike_errors(spikes[0], spikes[1])
    text = f"risk {grid.risk[-1]:.4g} and {cloud.risk[-1]:.4g}, discrepancy over mass {distance:.1e}; "
    text += f"spikes apart by {place:.1e} (h = {2.0 * np.pi / cells:.2f}), weights by {weight:.1e}"
    passed = risk <= RISK_TOLERANCE[quick] and distance <= DISCREPANCY_TOLERANCE[quick]
    return check(f"{cells}^2 cells, {count} particles at t = {T_COMPARED:g}, lambda = {strength:g}", passed, text)


def signal(problem: Problem, points: FloatArray) -> FloatArray:
    """The signal k * nu of the spikes of the shipped problem at points (..., 2)."""
    spikes = shipped_spikes(problem)
    steps = points[..., None, :] - spikes.points
    return np.prod(1.0 + 2.0 * np.cos(steps) + 2.0 * np.cos(2.0 * steps), axis=-1) @ spikes.weights


def draw(flows: list[Trajectory], problems: list[Problem], path: Path) -> None:
    """Paths of the particles over the signal, for each lambda."""
    with styled_figure(3.6) as figure:
        for axes, flow, problem, strength in zip(figure.subplots(1, 3), flows, problems, STRENGTHS, strict=True):
            view, fine = particle_map_views(flow, problem)[0], Box(ENDS, (128, 128), periodic=True)
            image = signal(problem, fine.points).T
            axes.imshow(image, origin="lower", extent=(*ENDS[0], *ENDS[1]), cmap="Greys", alpha=0.6)
            shown = np.arange(len(flow.time))
            ParticleMap(axes, flow, view, shown).show(len(shown) - 1)
            ring_spikes(axes, problem, view.project)
            axes.set_title(rf"$\lambda = {strength:g}$")
        save_figure(figure, path)
    print(f"figure {path}")


def main() -> int:
    """Run all checks; 0 if each holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="compare on a coarse grid, for lambda = 1 only")
    parser.add_argument("--figure", type=Path, default=Path("deconvolution.png"), help="picture to write")
    options = parser.parse_args()
    results = [recover(strength) for strength in STRENGTHS]
    draw([flow for _, flow, _ in results], [problem for _, _, problem in results], options.figure)
    passed = [good for good, _, _ in results]
    passed += [compare(strength, quick=options.quick) for strength in ((1.0,) if options.quick else STRENGTHS)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
