"""Whether particles are a measure on a domain: asked before any work, as nothing later would notice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wgflow.domains import Domain
from wgflow.domains.geometry import UnitSphere
from wgflow.errors import InputError
from wgflow.measures.particles import Particles, require_particles
from wgflow.typing import FloatArray


def check_particles(particles: Particles) -> Particles:
    """Give the particles; raises InputError unless they are a nonzero measure of finite numbers."""
    require_particles(particles)
    points, weights, signs = particles.points, particles.weights, particles.signs
    _check_each(np.atleast_1d(np.isfinite(points).all(axis=1)), "the point", points, "finite components")
    _check_each(np.isfinite(weights), "the weight", weights, "finite weights >= 0")
    _check_each(weights >= 0.0, "the weight", weights, "finite weights >= 0")
    _check_each(np.isin(signs, (-1.0, 1.0)), "the sign", signs, "+1 and -1")
    if particles.mass == 0.0:
        raise InputError("the initial particles have no mass; give weights >= 0 that are not all zero")
    return particles


def check_placement(particles: Particles, domain: Domain) -> None:
    """Raise InputError unless particles are a measure on a domain.

    Points lie between the walls of a box; beyond the ends of a periodic axis they stand for those inside. They are unit
    vectors on circle and spheres, to 1e-10. Signs are +1 where the domain has one sheet.

    Parameters
    ----------
    particles : Particles
        What is to live there.
    domain : Domain
        Circle, sphere, box or a domain without grid, also signed.
    """
    check_particles(particles)
    points, base, needed = particles.points, domain.base, domain.geometry.components
    if points.shape[1] != needed:
        raise InputError(
            f"particles with points of {points.shape[1]} components do not fit {domain!r}; it needs {needed}"
        )
    if domain.sheets == 1:
        _check_each(particles.signs > 0.0, "the sign", particles.signs, f"+1 on the unsigned {domain!r}")
    for requirement in base.geometry.requirements(points):
        _check_each(*requirement)


def check_directions(points: FloatArray) -> None:
    """Raise InputError unless points (m, p) are unit vectors."""
    for requirement in UnitSphere(points.shape[1]).requirements(points):
        _check_each(*requirement)


def known_domain(particles: Particles, domain: Domain | None) -> Domain:
    """Where particles live: on a domain that is named, else on the one that they remember.

    Raises
    ------
    InputError
        If neither is known, or they are different sets.
    """
    require_particles(particles)
    known, components = particles.domain, particles.points.shape[1]
    if domain is None and known is None:
        raise InputError(
            f"the particles remember no domain; give domain = Space({components}) for points of R^{components}, or the "
            "Circle, Sphere, Hypersphere or Box that they live on, Signed where they have signs"
        )
    if domain is None or known is None:
        return domain or known  # type: ignore[return-value]
    if _set_of(domain) != _set_of(known):
        raise InputError(
            f"domain = {domain!r} is not where the particles live, {known!r}; leave it out, or give "
            "Particles(points, weights, signs) that fit it"
        )
    return domain


def _set_of(domain: Domain) -> tuple[object, ...]:
    """What domains have in common that are grids, or walls, of one set."""
    return domain.sheets, domain.geometry


def _check_each(fits: NDArray[np.bool_], what: str, values: FloatArray, allowed: str) -> None:
    """Raise InputError with the number and the value of the first particle that does not fit."""
    if not fits.all():
        first = int(np.argmin(fits))
        raise InputError(
            f"{what} of the initial particle {first} is {np.asarray(values[first]).tolist()}; allowed are {allowed}"
        )
