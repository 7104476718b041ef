"""Whether the sections of a problem file fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wgflow.errors import InputError
from wgflow.problems.models import ProblemFile, QuadraticProblem, TwoLayerProblem

if TYPE_CHECKING:
    from wgflow.problems.problem import Problem


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
