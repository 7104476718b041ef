"""Sparse deconvolution on the 2-torus: spikes found by the flow, their certificate, and grid against particles.

Three spikes are recovered from their convolution with a Dirichlet kernel of two frequencies, for lambda = 0, 1 and 4,
by the flow of 64 particles in variational steps to t = 10^4. For lambda = 0 the spikes must be those of the signal; for
all lambda the certificate must close: J = lambda + <k, k * nu - y> is nowhere below 0, where round-off counts. At t = 3
finite volumes on a grid are compared with particles: risk, kernel discrepancy and spikes.

Source: Chizat, Sparse optimization on measures with over-parameterized gradient descent, Math. Program. 194 (2022).
"""

from __future__ import annotations

import time as clock
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wgflow import InputError, Particles, Trajectory, find_spikes, open_problem, run
from wgflow.analysis.metrics import kernel_discrepancy
from wgflow.analysis.optimality.certificates import Certifier
from wgflow.app.validation import Row, Setting, agrees, measured, within
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


def at_end(trajectory: Trajectory, domain: Domain) -> Particles:
    """The measure at the last output as atoms."""
    if trajectory.has_particles:
        weight = trajectory.weight[-1]
        return Particles(trajectory.position[-1], weight, np.ones_like(weight))
    return nodes_of_cells(domain, trajectory.density[-1])


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


@dataclass(frozen=True)
class Recovery:
    """A flow to its end, and the processor seconds that it took."""

    strength: float
    problem: Problem
    trajectory: Trajectory
    seconds: float


def recover(strength: float) -> Recovery:
    """Follow the flow for one lambda."""
    problem = open_problem("deconvolution", [f"problem.regularization={strength}"])
    started = clock.process_time()
    trajectory = run(problem)
    return Recovery(strength, problem, trajectory, clock.process_time() - started)


def rows_of(found: Recovery) -> Iterator[Row]:
    """What a flow has found at its end."""
    problem, trajectory, what = found.problem, found.trajectory, f"three spikes, lambda = {found.strength:g}"
    end = at_end(trajectory, problem.domain)
    certificate = Certifier(problem.functional, problem.domain).certify(end)
    beside = f"F {trajectory.energy[-1]:.3e}, min J {certificate.minimum.value:.1e}"
    yield within(f"{what}: duality gap over F at the start", certificate.gap / trajectory.energy[0], CERTIFIED, beside)
    spikes = find_spikes(end, problem.domain, RADIUS, LEAST)
    listed = "; ".join(
        f"{weight:.6f} at {place[0]:.6f}, {place[1]:.6f}"
        for place, weight in zip(spikes.points, spikes.weights, strict=True)
    )
    if found.strength == 0.0:
        target = shipped_spikes(problem)
        place, weight = spike_errors(spikes, target)
        yield agrees(f"{what}: spikes that are found", len(spikes.weights), len(target.weights), listed)
        yield within(f"{what}: error of their positions", place, PLACE_TOLERANCE).quote()
        yield within(f"{what}: relative error of their weights", weight, WEIGHT_TOLERANCE).quote()
    else:
        yield measured(f"{what}: spikes that are found", len(spikes.weights), listed)
    yield measured(f"{what}: processor seconds", found.seconds).quote()


def compare(strength: float, *, quick: bool) -> Iterator[Row]:
    """Finite volumes against particles at the same time."""
    cells, count = (32, 256) if quick else (64, 1024)
    common = [f"problem.regularization={strength}", f"solver.t_end={T_COMPARED}", "output.snapshots=2"]
    box = open_problem("deconvolution", [*common, "solver.kind=finite_volume", f"domain.shape=[{cells},{cells}]"])
    grid = run(box)
    particles = ["solver.kind=particles", f"particles.count={count}", "particles.tolerance=1e-5"]
    cloud = run(open_problem("deconvolution", [*common, *particles]))
    first, second = at_end(grid, box.domain), at_end(cloud, box.domain)
    what = f"{cells}^2 cells, {count} particles at t = {T_COMPARED:g}, lambda = {strength:g}"
    risk = abs(grid.risk[-1] - cloud.risk[-1]) / grid.risk[-1]
    risks = f"{grid.risk[-1]:.4g} and {cloud.risk[-1]:.4g}"
    yield within(f"{what}: relative difference of the risks", risk, RISK_TOLERANCE[quick], risks)
    distance = kernel_discrepancy(on_flat_torus(first), on_flat_torus(second)) / first.mass
    spikes = [find_spikes(measure, box.domain, RADIUS, 0.05) for measure in (first, second)]
    place, weight = spike_errors(spikes[0], spikes[1])
    apart = f"spikes apart by {place:.1e} (h = {2.0 * np.pi / cells:.2f}), weights by {weight:.1e}"
    yield within(f"{what}: kernel discrepancy over the mass", distance, DISCREPANCY_TOLERANCE[quick], apart)


def signal(problem: Problem, points: FloatArray) -> FloatArray:
    """The signal k * nu of the spikes of the shipped problem at points (..., 2)."""
    spikes = shipped_spikes(problem)
    steps = points[..., None, :] - spikes.points
    return np.prod(1.0 + 2.0 * np.cos(steps) + 2.0 * np.cos(2.0 * steps), axis=-1) @ spikes.weights


def draw(found: Sequence[Recovery], path: Path) -> None:
    """Paths of the particles over the signal, for each lambda."""
    with styled_figure(3.6) as figure:
        for axes, one in zip(np.atleast_1d(figure.subplots(1, len(found))), found, strict=True):
            view, fine = particle_map_views(one.trajectory, one.problem)[0], Box(ENDS, (128, 128), periodic=True)
            image = signal(one.problem, fine.points).T
            axes.imshow(image, origin="lower", extent=(*ENDS[0], *ENDS[1]), cmap="Greys", alpha=0.6)
            shown = np.arange(len(one.trajectory.time))
            ParticleMap(axes, one.trajectory, view, shown).show(len(shown) - 1)
            ring_spikes(axes, one.problem, view.project)
            axes.set_title(rf"$\lambda = {one.strength:g}$")
        save_figure(figure, path)


def validate(setting: Setting) -> Iterator[Row]:
    """Recover spikes for each lambda, and compare solvers; quick, these on a coarse grid and for lambda = 1 only."""
    found = []
    for strength in STRENGTHS:
        found.append(recover(strength))
        yield from rows_of(found[-1])
    for strength in (1.0,) if setting.quick else STRENGTHS:
        yield from compare(strength, quick=setting.quick)
    draw(found, setting.file())
