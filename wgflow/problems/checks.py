"""Whether the sections of a problem file fit together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wgflow.domains import Domain, Sphere
from wgflow.errors import InputError
from wgflow.functionals.energies.radial_kernels import NARROW_GAUSSIAN
from wgflow.normalised.margin_losses import MARGIN_LOSSES
from wgflow.problems.models import (
    GAUSSIAN_TEACHER,
    BoxSection,
    EnergyProblem,
    ProblemFile,
    QuadraticProblem,
    TwoLayerProblem,
)
from wgflow.problems.models.energies import GaussianInteraction, KernelSection

SMALLEST, LARGEST = 1e-100, 1e100  # of numbers whose squares, and quotients of squares, are floats

if TYPE_CHECKING:
    from wgflow.problems.problem import Problem


def check_magnitudes(config: ProblemFile) -> None:
    """Raise InputError if a number is so large or small that squares and quotients of such numbers leave the floats."""
    pending: list[tuple[str, Any]] = list(config.model_dump(exclude_none=True).items())
    while pending:
        key, value = pending.pop()
        if isinstance(value, Mapping):
            pending.extend((f"{key}.{name}", item) for name, item in value.items())
        elif isinstance(value, list):
            pending.extend((key, item) for item in value)
        elif isinstance(value, float) and value != 0.0 and not SMALLEST <= abs(value) <= LARGEST:
            section, _, name = key.rpartition(".")
            raise InputError(
                f"[{section}] {name} = {value!r} is not allowed; allowed are 0 and sizes from {SMALLEST:g} to "
                f"{LARGEST:g}: choose other units"
            )


def check_dimensions(problem: Problem) -> None:
    """Raise InputError unless teacher, data, target and initial measure have the dimension of the domain."""
    needed, inputs = problem.domain.points.shape[-1], problem.inputs
    section, domain = problem.config.problem, problem.config.domain
    if isinstance(section, QuadraticProblem) and len(section.target) != needed:
        raise InputError(f"[problem] target has {len(section.target)} rows; the domain needs {needed} x {needed}")
    flat = domain.kind in {"box", "space"}
    if inputs is None or (problem.has_pairs and problem.domain.sheets == 1) or (inputs == needed and not flat):
        return
    source = "[problem.dataset]" if problem.dataset is not None else "[problem.teacher]"
    fitting = {
        "box": f"boxes of pairs (a, b) need {inputs + 1} axes, unsigned",
        "circle": "the circle needs 2 inputs, or 1 for pairs (a, b) if it is unsigned",
        "sphere": "the sphere needs 3 inputs, or 2 for pairs (a, b) if it is unsigned",
        "space": f"the space of pairs (a, b) needs dimension = {inputs + 1}",
        "hypersphere": f"the hypersphere needs dimension = {inputs}, or unsigned {inputs + 1} for pairs (a, b)",
    }
    raise InputError(
        f"{source} gives a two_layer network of {inputs} inputs (a bias counts as one), but {fitting[domain.kind]}: "
        "choose other inputs, another bias, or another [domain]"
    )


def check_activation(config: ProblemFile) -> None:
    """Raise InputError if neurons are to be directions, which only those of 1-homogeneous activations can be."""
    section, kind = config.problem, config.domain.kind
    if isinstance(section, TwoLayerProblem) and section.activation != "relu" and kind not in {"box", "space"}:
        raise InputError(
            f'[problem] activation = "{section.activation}" is not homogeneous of degree 1, so has no flow on a '
            f'{kind}; choose "relu", or pairs (a, b) on a domain of kind "box" or "space"'
        )


def check_noise(config: ProblemFile, reaction: float) -> None:
    """Raise InputError unless noise comes with a solver and options that have it."""
    temperature, solver, method = config.problem.temperature, config.solver, config.particles.method
    if config.moves_density or (temperature == 0.0 and method != "langevin"):
        return
    if solver.kind != "particles" and temperature > 0.0:
        raise InputError(
            f'[problem] temperature = {temperature:g} has no solver "{solver.kind}"; choose [solver] kind = '
            '"finite_volume", "particles", or "jko" with [jko] scheme = "linearised"'
        )
    if solver.kind == "particles" and method != "langevin":
        raise InputError(
            f'[problem] temperature = {temperature:g} is noise for particles, which [particles] method = "{method}" '
            'does not give; choose "langevin" and a step'
        )
    if solver.kind == "particles" and reaction > 0.0:
        raise InputError(
            f'[particles] method = "langevin" does not change weights, but the reaction is {reaction:g}; give '
            "[solver] reaction = 0"
        )
    if solver.kind == "particles" and solver.stationarity is not None:
        raise InputError("[solver] stationarity needs an F that falls, which that of noisy particles does not")


def check_growth(config: ProblemFile) -> None:
    """Raise InputError if a box is to grow for a solver that cannot go on from a density alone."""
    domain, solver = config.domain, config.solver.kind
    on_grid = solver == "finite_volume" or (solver == "jko" and config.jko.on_grid)
    if isinstance(domain, BoxSection) and domain.grow and not on_grid:
        raise InputError(
            f'[domain] grow = true is not available with [solver] kind = "{solver}"; choose "finite_volume", or "jko" '
            "on a grid, or give a larger box"
        )


def check_widths(config: ProblemFile, domain: Domain) -> None:
    """Raise InputError if a Gaussian is narrower than the cells of a sphere, over which kernels are not averaged."""
    section, base = config.problem, domain.base
    if not (isinstance(section, EnergyProblem) and isinstance(base, Sphere) and config.moves_density):
        return
    least = NARROW_GAUSSIAN * math.sqrt(4.0 * math.pi / base.cells)
    named: list[tuple[str, GaussianInteraction | KernelSection]] = [
        ("interaction", part) for part in section.interaction if isinstance(part, GaussianInteraction)
    ]
    if section.kernel is not None and section.kernel.kind == "gaussian":
        named.append(("kernel", section.kernel))
    for name, part in named:
        if part.width < least:
            raise InputError(
                f"[problem.{name}] width = {part.width:g} is not allowed on a sphere of {base.cells} cells, which are "
                f"wider; give a width >= {least:.3g}, or more cells"
            )


def check_diverging(config: ProblemFile, reaction: float) -> None:
    """Raise InputError unless the mass of a normalised flow can grow without end."""
    section = config.problem
    if config.solver.kind != "normalised":
        return
    if not isinstance(section, TwoLayerProblem) or section.data == GAUSSIAN_TEACHER:
        raise InputError(
            f'[solver] kind = "normalised" is for networks that classify data; found [problem] kind = "{section.kind}"'
            + (f' with data = "{GAUSSIAN_TEACHER}"' if isinstance(section, TwoLayerProblem) else "")
        )
    if section.loss not in MARGIN_LOSSES:
        allowed = " or ".join(f'"{name}"' for name in MARGIN_LOSSES)
        raise InputError(
            f'[problem] loss = "{section.loss}" is least at a finite mass, which [solver] kind = "normalised" is not '
            f"for; choose {allowed}"
        )
    if section.regularization > 0.0:
        raise InputError(
            f"[problem] regularization = {section.regularization:g} bounds the mass; [solver] kind = "
            '"normalised" is for masses that grow without end: leave it out, or choose "finite_volume"'
        )
    if not reaction > 0.0:
        raise InputError(
            f'[solver] kind = "normalised" needs a mass that grows, but the reaction is {reaction:g}; choose a circle '
            "or sphere, or give [solver] reaction"
        )
