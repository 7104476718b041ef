"""[problem] of kind "deconvolution": a kernel on the torus, and spikes to find from their convolution with it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wgflow.problems.models.base import Matrix, NonNegative, Positive, Section, Seed, Vector


class SpikesSection(Section):
    """Spikes whose convolution with the kernel is the signal."""

    positions: Matrix = Field(description="one row per spike: its coordinates in the box, or its angle on the circle")
    weights: Vector = Field(description="one per spike; negative ones need a signed domain")

    @model_validator(mode="after")
    def _fits(self) -> SpikesSection:
        if len(self.positions) != len(self.weights):
            raise ValueError(f"has {len(self.positions)} positions but {len(self.weights)} weights; give one each")
        return self


class DeconvolutionProblem(Section):
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
