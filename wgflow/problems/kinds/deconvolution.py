"""[problem] of kind "deconvolution": a kernel on the torus, and spikes to find from their convolution with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain
from wgflow.domains.base import UnsignedDomain
from wgflow.errors import InputError
from wgflow.functionals import Features, energies
from wgflow.measures import Particles
from wgflow.problems.kinds.base import ProblemSection, Sections
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import Matrix, NonNegative, Positive, Section, Seed, Vector
from wgflow.runs.memory.grids import Grid, Terms
from wgflow.runs.memory.particles import FunctionalArrays
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.problems.solvers.base import SolverOptions


class SpikesSection(Section):
    """Spikes whose convolution with the kernel is the signal."""

    positions: Matrix = Field(description="one row per spike: its coordinates in the box, or its angle on the circle")
    weights: Vector = Field(description="one per spike; negative ones need a signed domain")

    @model_validator(mode="after")
    def _fits(self) -> SpikesSection:
        if len(self.positions) != len(self.weights):
            raise ValueError(f"has {len(self.positions)} positions but {len(self.weights)} weights; give one each")
        return self

    def on(self, domain: Domain) -> Particles:
        """Spikes as particles on the domain.

        Raises
        ------
        InputError
            If the domain is no torus, positions have another number of coordinates, or a weight is negative on an
            unsigned domain.
        """
        base, weights = domain.base, np.array(self.weights)
        place, box = _PLACES.get(base), base.lattice
        if place is None or box is None or not all(box.periodic):
            raise InputError(
                '[problem] kind = "deconvolution" needs a circle, or a box with periodic = true; the domain is '
                f"{base.kind!r}"
            )
        positions, needed = np.array(self.positions), len(box.shape)
        if positions.shape[1] != needed:
            raise InputError(
                f"[problem.spikes] positions have {positions.shape[1]} coordinates; the domain {base.kind!r} needs "
                f"{needed}"
            )
        if domain.sheets == 1 and weights.min() < 0.0:
            raise InputError(
                f"[problem.spikes] weights hold {weights.min():g}; negative ones need [domain] signed = true"
            )
        return Particles(place(positions), np.abs(weights), np.where(weights < 0.0, -1.0, 1.0), domain)


_PLACES: DomainTable[Callable[[FloatArray], FloatArray]] = DomainTable(
    "a spike",
    {Circle: lambda angles: np.column_stack([np.cos(angles), np.sin(angles)]), Box: lambda positions: positions},
)


class DeconvolutionProblem(ProblemSection):
    """Sparse deconvolution on a periodic box or the circle: spikes from their convolution with a kernel."""

    kind: Literal["deconvolution"]
    kernel: Literal["dirichlet", "gaussian"] = Field("dirichlet", description="low-pass filter, or Gaussian; of mean 1")
    frequencies: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None, description="largest frequency of the Dirichlet kernel along each axis"
    )
    width: Positive | None = Field(None, description="standard deviation of the Gaussian kernel")
    noise: NonNegative = Field(0.0, description="standard deviation of white noise on the signal")
    noise_seed: Seed = Field(0, description="seed of the noise")
    regularization: NonNegative = Field(0.0, description="lambda in F = R + lambda times the mass")
    temperature: NonNegative = Field(
        0.0, description="T in F = R + T times the entropy: diffusion on grids, noise for particles"
    )
    spikes: SpikesSection

    @model_validator(mode="after")
    def _one_scale(self) -> DeconvolutionProblem:
        needed, other = ("frequencies", "width") if self.kernel == "dirichlet" else ("width", "frequencies")
        if getattr(self, needed) is None or getattr(self, other) is not None:
            raise ValueError(f'has kernel = "{self.kernel}", which takes {needed} and not {other}')
        return self

    def functional(self, setting: ProblemSetting) -> Features:
        """The risk; raises InputError if spikes or kernel do not fit the domain."""
        domain = setting.domain
        if self.width is not None:
            kernel: energies.DirichletKernel | energies.PeriodicGaussian = energies.PeriodicGaussian(self.width)
        else:
            kernel = energies.DirichletKernel(self.frequencies or 1)
        return energies.Deconvolution(kernel, self.spikes.on(domain), domain, noise=self.noise, seed=self.noise_seed)

    def cell_terms(self, grid: Grid, data: tuple[int, int] | None) -> Terms:
        """A convolution, where there are axes for it; other domains are refused later."""
        return replace(super().cell_terms(grid, data), convolution=bool(grid.periodic))

    def functional_arrays(self, options: SolverOptions, data: tuple[int, int] | None) -> FunctionalArrays:  # noqa: ARG002
        """Waves."""
        waves = 2 * (self.frequencies or 32) + 1
        return FunctionalArrays(features=2 * waves * len(self.spikes.positions[0]))

    @classmethod
    def example(cls, base: UnsignedDomain) -> Sections | None:
        """Some spikes on a torus."""
        return _EXAMPLES.get(base)


_TORUS = {"bounds": [[0.0, 6.283185307179586]] * 2, "shape": [64, 64], "periodic": True}
_COMMON: Sections = {"initial": {"kind": "uniform"}, "solver": {"reaction": 1.0}}
_EXAMPLES: DomainTable[Sections] = DomainTable(
    "an example",
    {
        Circle: {
            "problem": {
                "frequencies": 5,
                "spikes": {"positions": [[1.0], [2.5], [4.5]], "weights": [1.0, 0.6, 0.8]},
            },
            **_COMMON,
        },
        Box: {
            "problem": {"frequencies": 2, "spikes": {"positions": [[3.1, 3.1], [4.8, 2.8]], "weights": [1.0, 0.6]}},
            "domain": _TORUS,
            **_COMMON,
        },
    },
)
