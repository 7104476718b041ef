"""[problem] of kind "quadratic"."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from wgflow.domains.base import UnsignedDomain
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.functionals import Features, Functional, Quadratic
from wgflow.functionals.feature_maps import OrbitProduct
from wgflow.functionals.losses import HALF_SQUARED_NORM
from wgflow.problems.kinds.base import ProblemSection, Sections
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import Matrix, NonNegative
from wgflow.runs.memory.grids import Grid, Terms
from wgflow.runs.memory.particles import FunctionalArrays

if TYPE_CHECKING:
    from wgflow.problems.problem import Problem
    from wgflow.problems.solvers.base import SolverOptions


class QuadraticProblem(ProblemSection):
    """Quadratic features w w^T with R(M) = 1/2 |M - target|^2: the flow with an exact solution."""

    kind: Literal["quadratic"]
    target: Matrix = Field(
        description="symmetric matrix M_*; on half circles and half spheres its last diagonal entry is that of all "
        "inputs beyond the first one or two"
    )
    regularization: NonNegative = Field(0.0, description="lambda in F = R + lambda times the mass")
    temperature: NonNegative = Field(
        0.0, description="T in F = R + T times the entropy: diffusion on grids, noise for particles"
    )

    def functional(self, setting: ProblemSetting) -> Functional:
        """The risk."""
        target, base = np.array(self.target), setting.domain.base
        if isinstance(base, SymmetricDomain):
            rest = base.inputs - base.kept
            wanted = np.append(target[:-1, :-1].ravel(), np.sqrt(rest) * target[-1, -1])
            return Features(OrbitProduct(rest), wanted, HALF_SQUARED_NORM)
        if setting.inputs is not None:  # particles for a half circle or half sphere
            kept = len(target) - 1
            whole = target[-1, -1] * np.eye(setting.inputs)
            whole[:kept, :kept] = target[:-1, :-1]
            target = whole
        return Quadratic(target)

    def check(self, problem: Problem) -> None:
        """Raise InputError unless the target has the dimension of the domain, and its symmetry."""
        base = problem.config.domain.build().base
        needed, target = base.geometry.components, np.array(self.target)
        if len(target) != needed:
            raise InputError(f"[problem] target has {len(target)} rows; the domain needs {needed} x {needed}")
        if isinstance(base, SymmetricDomain) and (target[-1, :-1].any() or target[:-1, -1].any()):
            raise InputError(
                f"[problem] target = {target.tolist()} is not invariant under rotations of the rest; on a {base.kind} "
                "the last row and column are zero but for their common entry, that of all other inputs"
            )

    def cell_terms(self, grid: Grid, data: tuple[int, int] | None) -> Terms:
        """The features."""
        return replace(super().cell_terms(grid, data), features=grid.components**2, memory_limit=2.0**30)

    def functional_arrays(self, options: SolverOptions, data: tuple[int, int] | None) -> FunctionalArrays:  # noqa: ARG002
        """The features."""
        return FunctionalArrays(features=len(self.target) ** 2)

    @classmethod
    def example(cls, base: UnsignedDomain) -> Sections:
        """A diagonal target."""
        size = range(base.geometry.components)
        target = [[1.0 / (1 + row) if row == column else 0.0 for column in size] for row in size]
        return {"problem": {"target": target}}
