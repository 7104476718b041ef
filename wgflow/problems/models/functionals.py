"""[problem]: the functional and its data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wgflow.problems.models.base import Matrix, NonNegative, Positive, Section, Vector
from wgflow.problems.models.deconvolution import DeconvolutionProblem
from wgflow.problems.models.energies import EnergyProblem

GAUSSIAN_TEACHER = "gaussian_teacher"


class TeacherSection(Section):
    """A teacher network, by angles in the plane or by directions in any dimension."""

    angles: Vector | None = Field(None, description="directions in the plane, in radians")
    directions: Matrix | None = Field(None, description="input weights, one row per neuron")
    weights: Vector = Field(description="output weights, one per neuron")

    @model_validator(mode="after")
    def _one_form(self) -> TeacherSection:
        if (self.angles is None) == (self.directions is None):
            raise ValueError("needs exactly one of angles and directions")
        count = len(self.angles if self.angles is not None else self.directions or [])
        if count != len(self.weights):
            raise ValueError(f"has {count} neurons but {len(self.weights)} weights; give one weight each")
        return self


class DatasetSection(Section):
    """Where the data are and which columns to use."""

    path: str | None = Field(None, description=".csv or .npz, relative to the problem file")
    inputs: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="input columns; all but the output by default"
    )
    output: str | None = Field(None, description="output column; the last by default")
    bias: bool = Field(True, description="append an input that is always 1")
    standardize: bool = Field(True, description="shift and scale inputs (and real outputs) to mean 0, variance 1")


class TwoLayerProblem(Section):
    """Two-layer network Psi(a, b)(x) = a sigma(b.x) on data, or of ReLU on Gaussian inputs with a teacher."""

    kind: Literal["two_layer"]
    activation: Literal["relu", "tanh", "softplus", "squared_relu"] = Field(
        "relu", description='sigma of the hidden layer; all but "relu" need data, and pairs (a, b) in a box or in space'
    )
    loss: Literal["square", "logistic", "softmin"] = Field("square", description="risk of the predictions")
    data: str | None = Field(None, description=f'"{GAUSSIAN_TEACHER}", or the path of a .csv or .npz file')
    regularization: NonNegative = Field(0.0, description="lambda in F = R + lambda times the mass")
    temperature: NonNegative = Field(
        0.0, description="T in F = R + T times the entropy: diffusion on grids, noise for particles"
    )
    memory_limit: Positive = Field(
        1024.0, description="MiB that the features at all cells may take; beyond, they are computed anew each time"
    )
    teacher: TeacherSection | None = None
    dataset: DatasetSection | None = None

    @model_validator(mode="after")
    def _one_source(self) -> TwoLayerProblem:
        if self.data == GAUSSIAN_TEACHER:
            if self.teacher is None:
                raise ValueError(f'data = "{GAUSSIAN_TEACHER}" needs a [problem.teacher] with angles and weights')
            if self.loss != "square":
                raise ValueError(f'data = "{GAUSSIAN_TEACHER}" allows only loss = "square"; found "{self.loss}"')
            if self.activation != "relu":
                raise ValueError(
                    f'data = "{GAUSSIAN_TEACHER}" allows only activation = "relu"; found "{self.activation}"'
                )
            if self.dataset is not None:
                raise ValueError(f'data = "{GAUSSIAN_TEACHER}" and [problem.dataset] exclude each other')
        elif self.teacher is not None:
            raise ValueError(f'[problem.teacher] needs data = "{GAUSSIAN_TEACHER}"')
        elif (self.data is None) == (self.dataset is None or self.dataset.path is None):
            raise ValueError(
                f'needs its data once: data = "{GAUSSIAN_TEACHER}", data = "FILE.csv", or path in [problem.dataset]'
            )
        return self


class QuadraticProblem(Section):
    """Quadratic features w w^T with R(M) = 1/2 |M - target|^2: the flow with an exact solution."""

    kind: Literal["quadratic"]
    target: Matrix = Field(description="symmetric matrix M_*")
    regularization: NonNegative = Field(0.0, description="lambda in F = R + lambda times the mass")
    temperature: NonNegative = Field(
        0.0, description="T in F = R + T times the entropy: diffusion on grids, noise for particles"
    )


ProblemSection = TwoLayerProblem | QuadraticProblem | EnergyProblem | DeconvolutionProblem
