"""Initial measures: cell averages of densities given in closed form."""

from __future__ import annotations

import itertools

import numpy as np

from wgflow.domains import Box, Circle, Domain, Sphere
from wgflow.errors import InputError
from wgflow.problems.exact import AngularGaussian
from wgflow.problems.models import AngularGaussianInitial, GaussianInitial, UniformInitial
from wgflow.typing import FloatArray

CIRCLE_POINTS = 8  # Gauss points per cell: averages of smooth densities to round-off
BOX_POINTS = 3  # and per axis of a cell, error of the sixth order


def initial_averages(initial: UniformInitial | AngularGaussianInitial | GaussianInitial, domain: Domain) -> FloatArray:
    """Cell averages of an initial measure, shape ``domain.shape``; on signed domains half on each sheet.

    Raises
    ------
    InputError
        If the measure does not live on the domain or has another dimension.
    """
    if isinstance(initial, UniformInitial):
        return np.full(domain.shape, initial.mass / domain.volumes.sum())
    base, covariance = domain.base, np.array(initial.covariance)
    if covariance.shape != (base.points.shape[-1],) * 2:
        needed = base.points.shape[-1]
        raise InputError(f"[initial] covariance has {len(covariance)} rows; the domain needs {needed} x {needed}")
    if isinstance(initial, AngularGaussianInitial) and isinstance(base, Circle):
        averages = _average_on_circle(base, AngularGaussian(covariance))
    elif isinstance(initial, AngularGaussianInitial) and isinstance(base, Sphere):
        averages = base.averages(AngularGaussian(covariance))
    elif isinstance(initial, GaussianInitial) and isinstance(base, Box):
        averages = _average_gaussian(base, covariance, initial.mean, initial.mass)
    else:
        raise InputError(f"[initial] kind = {initial.kind!r} is not available on the domain {domain.kind!r}")
    return np.broadcast_to(averages / domain.sheets, domain.shape).copy()


def _average_on_circle(circle: Circle, density: AngularGaussian) -> FloatArray:
    nodes, weights = np.polynomial.legendre.leggauss(CIRCLE_POINTS)
    angles = circle.angles[:, None] + 0.5 * circle.spacing * nodes
    return density(np.stack([np.cos(angles), np.sin(angles)], axis=-1)) @ (0.5 * weights)


def _average_gaussian(box: Box, covariance: FloatArray, mean: list[float] | None, mass: float) -> FloatArray:
    """Averages of a Gaussian, scaled so that the box holds exactly the mass."""
    centre = np.zeros(len(covariance)) if mean is None else np.array(mean)
    if centre.shape != (len(covariance),):
        raise InputError(f"[initial] mean has {centre.size} entries; the domain needs {len(covariance)}")
    if not np.allclose(covariance, covariance.T) or np.linalg.eigvalsh(covariance).min() <= 0.0:
        raise InputError(
            f"[initial] covariance = {covariance.tolist()} is not allowed; give a symmetric positive definite matrix"
        )
    inverse = np.linalg.inv(covariance)
    nodes, weights = np.polynomial.legendre.leggauss(BOX_POINTS)
    averages = np.zeros(box.shape)
    for chosen in itertools.product(range(BOX_POINTS), repeat=len(centre)):
        offset = 0.5 * np.array(box.spacing) * nodes[list(chosen)]
        points = box.points + (offset - centre)
        averages += np.prod(0.5 * weights[list(chosen)]) * np.exp(
            -0.5 * np.einsum("...i,ij,...j->...", points, inverse, points)
        )
    total = float((averages * box.volumes).sum())
    if total == 0.0:
        raise InputError(f"[initial] mean = {centre.tolist()} puts the Gaussian outside the box; move it inside")
    return averages * (mass / total)
