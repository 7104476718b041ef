"""Networks of finite width in R^d beside the infinitely wide one on a half circle or half sphere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import wgflow
from wgflow import HalfCircle, HalfSphere, Hypersphere, Link, Particles, Population, Signed, Teacher
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.networks.orbit_kernel import OrbitKernel
from wgflow.networks.population import arc_cosine_sums
from wgflow.networks.symmetric_population import frame_on
from wgflow.particles import Descent, Method, RungeKutta4
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

SUCCESS = 1e-3  # of the population risk


class Risks(NamedTuple):
    """Population risks (T,) at times."""

    time: FloatArray
    risk: FloatArray


def pair(inputs: int, angle: float | None, second: float = 1.0) -> Teacher:
    """One teacher neuron, or two at an angle, the second one of another output weight."""
    axes = np.eye(2, inputs)
    if angle is None:
        return Teacher(axes[:1], np.ones(1))
    turned = np.cos(angle) * axes[0] + np.sin(angle) * axes[1]
    return Teacher(np.stack([axes[0], turned]), np.array([1.0, second]))


def infinite_width(target: Teacher | Link, cells: int, times: FloatArray) -> Trajectory:
    """The flow from the uniform measure of mass 1, half on each sheet, on the domain that the target asks for."""
    domain: SymmetricDomain = (HalfCircle if len(target.frame) == 1 else HalfSphere)(cells, target.inputs)
    start = np.stack([0.5 * domain.uniform] * 2)
    return wgflow.solve(Population(target), Signed(domain), start, float(times[-1]), times=times)


def finite_width(
    target: Teacher | Link, count: int, seed: int, times: FloatArray, method: Method | None = None
) -> Trajectory:
    """Neurons that begin at random in R^d."""
    domain = Signed(Hypersphere(target.inputs))
    start = wgflow.draw_directions(domain, 1.0, count, seed)
    return wgflow.simulate(Population(target), start, float(times[-1]), times=times, method=method)


def descent_risks(
    target: Teacher, count: int, seed: int, times: FloatArray, step: float, batch: int | None
) -> FloatArray:
    """Population risks at times along gradient descent on it, or with a batch on fresh samples (SGD), shape (T,)."""
    method = Descent(step, batch, seed) if batch else Descent(step)
    return np.asarray(finite_width(target, count, seed, times, method).risk[1:])


def squared_distance(students: Particles, flow: Trajectory) -> float:
    """The mean of (h_m - h)^2 over Gaussian inputs, of particles in R^d and the end of a flow on a half domain."""
    cells, risk = flow.measure(-1), flow.functional
    domain = None if flow.domain is None else flow.domain.base
    if not (isinstance(domain, SymmetricDomain) and isinstance(risk, Population)):
        raise InputError("this distance is for flows of a population risk on half circles and half spheres")
    charges = students.weights * students.signs
    net = (cells.weights * cells.signs).reshape(2, -1).sum(axis=0)
    kernel, images = (
        OrbitKernel(domain.inputs, domain.kept),
        domain.reduced(students.points, frame_on(risk.teacher, domain)),
    )
    own = charges @ arc_cosine_sums(students.points, students.points, charges)[0]
    cross = charges @ kernel.sums(images, domain.points, net)[0]
    factor = risk.kernel_on(domain).factor
    return float(own - 2.0 * cross + ((net @ factor) ** 2).sum())


def distances_of(seed: int, *, inputs: int, widths: tuple[int, ...]) -> FloatArray:
    """Squared distances of predictors at t = 1 between students of some widths and the flow, shape (widths,)."""
    target, time = pair(inputs, None), np.array([1.0])
    flow = infinite_width(target, 512, time)
    students = (finite_width(target, width, seed, time, RungeKutta4(0.5)).measure(-1) for width in widths)
    return np.array([squared_distance(student, flow) for student in students])


def exponent_of(widths: tuple[int, ...], distances: FloatArray) -> float:
    """Exponent with which distances, shape (widths,), depend on the width."""
    return float(np.polyfit(np.log(widths), np.log(distances), 1)[0])


def crossing(flow: Risks | Trajectory, level: float) -> float:
    """Time at which the risk falls to a level, between outputs by the logarithm; infinite if it does not."""
    below = np.flatnonzero(flow.risk <= level)
    if below.size == 0:
        return float("inf")
    k = int(below[0])
    before, after = np.log(flow.risk[k - 1 : k + 1])
    return float(flow.time[k - 1] + (before - np.log(level)) / (before - after) * (flow.time[k] - flow.time[k - 1]))


def floor(link: Link, cells: int) -> float:
    """Least risk over all measures of both signs on the half circle, by least squares in the features of the kernel."""
    domain = HalfCircle(cells, link.inputs)
    factor = Population(link, tolerance=1e-12).kernel_on(domain).factor
    wanted = link.potential(domain.points)[0]
    coefficients = np.linalg.lstsq(factor, wanted, rcond=1e-7)[0]
    return float(0.5 * (link.second_moment - coefficients @ coefficients))
