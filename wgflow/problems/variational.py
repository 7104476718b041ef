"""The variational solver of a problem file: its functional, and particles or a density that move by its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wgflow.domains import Circle, Domain
from wgflow.errors import InputError
from wgflow.flows import Evolution
from wgflow.functionals import Features, Functional
from wgflow.measures import Particles
from wgflow.networks import Teacher, harmonic_population
from wgflow.normalised.flow import NormalisedFlow
from wgflow.problems.models import JkoSection, NormalisedSection
from wgflow.typing import FloatArray
from wgflow.variational import GridJkoFlow, JkoOptions, LinearisedJkoFlow, make_jko_flow


def make_variational_flow(
    section: JkoSection, domain: Domain, functional: Functional, start: Particles | FloatArray, **state: Any
) -> Evolution:
    """Prepare variational steps.

    Parameters
    ----------
    section : JkoSection
        The options.
    domain : Domain
        Where the measure lives.
    functional : Functional
        The functional F.
    start : Particles, or array of shape ``domain.shape``
        What moves: particles, or a density on the grid.
    **state
        ``transport``, ``reaction`` and ``time``, and of particles ``points`` and ``growth``.

    Raises
    ------
    InputError
        If an option is not allowed there.
    """
    chosen = section.model_dump(include={"tau", "growth", "order", "halve", "tolerance", "adapt"})
    options = JkoOptions(**chosen)
    if isinstance(start, Particles):
        return make_jko_flow(functional, start, domain, options, **state)
    if section.scheme == "linearised":
        return LinearisedJkoFlow(functional, domain, start, options=options, **state)
    return GridJkoFlow(functional, domain, start, options=options, **state)


def make_normalised_flow(
    section: NormalisedSection,
    domain: Domain,
    functional: Functional,
    density: FloatArray,
    fields: Mapping[str, FloatArray],
    *,
    time: float,
    **factors: Any,
) -> NormalisedFlow:
    """Prepare the flow of diverging mass, at a density, or where there are fields of a snapshot in its state."""
    options: dict[str, Any] = section.model_dump()
    flow = NormalisedFlow(functional, domain, density, **factors, **options)
    if fields:
        flow.go_on(time, fields)
    return flow


def population_of_modes(teacher: Teacher, domain: Domain, modes: int) -> Features:
    """Population risk by Fourier modes; raises InputError where the domain is not the circle of two inputs."""
    if not isinstance(domain.base, Circle) or teacher.directions.shape[1] != 2:
        raise InputError(
            f'[solver] kind = "jko" with data = "gaussian_teacher" is available for 2 inputs on the circle; found '
            f"{teacher.directions.shape[1]} inputs on the domain {domain.kind!r}. Choose another solver, or data"
        )
    return harmonic_population(teacher, modes)
