"""Small runs from Python, for `golden.py`: what problem files cannot say, and problems that ship."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import wgflow
from wgflow import (
    Box,
    Circle,
    Deconvolution,
    DirichletKernel,
    Entropy,
    Features,
    Interaction,
    JkoOptions,
    KernelDiscrepancy,
    Mass,
    Neurons,
    Particles,
    Population,
    Potential,
    PowerEnergy,
    Quadratic,
    Relu,
    Signed,
    SobolevDiscrepancy,
    Sphere,
    Teacher,
    Trajectory,
    ZonalInteraction,
)

from ._golden_table import Run

TIMES, END = (0.1, 0.2), 0.2
LINE, WALLED, TORUS = (
    Box([(-2.0, 2.0)], 24),
    Box([(-2.0, 2.0)] * 2, [12] * 2),
    Box([(0.0, 2.0 * math.pi)] * 2, [12] * 2, True),
)
INPUTS = np.arange(12.0).reshape(6, 2) * 5.0 % 7.0 / 3.5 - 1.0
TARGETS = np.array([0.5, -0.2, 0.1, 0.7, -0.4, 0.3])
LABELS = np.where(INPUTS[:, 0] > -0.2, 1.0, -1.0)
PLAIN_BOWL, SLOPED_BOWL = (
    Potential(lambda x: 0.5 * (x**2).sum(axis=-1)),
    Potential(lambda x: 0.5 * (x**2).sum(axis=-1), lambda x: x),
)
PLAIN = Interaction(lambda z: np.exp(-(z**2).sum(axis=-1)))
ZONAL = ZonalInteraction(lambda cosine: np.exp(cosine), gradient=lambda cosine: np.exp(cosine))
TEACHER = Teacher(np.array([[1.0, 0.2, 0.1], [-0.3, 1.0, 0.4]]), np.array([1.0, -0.5]))


def waves(x: Any) -> Any:
    """Own features without derivatives."""
    return np.concatenate([np.cos(1.7 * x), np.sin(2.0 * x)], axis=-1)


def own(domain: Any) -> Features:
    """The functional of own features on a domain."""
    return Features(waves, np.full(2 * domain.points.shape[-1], 0.4))


def bump(domain: Any) -> Any:
    """A density with values everywhere."""
    return np.exp(-2.0 * ((domain.points - 0.3) ** 2).sum(axis=-1)) + 0.01


def cloud(domain: Any, count: int = 16) -> Particles:
    """Particles of the bump."""
    return wgflow.draw_particles(domain, bump(domain), count, seed=5)


def solved(functional: Any, domain: Any, **options: Any) -> Run:
    """A run on a grid."""
    end = options.pop("end", END)
    return lambda folder: wgflow.solve(functional, domain, bump(domain), end, times=[0.5 * end, end], **options)  # noqa: ARG005


def simulated(functional: Any, particles: Callable[[], Particles], **options: Any) -> Run:
    """A run of particles."""
    given = {"tolerance": 1e-8, **options}
    return lambda folder: wgflow.simulate(functional, particles(), END, times=TIMES, **given)  # noqa: ARG005


def carried(build: Callable[[], Any]) -> Run:
    """A solver that is carried through the times by hand, with the numbers of each output."""

    def run(folder: Path) -> Trajectory:  # noqa: ARG001
        evolution = build()
        shots = [evolution.snapshot()]
        for time in TIMES:
            evolution.begin_interval(time)
            while evolution.time < time:
                evolution.step()
            shots.append(evolution.snapshot())
        names = ("step_size", "energy", "risk", "mass", "min_potential")
        scalars = {name: np.array([getattr(shot, name) for shot in shots]) for name in names}
        fields = {name: np.stack([shot.fields[name] for shot in shots]) for name in shots[0].fields}
        counts = {f"{name}_steps": getattr(evolution.counts, name) for name in ("accepted", "rejected")}
        attributes = {**counts, "evaluations": evolution.counts.evaluations}
        return Trajectory(np.array([0.0, *TIMES]), scalars, fields, None, attributes=attributes)

    return run


def drift(speed: float) -> Potential:
    """A potential that carries everything to one side."""
    return Potential(lambda x: -speed * x[..., 0])


def hyper(count: int = 16) -> Particles:
    """Directions in five dimensions."""
    return wgflow.draw_directions(wgflow.Hypersphere(5), 1.0, count, seed=2)


def neurons() -> Particles:
    """Pairs (a, b) with three inputs."""
    return wgflow.draw_balanced(inputs=3, mass=1.0, count=16, seed=0)


def thinner(count: int) -> Particles:
    """Evenly spread particles on the line."""
    return wgflow.draw_particles(LINE, bump(LINE), count, seed=0, method="equispaced")


def spikes(domain: Any) -> Particles:
    """Two spikes on the circle, or a torus of any dimension."""
    angles = np.array([1.0, 4.0])
    size = domain.points.shape[-1]
    points = (
        np.c_[np.cos(angles), np.sin(angles)] if domain.kind == "circle" else np.repeat(angles[:, None], size, axis=1)
    )
    return Particles(points, np.array([1.0, 0.6]), np.ones(2))


def grids() -> Iterator[tuple[str, Run]]:
    """Runs of `wgflow.solve`."""
    for name, domain in (
        ("box", WALLED),
        ("circle", Circle(24)),
        ("sphere", Sphere(42)),
        ("signed", Signed(Circle(20))),
    ):
        yield f"own features, {name}", solved(own(domain) + Mass(0.01), domain)
    yield "own features, order 5", solved(own(LINE), LINE, order=5)
    yield "interaction and bowl", solved(PLAIN + PLAIN_BOWL, WALLED)
    yield "interaction, order 5", solved(PLAIN + PLAIN_BOWL, WALLED, order=5)
    yield "interaction and entropy, tr_bdf2", solved(PLAIN + PLAIN_BOWL + Entropy(0.3), WALLED, stepper="tr_bdf2")
    yield "power 1.5, reaction", solved(PLAIN_BOWL + PowerEnergy(1.5, 0.2), WALLED, reaction=0.5)
    yield "zonal, circle", solved(ZONAL, Circle(24))
    yield "zonal, sphere", solved(ZONAL + Entropy(0.1), Sphere(42), reaction=0.0)
    yield "zonal, signed sphere", solved(ZONAL, Signed(Sphere(42)))
    yield (
        "network on a sphere",
        solved(Features(Relu(np.c_[INPUTS, np.ones(6)]), TARGETS), Sphere(162), velocity="midpoint"),
    )
    yield "logistic loss", solved(Features(Relu(INPUTS), LABELS, "logistic") + Mass(0.05), Signed(Circle(24)))
    yield "population, sphere", solved(Population(TEACHER), Signed(Sphere(162)))
    yield "quadratic with reaction", solved(Quadratic(np.diag([1.0, 0.5])), Circle(24), reaction=1.0, transport=0.5)
    yield "sobolev 0.5, torus", solved(SobolevDiscrepancy(np.ones(TORUS.shape), order=0.5), TORUS)
    yield "kernel to density", solved(KernelDiscrepancy(PLAIN, bump(WALLED)), WALLED)
    yield "kernel to samples", solved(KernelDiscrepancy(PLAIN, cloud(WALLED)), WALLED)
    yield "kernel on the circle", solved(KernelDiscrepancy(ZONAL, lambda x: 1.0 + 0.5 * x[..., 0]), Circle(24))
    for name, domain in (("torus", TORUS), ("circle", Circle(24))):
        yield (
            f"deconvolution, {name}",
            solved(Deconvolution(DirichletKernel(2), spikes(domain), domain), domain, reaction=1.0),
        )
    sampled = wgflow.SampledKernel(lambda x: np.exp(np.cos(x).sum(axis=-1)), 3)
    yield (
        "deconvolution, sampled kernel",
        solved(Deconvolution(sampled, spikes(TORUS), TORUS, noise=0.1, seed=4), TORUS),
    )
    gaussian = wgflow.PeriodicGaussian(0.8)
    signal = Deconvolution(gaussian, lambda x: 1.0 + np.cos(x[..., 0]), Box([(0.0, 6.0)], 24, True))
    yield "deconvolution of a signal", solved(signal, Box([(0.0, 6.0)], 24, True), reaction=1.0)


def courses() -> Iterator[tuple[str, Run]]:
    """Runs with walls, growth, limits and estimates."""
    yield "a box grows", solved(drift(4.0), LINE, grow=True, wall_warning=0.01, end=0.5)
    yield "a plane grows", solved(drift(3.0) + Entropy(0.1), WALLED, grow=True, wall_warning=0.05)
    yield (
        "a box grows, tr_bdf2",
        solved(drift(4.0) + Entropy(0.1), LINE, grow=True, wall_warning=0.01, stepper="tr_bdf2"),
    )
    yield "a wall warns", solved(drift(4.0), LINE, wall_warning=0.02, end=0.5)
    yield "stationary", solved(PLAIN_BOWL, LINE, stationarity=0.05, end=5.0)
    for name, domain in (("box", Box([(-2.0, 2.0)] * 2, [16, 16])), ("circle", Circle(32)), ("sphere", Sphere(642))):
        functional = PLAIN_BOWL if name == "box" else Quadratic(np.diag([1.0, 0.5, 0.3][: domain.points.shape[-1]]))
        yield f"estimate, {name}", solved(functional, domain, estimate=True)
    yield "estimate, order 5", solved(PLAIN_BOWL, Box([(-2.0, 2.0)], 48), order=5, estimate=True)
    yield "estimate, tr_bdf2", solved(PLAIN_BOWL + Entropy(0.2), LINE, stepper="tr_bdf2", estimate=True)
    yield "estimate, random particles", simulated(own(LINE), partial(cloud, LINE, 64), estimate=True)
    yield "estimate, even particles", simulated(own(LINE), partial(thinner, 64), estimate=True)
    yield "estimate, own particles", simulated(own(LINE), partial(thinner, 64), estimate=thinner)


def particles() -> Iterator[tuple[str, Run]]:
    """Runs of `wgflow.simulate`."""
    methods = {
        "adaptive": wgflow.Adaptive(1e-6),
        "rk4": wgflow.RungeKutta4(0.02),
        "descent": wgflow.Descent(0.02),
        "mirror": wgflow.Descent(0.02, multiplicative=True),
    }
    for name, method in methods.items():
        yield f"own features, particles, {name}", simulated(own(WALLED), partial(cloud, WALLED), method=method)
        yield f"zonal, hypersphere, {name}", simulated(ZONAL, hyper, method=method)
        yield (
            f"own features, signed circle, {name}",
            simulated(own(Circle(8)), partial(cloud, Signed(Circle(20))), method=method),
        )
    for name, order in (("1", 1), ("2", 2)):
        langevin = {"method": wgflow.Langevin(0.02, order=order, seed=7), "reaction": 0.0}
        for place, domain in (("box", WALLED), ("torus", TORUS), ("circle", Circle(24)), ("sphere", Sphere(42))):
            yield f"Langevin {name}, {place}", simulated(own(domain) + Entropy(0.2), partial(cloud, domain), **langevin)
        yield f"Langevin {name}, hypersphere", simulated(ZONAL + Entropy(0.2), hyper, **langevin)
    yield "Langevin, step found", simulated(SLOPED_BOWL + Entropy(0.2), partial(cloud, WALLED))
    yield "interaction, particles", simulated(PLAIN + PLAIN_BOWL, partial(cloud, WALLED))
    yield (
        "interaction, periods",
        simulated(Interaction(PLAIN.kernel, periods=[2.0 * math.pi] * 2), partial(cloud, TORUS)),
    )
    yield "kernel to samples, particles", simulated(KernelDiscrepancy(PLAIN, cloud(WALLED)), partial(cloud, WALLED, 12))
    yield (
        "deconvolution, particles",
        simulated(Deconvolution(DirichletKernel(2), spikes(TORUS), TORUS), partial(cloud, TORUS)),
    )
    space: dict[str, Any] = {"domain": wgflow.Space(4)}
    yield "population, space", simulated(Population(TEACHER), neurons, input_rate=2.0, **space)
    yield (
        "population, SGD",
        simulated(Population(TEACHER), neurons, method=wgflow.Descent(0.02, batch=8, seed=3), **space),
    )
    layer = wgflow.SmoothLayer(np.c_[INPUTS, np.ones(6)], "tanh")
    yield "smooth neurons, space", simulated(Features(Neurons(layer), TARGETS), neurons, **space)
    rounded = Features(Neurons(Relu(np.c_[INPUTS, np.ones(6)], smoothing=0.05)), TARGETS)
    yield "rounded neurons, SGD", simulated(rounded, neurons, method=wgflow.Descent(0.02, batch=2), **space)


def variational() -> Iterator[tuple[str, Run]]:
    """Solvers that are built by hand."""
    options, population = (
        JkoOptions(0.03, growth=0.1),
        wgflow.harmonic_population(Teacher(np.eye(2), np.array([1.0, -0.5])), 16),
    )
    factors: dict[str, Any] = {"transport": 1.0, "reaction": 0.5}
    for order in (1, 2):
        steps = JkoOptions(0.03, order=order, adapt=True)
        build: Callable[..., Any] = partial(wgflow.JkoFlow, own(LINE), cloud(LINE), options=steps, reaction=0.0)
        yield f"JkoFlow of order {order}", carried(build)
    for name, domain in (("line", LINE), ("circle", Signed(Circle(20))), ("sphere", Sphere(42))):
        functional = (
            own(domain) if name == "line" else population if name == "circle" else Quadratic(np.diag([1.0, 0.5, 0.3]))
        )
        build = partial(wgflow.make_jko_flow, functional + Mass(0.02), cloud(domain), domain, options, **factors)
        yield f"make_jko_flow, {name}", carried(build)
    for name, domain in (("line", LINE), ("plane", WALLED), ("circle", Signed(Circle(20))), ("sphere", Sphere(42))):
        for kind, energy in (("features", own(domain)), ("entropy", own(domain) + Entropy(0.2))):
            build = partial(wgflow.LinearisedJkoFlow, energy, domain, bump(domain), options=options, **factors)
            yield f"LinearisedJkoFlow, {name}, {kind}", carried(build)
    for loss in ("softmin", "logistic"):
        functional = Features(Relu(INPUTS), LABELS, loss)
        circle = Signed(Circle(24))
        build = partial(
            wgflow.NormalisedFlow, functional, circle, bump(circle), tau=0.05, growth=0.5, log_mass=2.0, order=1
        )
        yield f"NormalisedFlow, {loss}", carried(build)


def shipped() -> Iterator[tuple[str, Run]]:
    """Problems that ship, shortened."""
    small: Mapping[str, list[str]] = {
        "el_nino": ["domain.cells=24", "solver.t_end=1.0"],
        "penguins": ["domain.cells=42", "solver.t_end=0.5"],
        "clusters": ["domain.cells=42", "solver.t_end=20.0"],
        "keller_segel": ["domain.shape=[16, 16]", "solver.t_end=0.05"],
        "aggregation": ["domain.shape=[16, 16]", "solver.t_end=0.2"],
        "deconvolution": ["particles.count=16", "solver.t_end=1.0"],
        "network": ["particles.count=16", "solver.t_end=0.4"],
        "teacher_jko": ["particles.count=32", "solver.t_end=1.0"],
    }
    for name, settings in small.items():
        yield f"shipped {name}", partial(shortened, name, [*settings, "output.snapshots=3"])


def shortened(name: str, settings: list[str], folder: Path) -> Trajectory:  # noqa: ARG001
    """A problem that ships, with other settings."""
    return wgflow.run(wgflow.open_problem(name, settings))


def python_runs() -> Iterator[tuple[str, Run]]:
    """All runs from Python by name."""
    for group in (grids, courses, particles, variational, shipped):
        yield from group()
