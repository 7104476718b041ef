"""Initial measures of problem files: densities in closed form, represented on a grid or drawn as particles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from wgflow.domains import Box, Circle, Domain, Hypersphere, Space, Sphere, total_mass
from wgflow.domains.base import Density
from wgflow.domains.gridless import Gridless
from wgflow.domains.quadrature import cell_averages
from wgflow.errors import InputError
from wgflow.exact.quadratic import AngularGaussian
from wgflow.measures import Particles, draw_gaussian, draw_particles
from wgflow.measures.directions import draw_balanced, draw_directions
from wgflow.problems.models import (
    AngularGaussianInitial,
    BalancedInitial,
    GaussianInitial,
    MixtureInitial,
    UniformInitial,
    VonMisesFisherInitial,
)
from wgflow.typing import FloatArray

ClosedForm = (
    UniformInitial | AngularGaussianInitial | GaussianInitial | BalancedInitial | VonMisesFisherInitial | MixtureInitial
)
Representation = Callable[[Domain, Density], FloatArray]


def initial_averages(initial: ClosedForm, domain: Domain, represent: Representation = cell_averages) -> FloatArray:
    """Cell averages of an initial measure, shape ``domain.shape``; on signed domains half on each sheet.

    Parameters
    ----------
    initial : section
        The section of the problem file.
    domain : Domain
        Where the measure lives.
    represent : callable
        `cell_averages`, or `point_values` for the high-order mode.

    Raises
    ------
    InputError
        If the measure does not live on the domain or has another dimension.
    """
    if isinstance(initial, MixtureInitial):
        return np.sum([initial_averages(part, domain, represent) for part in initial.components], axis=0)
    if isinstance(initial, UniformInitial) and not isinstance(domain.base, Gridless):
        return np.full(domain.shape, initial.mass / domain.volumes.sum())
    values = represent(domain.base, closed_form(initial, domain.base))
    if isinstance(initial, GaussianInitial):
        values *= initial.mass / _mass_inside(initial, domain.base, values)
    return np.broadcast_to(values / domain.sheets, domain.shape).copy()


def initial_particles(initial: ClosedForm, domain: Domain, count: int, method: str) -> Particles:
    """Particles of an initial measure: of its closed form where there is one to draw from, else of its cell averages.

    Raises
    ------
    InputError
        If the measure does not live on the domain, and as `wgflow.draw_particles` does.
    """
    base, seed = domain.base, initial.seed
    if isinstance(initial, GaussianInitial) and isinstance(base, Box | Space) and domain.sheets == 1:
        drawn = draw_gaussian(_covariance(initial, base), _mean(initial, base), initial.mass, count, seed, method)
        return replace(drawn, domain=domain)
    if isinstance(initial, BalancedInitial) and isinstance(base, Space):
        return draw_balanced(base.dimension - 1, initial.mass, count, seed, method)
    if isinstance(initial, UniformInitial) and isinstance(base, Hypersphere):
        return draw_directions(domain, initial.mass, count, seed, method)
    return draw_particles(domain, initial_averages(initial, domain), count, seed, method)


def closed_form(initial: ClosedForm, base: Domain) -> Density:
    """Density of an initial measure on an unsigned domain; raises InputError if it does not live there."""
    round_domain = isinstance(base, Circle | Sphere)
    if isinstance(initial, GaussianInitial) and isinstance(base, Box):
        return _gaussian(_covariance(initial, base), _mean(initial, base))
    if isinstance(initial, AngularGaussianInitial) and round_domain:
        return AngularGaussian(_covariance(initial, base))
    if isinstance(initial, VonMisesFisherInitial) and round_domain:
        return _von_mises_fisher(initial, base)
    raise InputError(f"[initial] kind = {initial.kind!r} is not available on the domain {base.kind!r}")


def _covariance(initial: AngularGaussianInitial | GaussianInitial, base: Domain) -> FloatArray:
    needed = base.points.shape[-1]
    matrix = (
        initial.covariance * np.eye(needed) if isinstance(initial.covariance, float) else np.array(initial.covariance)
    )
    if matrix.shape != (needed, needed):
        raise InputError(f"[initial] covariance has {len(matrix)} rows; the domain needs {needed} x {needed}")
    if not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix).min() <= 0.0:
        raise InputError(
            f"[initial] covariance = {matrix.tolist()} is not allowed; give a symmetric positive definite matrix"
        )
    return matrix


def _mean(initial: GaussianInitial, base: Domain) -> FloatArray:
    needed = base.points.shape[-1]
    centre = np.zeros(needed) if initial.mean is None else np.array(initial.mean)
    if centre.shape != (needed,):
        raise InputError(f"[initial] mean has {centre.size} entries; the domain needs {needed}")
    return centre


def _gaussian(covariance: FloatArray, mean: FloatArray) -> Density:
    inverse = np.linalg.inv(covariance)
    scale = (2.0 * np.pi) ** (-0.5 * len(mean)) / np.sqrt(np.linalg.det(covariance))

    def density(points: FloatArray) -> FloatArray:
        form = np.einsum("...i,ij,...j->...", points - mean, inverse, points - mean)
        return scale * np.exp(-0.5 * form)

    return density


def _mass_inside(initial: GaussianInitial, base: Domain, values: FloatArray) -> float:
    """Mass of a Gaussian in its box, which is then scaled to hold exactly what was asked for."""
    inside = total_mass(base, values)
    if not inside > 0.0:
        raise InputError(f"[initial] mean = {initial.mean} puts the Gaussian outside the box; move it inside")
    return inside


def _von_mises_fisher(initial: VonMisesFisherInitial, base: Domain) -> Density:
    from scipy.special import i0e

    direction, needed = np.array(initial.direction), base.points.shape[-1]
    length = np.linalg.norm(direction)
    if direction.shape != (needed,) or length == 0.0:
        raise InputError(
            f"[initial] direction = {initial.direction} is not allowed; give {needed} numbers that are not all zero"
        )
    k = initial.concentration
    if needed == 2:
        largest = float(1.0 / (2.0 * np.pi * i0e(k)))
    else:
        largest = float(k / (2.0 * np.pi * -np.expm1(-2.0 * k))) if k > 0.0 else 1.0 / (4.0 * np.pi)
    return lambda points: initial.mass * largest * np.exp(k * (points @ (direction / length) - 1.0))
