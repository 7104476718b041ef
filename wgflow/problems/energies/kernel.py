"""[problem.kernel]: the kernel discrepancy to a measure, given by its density or by samples."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from wgflow.domains import Domain
from wgflow.domains.geometry import is_unit_sphere
from wgflow.errors import InputError
from wgflow.functionals import energies
from wgflow.measures import Particles
from wgflow.problems.energies.base import EnergySection, table_of_one
from wgflow.problems.energies.binding import bound_interaction, check_width
from wgflow.problems.energies.targets import TARGET, target_density
from wgflow.problems.initial.registry import TargetSection
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import Positive

UNIT = 1e-6  # deviation from length 1 of samples that are unit vectors up to the digits of a file


class KernelSection(EnergySection):
    """Half the squared kernel discrepancy (MMD) to a measure nu."""

    kind: Literal["gaussian", "energy_distance"] = Field(
        "gaussian", description='k(z) = exp(-|z|^2 / (2 width^2)), or -|z| for "energy_distance"'
    )
    width: Positive = Field(1.0, description="standard deviation of the Gaussian")
    strength: Positive = Field(1.0, description="factor of k")
    target: TargetSection | None = Field(None, description=TARGET)
    samples: str | None = Field(
        None,
        description="samples of nu, .csv, .tsv or .npz: a column for each component, and one called weight if need be",
    )
    nonlocal_pairs = True

    @model_validator(mode="after")
    def _one_target(self) -> KernelSection:
        if (self.target is None) == (self.samples is None):
            raise ValueError("needs exactly one of target and samples")
        return self

    def energy(self, setting: ProblemSetting) -> energies.KernelDiscrepancy:
        """Build it; raises InputError if the target does not fit the domain or the solver."""
        domain, gaussian = setting.domain, self.kind == "gaussian"
        kernel: energies.RadialKernel = energies.PowerKernel(1.0, -self.strength)
        if gaussian:
            kernel = energies.GaussianKernel(self.strength, self.width)
        interaction = bound_interaction(kernel, domain, averaged=gaussian)
        if self.target is None:
            if setting.samples is None:
                raise InputError("the samples of [problem.kernel] were not read; open the problem file again")
            _check_samples(setting.samples, domain)
            return energies.KernelDiscrepancy(interaction, setting.samples)
        if not setting.options.moves_density:
            raise InputError(
                f'[problem.kernel] target is a density, for [solver] kind = "finite_volume"; "{setting.solver}" needs '
                "samples"
            )
        return energies.KernelDiscrepancy(interaction, target_density(self.target, setting))

    def check(self, domain: Domain) -> None:
        """Raise InputError if a Gaussian is narrower than cells that do not average it."""
        if self.kind == "gaussian":
            check_width("kernel", self.width, domain)

    @property
    def sample_file(self) -> str | None:
        """Path of the samples of the target."""
        return self.samples


def _check_samples(samples: Particles, domain: Domain) -> None:
    found, needed = samples.points.shape[1], domain.geometry.components
    if found != needed:
        raise InputError(f"[problem.kernel] samples have {found} components; the domain needs {needed}")
    lengths = np.linalg.norm(samples.points, axis=1)
    if is_unit_sphere(domain.geometry) and abs(lengths - 1.0).max() > UNIT:
        raise InputError(
            f"[problem.kernel] samples have lengths from {lengths.min():g} to {lengths.max():g}; points of the domain "
            f"{domain.kind!r} are unit vectors"
        )


TABLE = table_of_one("kernel", KernelSection, place=5)
