"""One problem of every kind, small enough for dense checks."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Circle, Signed
from wgflow.functionals import Features, Mass, Quadratic
from wgflow.networks import Population, Teacher
from wgflow.networks.relu import Relu

INPUTS = np.random.default_rng(5).normal(size=(9, 2))
SPATIAL_INPUTS = np.random.default_rng(6).normal(size=(9, 3))
LABELS = np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0])
VALUES = np.linspace(-1.0, 2.0, 9)


def waves(points):
    """Smooth features of the plane, given as a plain function."""
    return np.stack([np.sin(points[:, 0]), np.exp(0.5 * points[:, 1]), points[:, 0] * points[:, 1]], axis=-1)


TEACHER = Teacher.from_angles([0.5, 2.9, 4.9, 5.4], [1.0, -1.0, -0.5, 2.0])
SPATIAL_TEACHER = Teacher(np.array([[1.0, 0.2, -0.3], [0.0, -2.0, 1.0]]), np.array([1.0, -0.7]))

PLANAR = {
    "relu square": Features(Relu(INPUTS), VALUES),
    "relu logistic": Features(Relu(INPUTS), LABELS, "logistic"),
    "relu softmin": Features(Relu(INPUTS), LABELS, "softmin"),
    "rounded relu": Features(Relu(INPUTS, smoothing=0.3), VALUES),
    "quadratic": Quadratic([[1.0, 0.3], [0.3, 0.5]]),
    "plain function": Features(waves, [0.5, -1.0, 0.2]),
    "population": Population(TEACHER),
    "mass": Mass(0.7),
    "sum": Population(TEACHER) + Mass(0.7) + Features(Relu(INPUTS), LABELS, "logistic"),
}
SPATIAL = {
    "relu in space": Features(Relu(SPATIAL_INPUTS, smoothing=0.1), VALUES),
    "quadratic in space": Quadratic(np.diag([1.0, 0.5, 0.25])),
    "population in space": Population(SPATIAL_TEACHER),
}
# Softmin has a curvature bound in place of its Hessian.
WITH_EXACT_HESSIAN = {name: functional for name, functional in PLANAR.items() if name != "relu softmin"}
DOMAINS = {"circle": Circle(17), "signed circle": Signed(Circle(12))}


def random_density(domain, seed):
    return np.random.default_rng(seed).exponential(size=domain.shape)
