"""Whether the sections of a problem file fit together, beside what kinds of problems and solvers check themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wgflow.errors import InputError
from wgflow.problems.datasets import LARGEST
from wgflow.problems.models import ProblemFile

SMALLEST = 1e-100  # of numbers whose squares, and quotients of squares, are floats

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


def check_sections(problem: Problem) -> None:
    """Raise InputError unless problem, domain and solver fit together."""
    problem.config.problem.check(problem)
    _check_noise(problem)
    _check_growth(problem)
    problem.options.check(problem)


def _check_noise(problem: Problem) -> None:
    """Raise InputError unless entropies come with a solver that has them."""
    temperature, options = problem.config.problem.temperature, problem.options
    if temperature > 0.0 and not (options.moves_density or options.noisy):
        raise InputError(
            f'[problem] temperature = {temperature:g} has no solver "{problem.solver}"; choose [solver] kind = '
            '"finite_volume", "particles", or "jko" with [jko] scheme = "linearised"'
        )


def _check_growth(problem: Problem) -> None:
    """Raise InputError if a box is to grow for a solver that cannot go on from a density alone."""
    if problem.config.domain.grows and not problem.options.can_grow:
        raise InputError(
            f'[domain] grow = true is not available with [solver] kind = "{problem.solver}"; choose "finite_volume", '
            'or "jko" on a grid, or give a larger box'
        )
