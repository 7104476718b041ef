"""[problem] of kind "two_layer": a network on data, or with a teacher."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from wgflow import networks
from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain, HalfCircle, HalfSphere, Hypersphere, Space, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import UnitSphere, is_flat
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import FlowWarning, InputError
from wgflow.functionals import LOSSES, FeatureMap, Features, Functional, Loss
from wgflow.functionals.own_losses import PARTS, as_loss
from wgflow.networks.tolerances import LARGEST_TOLERANCE, LEAST_TOLERANCE
from wgflow.problems.datasets import Dataset, read_dataset, select_columns
from wgflow.problems.given import GIVEN
from wgflow.problems.kinds.base import ProblemSection, Sections
from wgflow.problems.kinds.teachers import LinkSection, TeacherSection
from wgflow.problems.memory import check_reading
from wgflow.problems.own_code import OwnCode, tried
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import NonNegative, Positive, Section, is_reference, one_of_or_own
from wgflow.runs.memory.grids import Grid, Terms
from wgflow.runs.memory.particles import FunctionalArrays
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.problems.columns import Columns
    from wgflow.problems.problem import Problem
    from wgflow.problems.solvers.base import SolverOptions

    ActivationName = str
    LossName = str
else:
    ActivationName, LossName = one_of_or_own(["relu", *networks.SMOOTH_ACTIVATIONS]), one_of_or_own(LOSSES)

GAUSSIAN_TEACHER = "gaussian_teacher"
LOSS_FLAGS = ("labels", "nonnegative")  # what own losses may say of themselves


class DatasetSection(Section):
    """Where the data are and which columns to use."""

    path: str | None = Field(None, description=".csv, .tsv (both also with .gz) or .npz, relative to the problem file")
    inputs: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="input columns; all but the output by default, of which all must be numbers then"
    )
    output: str | None = Field(None, description="output column; the last by default")
    bias: bool = Field(True, description="append an input that is always 1")
    standardize: bool = Field(True, description="shift and scale inputs (and real outputs) to mean 0, variance 1")


class TwoLayerProblem(ProblemSection):
    """Two-layer network Psi(a, b)(x) = a sigma(b.x) on data, or of ReLU on Gaussian inputs with a teacher."""

    kind: Literal["two_layer"]
    activation: ActivationName = Field(
        "relu",
        description='sigma of the hidden layer; with data all but "relu" need pairs (a, b) in a box or in space; with '
        "Gaussian inputs they have unit input weights, on half circles and half spheres; own ones have value and "
        "gradient, and need data",
    )
    loss: LossName = Field(
        "square", description="risk of the predictions; own ones have value, gradient and hessian, see --allow-code"
    )
    data: str | None = Field(
        None,
        description=f'"{GAUSSIAN_TEACHER}", or the path of a .csv, .tsv or .npz file; in Python also arrays by name',
    )
    regularization: NonNegative = Field(0.0, description="lambda in F = R + lambda times the mass")
    temperature: NonNegative = Field(
        0.0, description="T in F = R + T times the entropy: diffusion on grids, noise for particles"
    )
    memory_limit: Positive = Field(
        1024.0, description="MiB that the features at all cells may take; beyond, they are computed anew each time"
    )
    kernel_tolerance: Annotated[float, Field(ge=LEAST_TOLERANCE, le=LARGEST_TOLERANCE)] | None = Field(
        None,
        description="error of the averaged kernel over its largest value; 1e-12 on half circles, 1e-6 on half spheres",
    )
    teacher: TeacherSection | None = None
    link: LinkSection | None = None
    dataset: DatasetSection | None = None
    _code: OwnCode | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _one_source(self) -> TwoLayerProblem:
        if self.data == GAUSSIAN_TEACHER:
            self._check_teacher()
        elif self.teacher is not None or self.link is not None:
            found = "teacher" if self.link is None else "link"
            raise ValueError(f'[problem.{found}] needs data = "{GAUSSIAN_TEACHER}"; remove it to learn from a table')
        elif (self.data is None) == (self.dataset is None or self.dataset.path is None):
            raise ValueError(
                f'needs its data once: data = "{GAUSSIAN_TEACHER}", data = "FILE.csv", or path in [problem.dataset]'
            )
        return self

    def _check_teacher(self) -> None:
        if self.teacher is None and self.link is None:
            raise ValueError(f'data = "{GAUSSIAN_TEACHER}" needs a [problem.teacher] with angles and weights')
        if self.teacher is not None and self.link is not None:
            raise ValueError("[problem.teacher] and [problem.link] exclude each other")
        if self.loss != "square":
            raise ValueError(f'data = "{GAUSSIAN_TEACHER}" allows only loss = "square"; found "{self.loss}"')
        if self.activation != "relu" and self.activation not in networks.UNIT_NEURONS:
            raise ValueError(
                f'data = "{GAUSSIAN_TEACHER}" allows activation = "relu", and on half circles and half spheres '
                f'{", ".join(networks.UNIT_NEURONS)}; found "{self.activation}"'
            )
        if self.dataset is not None:
            raise ValueError(
                f'data = "{GAUSSIAN_TEACHER}" and [problem.dataset] exclude each other; remove data and '
                f"[problem.{'teacher' if self.link is None else 'link'}] to learn from a table"
            )

    @property
    def code(self) -> Iterator[str]:
        """An activation, a loss and a link from Python files."""
        own = None if self.link is None else self.link.function
        yield from filter(is_reference, (self.activation, self.loss, *([] if own is None else [own])))

    def bound(self, code: OwnCode) -> TwoLayerProblem:
        """The problem with its loss, which says whether targets are labels."""
        found = self.model_copy()
        found._code = code
        return found

    def loss_in(self, code: OwnCode) -> Loss:
        """The loss, by its name or from a Python file; raises InputError where a method is missing."""
        own = is_reference(self.loss)
        return as_loss(code.with_methods(self.loss, PARTS, flags=LOSS_FLAGS) if own else self.loss)

    def activation_in(self, code: OwnCode) -> str | networks.Activation:
        """The activation, by its name or from a Python file; raises InputError where its derivative is another one."""
        if not is_reference(self.activation):
            return self.activation
        own = code.with_methods(self.activation, ("value", "gradient"), optional=("hessian",))
        return tried(self.activation, lambda: networks.as_activation(own))

    def functional(self, setting: ProblemSetting) -> Functional:
        """The risk of predictions on data, or the population risk of a teacher."""
        if setting.dataset is None:
            return self._population(setting)
        inputs, targets = setting.dataset.inputs, setting.dataset.targets
        hidden = self._hidden_layer(setting, inputs)
        has_pairs = setting.domain.geometry.components == inputs.shape[1] + 1
        features = networks.Neurons(hidden) if has_pairs else hidden
        if not is_reference(self.loss):
            return Features(features, targets, self.loss, memory_limit=self.memory_limit * 2.0**20)
        loss = self.loss_in(setting.code)
        return tried(self.loss, lambda: Features(features, targets, loss, memory_limit=self.memory_limit * 2.0**20))

    def target(self, inputs: int | None, code: OwnCode) -> networks.Teacher | networks.Link | None:
        """What is to be learned of Gaussian inputs, if that is given, with as many inputs or its own number."""
        if self.link is not None:
            return self.link.build(inputs, code)
        return None if self.teacher is None else self.teacher.build(inputs)

    def _population(self, setting: ProblemSetting) -> Functional:
        target, modes = self.target(setting.inputs, setting.code), setting.options.harmonics
        if target is None:
            raise InputError("[problem] has neither data nor a teacher")
        if modes is not None:
            if isinstance(target, networks.Link):
                raise InputError('[jko] scheme = "dual" has no features of a link; choose scheme = "linearised"')
            return _of_modes(target, setting.domain, modes)
        given: Any = {"tolerance": self.kernel_tolerance, "memory_limit": self.memory_limit * 2.0**20}
        return (
            networks.Population(target, **given)
            if self.activation == "relu"
            else networks.UnitPopulation(target, self.activation, **given)
        )

    def _hidden_layer(self, setting: ProblemSetting, inputs: FloatArray) -> FeatureMap:
        if self.activation != "relu":
            return networks.SmoothLayer(inputs, self.activation_in(setting.code))
        return networks.Relu(inputs, setting.options.kink_smoothing, setting.options.relu_precision)

    def check(self, problem: Problem) -> None:
        """Raise InputError unless neurons are points of the domain."""
        self._check_activation(problem.domain)
        inputs, base, sheets = problem.inputs, problem.domain.base, problem.domain.sheets
        if isinstance(base, SymmetricDomain):
            _check_symmetry(problem, base)
            return
        directions = inputs == base.geometry.components and not is_flat(base.geometry)
        if inputs is None or directions or (problem.has_pairs and sheets == 1):
            return
        given = "teacher" if self.link is None else "link"
        source = "[problem.dataset]" if problem.dataset is not None else f"[problem.{given}]"
        raise InputError(
            f"{source} gives a two_layer network of {inputs} inputs (a bias counts as one), but "
            f"{_FITTING.on(base)(inputs)}: choose other inputs, another bias, or another [domain]"
        )

    def _check_activation(self, domain: Domain) -> None:
        """Raise InputError if neurons are to be directions, and the activation is not homogeneous of degree 1.

        Of Gaussian inputs there is the flow of unit input weights, see `UnitPopulation`.
        """
        if self.data == GAUSSIAN_TEACHER:
            base = domain.base
            allowed = isinstance(base, SymmetricDomain) or not (base.has_cells or is_flat(base.geometry))
            if self.activation != "relu" and not allowed:
                raise InputError(
                    f'[problem] activation = "{self.activation}" with data = "{GAUSSIAN_TEACHER}" is for unit input '
                    f'weights on a half circle, half sphere or hypersphere, not on a {domain.kind}; choose "relu", or '
                    "another domain"
                )
            return
        if self.activation != "relu" and not is_flat(domain.geometry):
            found = "need not be" if is_reference(self.activation) else "is not"
            raise InputError(
                f'[problem] activation = "{self.activation}" {found} homogeneous of degree 1, so has no flow on a '
                f'{domain.kind}; choose "relu", or pairs (a, b) on a domain of kind "box" or "space"'
            )

    def warn(self, problem: Problem) -> None:
        """Warn where all output weights are positive, but targets are not."""
        base, sheets = problem.domain.base, problem.domain.sheets
        if sheets > 1 or problem.has_pairs or is_flat(base.geometry):
            return
        data, teacher = problem.dataset, problem.teacher
        targets = data.targets if data is not None else teacher.weights if teacher is not None else np.zeros(1)
        if targets.min() < 0.0:
            what = "weights of the teacher" if data is None else "targets (standardized, if so asked)"
            warnings.warn(
                f"[domain] signed = false: all output weights are positive and predictions >= 0, but {what} go down to "
                f"{targets.min():.3g}; set signed = true for weights of both signs",
                FlowWarning,
                stacklevel=3,
            )

    def check_diverging(self) -> None:
        """Raise InputError unless the loss is one of margins of data."""
        from wgflow.normalised.margin_losses import MARGIN_LOSSES  # a room that is loaded for its own runs

        if self.data == GAUSSIAN_TEACHER:
            super().check_diverging()
        if self.loss not in MARGIN_LOSSES:
            allowed = " or ".join(f'"{name}"' for name in MARGIN_LOSSES)
            found = "has no normalised form" if is_reference(self.loss) else "is least at a finite mass"
            raise InputError(
                f'[problem] loss = "{self.loss}" {found}, which [solver] kind = "normalised" '
                f"{'needs' if is_reference(self.loss) else 'is not for'}; choose {allowed}"
            )

    @property
    def _data_found(self) -> str:
        return f' with data = "{self.data}"'

    def read_data(self, folder: Path, given: Columns | None, *, force: bool) -> Dataset | None:
        """Read the data, or take given ones, where there is no teacher."""
        if self.data == GAUSSIAN_TEACHER:
            return None
        section = self.dataset or DatasetSection()
        options = {"labels": self._has_labels, **section.model_dump(exclude={"path"})}
        if self.data == GIVEN:
            if given is None:
                raise InputError(
                    f'[problem] data = "{GIVEN}" stands for arrays that Python gave, which only a trajectory holds; '
                    "give them again (data = a DataFrame or a dictionary of arrays), or a path"
                )
            return select_columns(given, **options)
        path = folder / Path(str(self.data if section.path is None else section.path)).expanduser()
        check_reading(path, force=force)
        return read_dataset(path, **options)

    @property
    def _has_labels(self) -> bool:
        """Whether targets must be labels; not known of an own loss that is not bound, as where only sizes count."""
        unknown = self._code is None and is_reference(self.loss)
        return not unknown and self.loss_in(self._code or OwnCode()).labels

    def cell_terms(self, grid: Grid, data: tuple[int, int] | None) -> Terms:
        """Features of data."""
        diffusion = super().cell_terms(grid, data)
        if data is None:
            return replace(diffusion, kernel_rank=grid.kernel_rank)
        count, inputs = data
        if grid.half_circles and inputs == 2:
            return diffusion  # sums over half circles store nothing
        pairs, limit = grid.components == inputs + 1 and grid.is_flat, self.memory_limit * 2.0**20
        tiled = self.activation == "relu" and networks.tiles_pay(grid.points(pairs=pairs), count, inputs, limit)
        return replace(diffusion, features=count, tiled=tiled, pairs=pairs, memory_limit=limit)

    def functional_arrays(self, options: SolverOptions, data: tuple[int, int] | None) -> FunctionalArrays:
        """Features of data, or sums of pairs with a teacher."""
        batch = options.batch_size
        if data is None:
            given = self.teacher or self.link
            inputs = 2 if given is None else given.inputs
            return FunctionalArrays(features=options.harmonics or 0, batch=batch, inputs=inputs)
        stored = self.activation != "relu" or options.particle_method == "jko"
        return FunctionalArrays(
            features=data[0] if stored and not batch else 0, batch=batch, inputs=data[1], data=data[0]
        )

    @classmethod
    def example(cls, base: UnsignedDomain) -> Sections:
        """A teacher of some neurons."""
        teacher = _TEACHERS.on(base)(base)
        described: dict[str, Any] = {"problem": {"data": GAUSSIAN_TEACHER, "teacher": teacher}}
        if not is_flat(base.geometry):
            described["domain"] = {"signed": True}
        elif not base.has_cells:
            described["initial"] = {"kind": "balanced"}
        return described


def _check_symmetry(problem: Problem, base: SymmetricDomain) -> None:
    """Raise InputError unless the target depends on few enough projections of Gaussian inputs."""
    target = problem.target
    if target is None:
        raise InputError(
            f'[domain] kind = "{base.kind}" is for Gaussian inputs, data = "{GAUSSIAN_TEACHER}", which all rotations '
            "leave as they are; data sets need a circle, a sphere, a box or particles"
        )
    networks.frame_on(target, base)


def _of_modes(teacher: networks.Teacher, domain: Domain, modes: int) -> Features:
    """Population risk by Fourier modes; raises InputError where the domain is not the circle of two inputs."""
    if domain.geometry != UnitSphere(2) or not domain.base.has_cells or teacher.directions.shape[1] != 2:
        raise InputError(
            f'[solver] kind = "jko" with data = "gaussian_teacher" is available for 2 inputs on the circle; found '
            f"{teacher.directions.shape[1]} inputs on the domain {domain.kind!r}. Choose another solver, or data"
        )
    return networks.harmonic_population(teacher, modes)


_FITTING: DomainTable[Callable[[int], str]] = DomainTable(
    "a two-layer network",
    {
        Box: lambda inputs: f"boxes of pairs (a, b) need {inputs + 1} axes, unsigned",
        Circle: lambda _: "the circle needs 2 inputs, or 1 for pairs (a, b) if it is unsigned",
        Sphere: lambda _: "the sphere needs 3 inputs, or 2 for pairs (a, b) if it is unsigned",
        Space: lambda inputs: f"the space of pairs (a, b) needs dimension = {inputs + 1}",
        HalfCircle: lambda inputs: f"the half circle needs inputs = {inputs}",
        HalfSphere: lambda inputs: f"the half sphere needs inputs = {inputs}",
        Hypersphere: lambda inputs: (
            f"the hypersphere needs dimension = {inputs}, or unsigned {inputs + 1} for pairs (a, b)"
        ),
        object: lambda inputs: f"directions have {inputs} components, and pairs (a, b) {inputs + 1}",
    },
)


def _in_space(inputs: int) -> dict[str, Any]:
    """Two neurons, one of them along no axis."""
    second = [0.0] * inputs
    second[1], second[-1] = 0.6, 0.8
    return {"directions": [[1.0] + [0.0] * (inputs - 1), second], "weights": [1.0, -1.0]}


_TEACHERS: DomainTable[Callable[[UnsignedDomain], dict[str, Any]]] = DomainTable(
    "an example",
    {
        Circle: lambda _: {"angles": [0.5, 2.9, 4.9, 5.4], "weights": [1.0, -1.0, -1.0, 1.0]},
        HalfCircle: lambda _: {"directions": [[1.0]], "weights": [1.0]},
        HalfSphere: lambda _: {"angles": [0.0, 1.0], "weights": [1.0, -1.0]},
        Box: lambda _: {"directions": [[1.0], [-1.0]], "weights": [1.0, -0.5]},
        Space: lambda base: _in_space(base.geometry.components - 1),
        object: lambda base: _in_space(base.geometry.components),
    },
)
