"""The particle solver of a problem file: the flow, its time-stepping method, and the times that it can meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.functionals import Functional
from wgflow.measures import Particles
from wgflow.particles import Adaptive, Descent, Langevin, Method, ParticleFlow, RungeKutta4
from wgflow.particles.flows import make_particle_flow as particle_flow
from wgflow.problems.models import ParticlesSection
from wgflow.typing import FloatArray


def make_particle_flow(
    section: ParticlesSection, domain: Domain, functional: Functional, particles: Particles, seed: int, **state: Any
) -> ParticleFlow:
    """Prepare the particle solver.

    Parameters
    ----------
    section : ParticlesSection
        The options.
    domain : Domain
        Where the particles live; it decides between the Cartesian and the polar form.
    functional : Functional
        The functional F.
    particles : Particles
        Start.
    seed : int
        Seed of noise and of the samples of stochastic descent.
    **state
        ``transport``, ``reaction``, ``time``, ``points`` and ``growth`` of `ParticleFlow`.

    Raises
    ------
    InputError
        If an option is not allowed there.
    """
    geometry = domain.geometry
    if geometry.dimension < geometry.components and section.input_rate != 1.0:
        raise InputError(
            f"[particles] input_rate = {section.input_rate:g} needs pairs (a, b), which live in a box or in space; the "
            f"domain is {domain.kind!r}"
        )
    method = make_method(section, seed)
    return particle_flow(functional, particles, domain, method=method, input_rate=section.input_rate, **state)


def make_method(section: ParticlesSection, seed: int) -> Method:
    """Choose the time-stepping method."""
    if section.method == "adaptive" or section.step is None:
        return Adaptive(section.tolerance)
    if section.method == "rk4":
        return RungeKutta4(section.step)
    if section.method == "langevin":
        return Langevin(section.step, section.batch or None, seed)
    return Descent(section.step, section.batch or None, seed, multiplicative=section.method == "mirror")


def multiples_of_step(section: ParticlesSection, times: FloatArray) -> FloatArray:
    """Output times moved to the nearest later multiples of the step, where steps are equal.

    Raises
    ------
    InputError
        If the last time is no multiple of the step.
    """
    if section.method == "adaptive" or section.step is None:
        return times
    step, t_end = section.step, times[-1]
    steps = np.ceil(times / step * (1.0 - 1e-12))
    if abs(steps[-1] * step - t_end) > 1e-9 * t_end:
        raise InputError(
            f"[particles] step = {step:g} does not divide [solver] t_end = {t_end:g}; allowed is t_end = "
            f"{steps[-1] * step:g}, or a step of t_end over an integer"
        )
    return np.unique(np.minimum(steps * step, t_end))
