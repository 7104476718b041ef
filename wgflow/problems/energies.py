"""From the terms of an energy in a problem file to its functional, on a domain and for a solver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wgflow.domains import Box, Circle, Domain, Hypersphere, Sphere
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.errors import InputError
from wgflow.functionals import (
    Entropy,
    Functional,
    Interaction,
    KernelDiscrepancy,
    PowerEnergy,
    SobolevDiscrepancy,
    Sum,
    ZonalInteraction,
)
from wgflow.functionals.energies.landscapes import CircleWave, DoubleWell, PlaneWave, QuadraticWell, Slope
from wgflow.functionals.energies.potential import Potential
from wgflow.functionals.energies.radial_kernels import GaussianKernel, PowerKernel, RadialKernel, SumKernel
from wgflow.measures import Particles
from wgflow.problems.initial import ClosedForm, initial_averages
from wgflow.problems.models import ProblemFile
from wgflow.problems.models.energies import (
    CosinePotential,
    DoubleWellPotential,
    EnergyProblem,
    GaussianInteraction,
    InteractionSection,
    KernelSection,
    LinearPotential,
    LogInteraction,
    PotentialSection,
    PowerInternal,
    QuadraticInteraction,
    QuadraticPotential,
)
from wgflow.typing import FloatArray

UNIT = 1e-6  # deviation from length 1 of samples that are unit vectors up to the digits of a file


def make_energy(config: ProblemFile, section: EnergyProblem, domain: Domain, samples: Particles | None) -> Functional:
    """Sum of all terms.

    Parameters
    ----------
    config : ProblemFile
        The checked sections, for the solver.
    section : EnergyProblem
        The terms.
    domain : Domain
        Where the measure lives.
    samples : Particles or None
        Samples of the target of a kernel discrepancy, where it is given by samples.

    Raises
    ------
    InputError
        If a term cannot live on the domain, or needs numbers of another size.
    """
    on_grid = config.moves_density
    if not on_grid:
        _check_solver(config, section)
    terms: list[Functional] = [make_potential(part, domain) for part in section.potential]
    terms += [make_interaction(part, domain, on_grid=on_grid) for part in section.interaction]
    terms += [
        PowerEnergy(part.exponent, part.strength) if isinstance(part, PowerInternal) else Entropy(part.temperature)
        for part in section.internal
    ]
    if section.sobolev is not None:
        target = _target_density(config, section.sobolev.target, domain)
        terms.append(SobolevDiscrepancy(target, section.sobolev.s))
    if section.kernel is not None:
        terms.append(_make_discrepancy(config, section.kernel, domain, samples))
    return Sum(tuple(terms)) if len(terms) > 1 else terms[0]


def _check_solver(config: ProblemFile, section: EnergyProblem) -> None:
    """Raise InputError if the solver, which moves particles, cannot follow a term."""
    solver = config.solver.kind
    if solver == "jko":
        raise InputError(
            '[jko] scheme = "dual" is for networks, quadratic features and deconvolution; for energies choose '
            'scheme = "linearised"'
        )
    powers = any(isinstance(part, PowerInternal) for part in section.internal)
    if powers or section.sobolev is not None:
        name = '[problem.internal] kind = "power"' if powers else "[problem.sobolev]"
        raise InputError(
            f'{name} needs a density, which [solver] kind = "{solver}" does not have; choose "finite_volume", or "jko" '
            'with [jko] scheme = "linearised"'
        )


def make_potential(section: PotentialSection, domain: Domain) -> Potential:
    """Potential energy of a table; raises InputError if it does not fit the domain."""
    size = domain.points.shape[-1]
    if isinstance(section, QuadraticPotential):
        stiffness, centre = section.stiffness, section.centre
        matrix = stiffness * np.eye(size) if isinstance(stiffness, float) else np.array(stiffness)
        if matrix.shape != (size, size) or not np.allclose(matrix, matrix.T):
            raise InputError(
                f"[problem.potential] stiffness = {stiffness} is not allowed; give a number, or a symmetric {size} x "
                f"{size} matrix"
            )
        at = np.zeros(size) if centre is None else _vector("[problem.potential] centre", centre, size)
        return QuadraticWell(matrix, at).energy
    if isinstance(section, LinearPotential):
        return Slope(_vector("[problem.potential] slope", section.slope, size)).energy
    if isinstance(section, DoubleWellPotential):
        if section.axis >= size:
            raise InputError(f"[problem.potential] axis = {section.axis} is not allowed; allowed are 0 to {size - 1}")
        return DoubleWell(section.height, section.distance, section.axis, section.stiffness).energy
    return _cosine(section, domain)


def _cosine(section: CosinePotential, domain: Domain) -> Potential:
    base, given = domain.base, section.frequency
    if isinstance(base, Circle) and isinstance(given, int):
        return CircleWave(section.amplitude, section.phase, given).energy
    if isinstance(base, Box) and all(base.periodic):
        numbers = [given] * len(base.shape) if isinstance(given, int) else given
        waves = _vector("[problem.potential] frequency", [float(number) for number in numbers], len(base.shape))
        low, high = np.array(base.bounds).T
        return PlaneWave(section.amplitude, section.phase, 2.0 * np.pi * waves / (high - low), low).energy
    raise InputError(
        '[problem.potential] kind = "cosine" needs a circle and one integer as frequency, or a box with periodic = '
        f"true; the domain is {domain.kind!r}, the frequency {given}"
    )


def _vector(name: str, values: list[float], size: int) -> FloatArray:
    if len(values) != size:
        raise InputError(f"{name} has {len(values)} entries; the domain needs {size}")
    return np.array(values)


def make_interaction(
    section: InteractionSection, domain: Domain, *, on_grid: bool = False
) -> Interaction | ZonalInteraction:
    """Interaction energy of a table.

    Parameters
    ----------
    section : InteractionSection
        The kernel.
    domain : Domain
        Where the measure lives: interactions on circles and spheres are zonal.
    on_grid : bool
        Whether cells interact, over which singular kernels are averaged on boxes.

    Raises
    ------
    InputError
        If a singular kernel has no value where it is needed.
    """
    kernel = _radial_kernel(section)
    singular = not np.isfinite(kernel.of_square(np.zeros(1))).all()
    averaged = on_grid and isinstance(domain.base, Box)
    if singular and not averaged:
        raise InputError(
            f'[problem.interaction] kind = "{section.kind}" is infinite at 0, which only cells of a box average; give '
            "a smoothing > 0"
        )
    return _bound_interaction(kernel, domain, averaged=True)


def _bound_interaction(kernel: RadialKernel, domain: Domain, *, averaged: bool) -> Interaction | ZonalInteraction:
    """Interaction by a kernel, averaged over cells where it is narrow, or by its samples."""
    base = domain.base
    if isinstance(base, Circle | Sphere | Hypersphere):
        return kernel.zonal() if averaged else replace(kernel.zonal(), on_arcs=None)
    if not isinstance(base, Box):
        return Interaction(kernel, gradient=kernel.gradient)
    sides = zip(base.bounds, base.periodic, strict=True)
    periods = [high - low if wraps else np.inf for (low, high), wraps in sides]
    return Interaction(kernel, periods, kernel.gradient, kernel.on_cells if averaged else None)


def _radial_kernel(section: InteractionSection) -> RadialKernel:
    if isinstance(section, QuadraticInteraction):
        return PowerKernel(2.0, section.strength)
    if isinstance(section, GaussianInteraction):
        return GaussianKernel(section.strength, section.width)
    if isinstance(section, LogInteraction):
        return PowerKernel(0.0, section.strength, section.smoothing)
    attraction = PowerKernel(section.a, section.strength, section.smoothing)
    return SumKernel((attraction, PowerKernel(section.b, -section.strength, section.smoothing)))


def _make_discrepancy(
    config: ProblemFile, section: KernelSection, domain: Domain, samples: Particles | None
) -> KernelDiscrepancy:
    kernel: RadialKernel = PowerKernel(1.0, -section.strength)
    if section.kind == "gaussian":
        kernel = GaussianKernel(section.strength, section.width)
    interaction = _bound_interaction(kernel, domain, averaged=section.kind == "gaussian")
    if section.target is None:
        if samples is None:
            raise InputError("the samples of [problem.kernel] were not read; open the problem file again")
        _check_samples(samples, domain)
        return KernelDiscrepancy(interaction, samples)
    if not config.moves_density:
        raise InputError(
            f'[problem.kernel] target is a density, for [solver] kind = "finite_volume"; "{config.solver.kind}" needs '
            "samples"
        )
    return KernelDiscrepancy(interaction, _target_density(config, section.target, domain))


def _check_samples(samples: Particles, domain: Domain) -> None:
    found, needed = samples.points.shape[1], domain.points.shape[-1]
    if found != needed:
        raise InputError(f"[problem.kernel] samples have {found} components; the domain needs {needed}")
    lengths = np.linalg.norm(samples.points, axis=1)
    if isinstance(domain.base, Circle | Sphere | Hypersphere) and abs(lengths - 1.0).max() > UNIT:
        raise InputError(
            f"[problem.kernel] samples have lengths from {lengths.min():g} to {lengths.max():g}; points of the domain "
            f"{domain.kind!r} are unit vectors"
        )


def _target_density(config: ProblemFile, target: ClosedForm, domain: Domain) -> FloatArray:
    """Density of a target as the solver sees densities."""
    pointwise = config.solver.kind == "finite_volume" and config.finite_volume.pointwise
    try:
        return initial_averages(target, domain.base, point_values if pointwise else cell_averages)
    except InputError as error:
        raise type(error)(str(error).replace("[initial]", "[problem] target:")) from None
