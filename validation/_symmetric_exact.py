"""Errors of flows on half circles and half spheres against exact solutions, and against circle and sphere."""

from __future__ import annotations

import numpy as np

import wgflow
from wgflow import Circle, Features, HalfCircle, HalfSphere, Hypersphere, Particles, Population, Signed, Sphere, Teacher
from wgflow.exact import SymmetricQuadratic, gegenbauer_mode, linear_flow
from wgflow.functionals.losses import HALF_SQUARED_NORM
from wgflow.particles import Adaptive

MASS = 0.5


def quadratic_error(inputs: int, cells: int, order: int) -> float:
    """Relative L1 error at t = 1 of quadratic features to diag(1, .5/d, ..., .5/d)."""
    root, domain = np.sqrt(inputs - 1.0), HalfCircle(cells, inputs)
    exact = SymmetricQuadratic(inputs, 1.0, 0.5 / inputs, MASS)
    risk = Features(
        lambda x: np.column_stack([x[:, 0] ** 2, x[:, 1] ** 2 / root]),
        np.array([1.0, root * 0.5 / inputs]),
        HALF_SQUARED_NORM,
    )
    if order == 5:
        start, wanted = MASS * domain.uniform_density(domain.points), exact.density(domain.points, 1.0)
    else:
        start, wanted = MASS * domain.uniform, domain.averages(lambda x: exact.density(x, 1.0))
    found = wgflow.solve(risk, domain, start, 1.0, order=order, times=[1.0]).density[-1]
    return float(abs(found - wanted).sum() / wanted.sum())


def linear_error(inputs: int, cells: int) -> float:
    """Relative L1 error at t = 1 of J = .7 cos with beta = 4."""
    domain = HalfCircle(cells, inputs)
    flow = wgflow.solve(wgflow.Potential(lambda x: 0.7 * x[..., 0]), domain, domain.uniform, 1.0, times=[1.0])
    wanted = domain.averages(lambda x: linear_flow(x, 0.7, 4.0, inputs, 1.0))
    return float(abs(flow.density[-1] - wanted).sum() / wanted.sum())


def heat_error(inputs: int, degree: int, cells: int) -> float:
    """Relative error of the amplitude of a Gegenbauer mode after half of its decay time."""
    domain, rate = HalfCircle(cells, inputs), degree * (degree + inputs - 2)
    mode = gegenbauer_mode(domain.points, degree, inputs)
    # Where the uniform measure lives, large amplitudes leave round-off behind; the density stays positive.
    lived = domain.uniform > 1e-8 * domain.uniform.max()
    start = domain.uniform * np.maximum(1.0 + 0.5 * mode / abs(mode[lived]).max(), 0.5)
    heat, end = wgflow.Entropy(1.0), 0.5 / rate
    flow = wgflow.solve(heat, domain, start, end, times=[end], reaction=0.0, stepper="tr_bdf2", tolerance=1e-8)
    ratio = mode @ (flow.density[-1] - domain.uniform) / (mode @ (start - domain.uniform))
    return float(ratio * np.exp(0.5) - 1.0)


def circle_difference(cells: int) -> float:
    """Largest difference of the risks in two inputs on the half circle and on the circle."""
    half, circle = HalfCircle(cells, 2), Signed(Circle(2 * cells))
    risk = Population(Teacher(np.eye(1, 2), np.ones(1)))
    folded = wgflow.solve(risk, Signed(half), np.stack([0.5 * half.uniform] * 2), 5.0, times=[1.0, 5.0])
    whole = wgflow.solve(risk, circle, np.full(circle.shape, 0.25 / np.pi), 5.0, times=[1.0, 5.0])
    return float(abs(folded.risk - whole.risk).max())


def sphere_difference(cells: int) -> float:
    """Largest difference of the risks in three inputs with two teacher neurons on the half sphere and on the sphere."""
    directions = np.array([[1.0, 0.0, 0.0], [np.cos(1.0), np.sin(1.0), 0.0]])
    teacher = Teacher(directions, np.array([1.0, -0.5]))
    half, sphere = HalfSphere(cells, 3), Signed(Sphere(cells))
    exact = Population(teacher, tolerance=1e-9)
    folded = wgflow.solve(exact, Signed(half), np.stack([0.5 * half.uniform] * 2), 3.0, times=[1.0, 3.0])
    whole = wgflow.solve(Population(teacher), sphere, np.full(sphere.shape, 0.125 / np.pi), 3.0, times=[1.0, 3.0])
    return float(abs(folded.risk - whole.risk).max())


def orbit_difference(copies: int) -> float:
    """Difference of F at t = 1 of 12 reduced particles in three inputs, and of as many orbits of rotated copies."""
    generator = np.random.default_rng(0)
    teacher, method = Teacher(np.eye(1, 3), np.ones(1)), Adaptive(1e-12)
    angles, signs = np.pi * (np.arange(12) + generator.random(12)) / 12.0, np.where(np.arange(12) % 2, -1.0, 1.0)
    reduced, weights = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.full(12, 1.0 / 12.0)
    turns = 2.0 * np.pi * np.arange(copies) / copies
    ring = np.stack([np.ones(copies), np.cos(turns), np.sin(turns)], axis=1)
    points = (reduced[:, [0, 1, 1]][:, None, :] * ring).reshape(-1, 3)
    orbits = Particles(points, np.repeat(weights, copies) / copies, np.repeat(signs, copies), Signed(Hypersphere(3)))
    alone = Particles(reduced, weights, signs, Signed(HalfCircle(8, 3)))
    runs = [wgflow.simulate(Population(teacher), cloud, 1.0, times=[1.0], method=method) for cloud in (alone, orbits)]
    return float(abs(runs[0].risk[-1] - runs[1].risk[-1]))
