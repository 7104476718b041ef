"""The particle system of each domain."""

from __future__ import annotations

from typing import Any

from wgflow.dispatch import DomainTable
from wgflow.domains import Circle, Domain, HalfCircle, HalfSphere, Hypersphere, Sphere
from wgflow.functionals import Functional
from wgflow.measures import Particles
from wgflow.particles.polar import PolarFlow
from wgflow.particles.system import ParticleFlow

PARTICLE_FLOWS = DomainTable[type[ParticleFlow]](
    "a particle system",
    {
        Circle: PolarFlow,
        Sphere: PolarFlow,
        HalfCircle: PolarFlow,
        HalfSphere: PolarFlow,
        Hypersphere: PolarFlow,
        object: ParticleFlow,
    },
)


def make_particle_flow(functional: Functional, particles: Particles, domain: Domain, **options: Any) -> ParticleFlow:
    """Prepare particles on a domain: in polar form on unit spheres, else with positions in R^p.

    Parameters
    ----------
    functional : Functional
        The functional F.
    particles : Particles
        Start.
    domain : Domain
        Where the particles live.
    **options
        Those of `ParticleFlow`, other than its geometry.

    Raises
    ------
    InputError
        If an argument is not allowed.
    """
    flow = PARTICLE_FLOWS.on(domain)
    if flow is ParticleFlow:
        options["geometry"] = domain.geometry
    return flow(functional, particles, **options)
