"""From checked sections to the objects of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from wgflow.domains import Domain, make_domain
from wgflow.domains.gridless import Gridless
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.errors import InputError
from wgflow.flow import check_times
from wgflow.functionals import (
    FeatureMap,
    Features,
    Functional,
    Mass,
    Neurons,
    Population,
    Quadratic,
    Relu,
    SmoothLayer,
    Teacher,
    find_loss,
)
from wgflow.growth import Course
from wgflow.particles import CharacteristicFlow, Particles, draw_particles
from wgflow.problems.datasets import Dataset, read_dataset
from wgflow.problems.initial import initial_averages, initial_particles
from wgflow.problems.models import (
    GAUSSIAN_TEACHER,
    BoxSection,
    FileInitial,
    OutputSection,
    ProblemFile,
    QuadraticProblem,
    TeacherSection,
    TwoLayerProblem,
)
from wgflow.problems.particles import make_particle_flow, multiples_of_step
from wgflow.problems.restart import StoredMeasure, read_measure
from wgflow.problems.variational import make_variational_flow, population_of_modes
from wgflow.schemes import Evolution, ExplicitFiniteVolume
from wgflow.timeloop import Limits
from wgflow.typing import FloatArray
from wgflow.walls import WallRule


@dataclass(frozen=True)
class State:
    """Where a flow stands: its time and the fields of its last snapshot."""

    time: float
    fields: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Problem:
    """A problem file with its objects.

    Parameters
    ----------
    config : ProblemFile
        The checked sections.
    domain : Domain
        Where the measure lives.
    dataset : Dataset or None
        The data, where the problem has any.
    start : StoredMeasure or None
        The initial measure, where it comes from a file.
    """

    config: ProblemFile
    domain: Domain
    dataset: Dataset | None = field(repr=False)
    start: StoredMeasure | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """The problem as TOML, with every default written out."""
        return tomli_w.dumps(self.config.model_dump(exclude_none=True))

    @property
    def solver(self) -> str:
        """Name of the solver."""
        return self.config.solver.kind

    @property
    def teacher(self) -> Teacher | None:
        """The teacher network, where the problem has one."""
        section = self.config.problem
        if isinstance(section, TwoLayerProblem) and section.teacher is not None:
            return _make_teacher(section.teacher)
        return None

    def known_teacher(self) -> Teacher:
        """The teacher network; raises InputError where the problem has none."""
        teacher = self.teacher
        if teacher is None:
            raise InputError("[problem] has neither data nor a teacher")
        return teacher

    @property
    def inputs(self) -> int | None:
        """Number of inputs of the network, a bias included; None where the problem is no network."""
        if self.dataset is not None:
            return int(self.dataset.inputs.shape[1])
        teacher = self.teacher
        return None if teacher is None else int(teacher.directions.shape[1])

    @property
    def has_pairs(self) -> bool:
        """Whether points are pairs (a, b) of output and input weights, and not directions of balanced neurons."""
        inputs = self.inputs
        return inputs is not None and self.domain.points.shape[-1] == inputs + 1

    @property
    def functional(self) -> Functional:
        """F, with kinks rounded where the solver moves particles."""
        functional = self._risk()
        strength = self.config.problem.regularization
        return functional + Mass(strength) if strength > 0.0 else functional

    @property
    def reaction(self) -> float:
        """The factor beta."""
        chosen = self.config.solver.reaction
        return self.domain.reaction if chosen is None else chosen

    @property
    def limits(self) -> Limits:
        """When to stop early."""
        return Limits(self.config.solver.stationarity, self.config.solver.wall_time)

    @property
    def course(self) -> Course:
        """Where a run lives, and on boxes what it does at the walls."""
        section = self.config.domain
        if not isinstance(section, BoxSection):
            return Course(self.domain)
        return Course(self.domain, WallRule(section.wall_limit, section.wall_warning, section.grow), self._restart)

    def _restart(self, domain: Domain, time: float, density: FloatArray) -> Evolution:
        return replace(self, domain=domain).make_evolution(State(time, {"density": density}))

    @property
    def times(self) -> FloatArray:
        """Output times after 0."""
        config = self.config
        times = _output_times(config.output, config.solver.t_end)
        return multiples_of_step(config.particles, times) if self.solver == "particles" else times

    def initial_density(self) -> FloatArray:
        """Cell averages of the initial measure; values at the cell centres for the order 5.

        Raises
        ------
        InputError
            If the measure does not live on the domain.
        """
        initial = self.config.initial
        if isinstance(self.domain.base, Gridless):
            raise InputError(
                f"[solver] kind = {self.solver!r} needs a grid, which the domain {self.domain.kind!r} has not; choose "
                'solver.kind = "particles", or a circle, sphere or box'
            )
        if isinstance(initial, FileInitial):
            return self._stored_start().on(self.domain)
        pointwise = self.solver == "finite_volume" and self.config.finite_volume.order > 2
        return initial_averages(initial, self.domain, point_values if pointwise else cell_averages)

    def initial_particles(self) -> Particles:
        """Particles of the initial measure: those of a file, or drawn ones."""
        initial, options = self.config.initial, self.config.particles
        if isinstance(initial, FileInitial):
            stored = self._stored_start()
            if stored.particles is not None:
                return stored.particles
            return draw_particles(self.domain, stored.on(self.domain), options.count, initial.seed, options.start)
        return initial_particles(initial, self.domain, options.count, options.start)

    def _stored_start(self) -> StoredMeasure:
        if self.start is None:
            raise InputError("the file of the initial measure was not read; open the problem file again")
        return self.start

    def make_evolution(self, state: State | None = None) -> Evolution:
        """Prepare the solver, at the start or at a state of an earlier run."""
        config, functional = self.config, self.functional
        time = 0.0 if state is None else state.time
        factors = {"transport": config.solver.transport, "reaction": self.reaction, "time": time}
        fields = {} if state is None else state.fields
        if self.solver == "finite_volume":
            options = config.finite_volume
            return ExplicitFiniteVolume(
                functional.on_grid(self.domain),
                fields["density"] if state is not None else self.initial_density(),
                order=options.order,
                limiter=options.limiter,
                stepper=options.stepper,
                velocity=options.velocity,
                **factors,
            )
        moved: dict[str, Any] = {"points": fields.get("position"), "growth": fields.get("growth"), **factors}
        if self.solver == "particles":
            seed = config.initial.seed
            return make_particle_flow(
                config.particles, self.domain, functional, self.initial_particles(), seed, **moved
            )
        if self.solver == "jko" and config.jko.representation == "grid":
            density = fields["density"] if state is not None else self.initial_density()
            return make_variational_flow(config.jko, self.domain, functional, density, **factors)
        if self.solver == "jko":
            return make_variational_flow(config.jko, self.domain, functional, self.initial_particles(), **moved)
        tolerance = config.characteristics.tolerance
        return CharacteristicFlow(functional, self.domain, self.initial_density(), tolerance=tolerance, **moved)

    def data_arrays(self) -> dict[str, FloatArray]:
        """Arrays that a trajectory file stores, so that it can be read without the data file."""
        if self.dataset is None:
            return {}
        data = self.dataset
        return {
            "inputs": data.inputs,
            "targets": data.targets,
            "input_shift": data.input_shift,
            "input_scale": data.input_scale,
            "target_units": np.array([data.target_shift, data.target_scale]),
        }

    def _risk(self) -> Functional:
        section = self.config.problem
        if isinstance(section, QuadraticProblem):
            return Quadratic(np.array(section.target))
        if self.dataset is None:
            if self.solver == "jko":
                return population_of_modes(self.known_teacher(), self.domain, self.config.jko.modes)
            return Population(self.known_teacher())
        hidden = self._hidden(section, self.dataset.inputs)
        features = Neurons(hidden) if self.has_pairs else hidden
        limit = section.memory_limit * 2.0**20
        return Features(features, self.dataset.targets, section.loss, memory_limit=limit)

    def _hidden(self, section: TwoLayerProblem, inputs: FloatArray) -> FeatureMap:
        if section.activation != "relu":
            return SmoothLayer(inputs, section.activation)
        smoothing = {
            "finite_volume": 0.0,
            "particles": self.config.particles.kink_smoothing,
            "characteristics": self.config.characteristics.smoothing,
            "jko": self.config.jko.smoothing,
        }[self.solver]
        return Relu(inputs, smoothing, self.config.particles.precision if self.solver == "particles" else "float64")


def _output_times(output: OutputSection, t_end: float) -> FloatArray:
    """Times after 0 that the output section asks for."""
    if output.times is not None:
        return check_times(output.times, t_end)
    if output.spacing == "linear":
        return check_times(None, t_end, output.snapshots)
    first = t_end / 1000.0 if output.first is None else output.first
    if first >= t_end:
        raise InputError(f"[output] first = {first:g} is not allowed; allowed is less than t_end = {t_end:g}")
    return check_times(np.geomspace(first, t_end, output.snapshots - 1).clip(max=t_end), t_end)


def build_problem(config: ProblemFile, folder: Path) -> Problem:
    """Read the data and check that everything fits together.

    Parameters
    ----------
    config : ProblemFile
        The checked sections.
    folder : Path
        Folder that paths in the file are relative to.

    Raises
    ------
    InputError
        If the data cannot be read, or parts of the problem do not fit together.
    """
    initial = config.initial
    start = None
    if isinstance(initial, FileInitial):
        start = read_measure(folder / Path(initial.path).expanduser(), initial.snapshot)
    problem = assemble(config, _read_data(config, folder), start)
    # Raises where the measure does not live on the domain.
    of_particles = problem.solver == "particles" or (
        problem.solver == "jko" and config.jko.representation == "particles"
    )
    if isinstance(problem.domain.base, Gridless) and of_particles:
        problem.initial_particles()
    else:
        problem.initial_density()
    return problem


def assemble(config: ProblemFile, dataset: Dataset | None, start: StoredMeasure | None = None) -> Problem:
    """Build a problem from its sections and its data, and check that they fit together."""
    parameters = config.domain.model_dump(exclude={"wall_warning", "wall_limit", "grow"})
    problem = Problem(config, make_domain(**parameters), dataset, start)
    _check_activation(config)
    _check_dimensions(problem)
    if problem.times.size == 0:
        raise InputError("[output] times must hold a time after 0")
    problem.functional  # noqa: B018 - raises where the functional does not accept its arguments
    return problem


def _read_data(config: ProblemFile, folder: Path) -> Dataset | None:
    section = config.problem
    if not isinstance(section, TwoLayerProblem) or section.data == GAUSSIAN_TEACHER:
        return None
    described = section.dataset
    named = described.path if described is not None and described.path is not None else section.data
    return read_dataset(
        folder / Path(str(named)).expanduser(),
        inputs=described.inputs if described else None,
        output=described.output if described else None,
        bias=described.bias if described else True,
        standardize=described.standardize if described else True,
        labels=find_loss(section.loss).labels,
    )


def _check_dimensions(problem: Problem) -> None:
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


def _check_activation(config: ProblemFile) -> None:
    """Raise InputError if neurons are to be directions, which only those of 1-homogeneous activations can be."""
    section, kind = config.problem, config.domain.kind
    if isinstance(section, TwoLayerProblem) and section.activation != "relu" and kind not in {"box", "space"}:
        raise InputError(
            f'[problem] activation = "{section.activation}" is not homogeneous of degree 1, so has no flow on a '
            f'{kind}; choose "relu", or pairs (a, b) on a domain of kind "box" or "space"'
        )


def _make_teacher(section: TeacherSection) -> Teacher:
    weights = np.array(section.weights)
    if section.angles is not None:
        return Teacher.from_angles(np.array(section.angles), weights)
    return Teacher(np.array(section.directions), weights)


def restore_dataset(config: ProblemFile, arrays: Mapping[str, FloatArray]) -> Dataset | None:
    """Rebuild the data from the arrays of a trajectory file."""
    if "inputs" not in arrays:
        return None
    section = config.problem
    described = section.dataset if isinstance(section, TwoLayerProblem) else None
    inputs = (described.inputs if described else None) or [f"x{i}" for i in range(len(arrays["input_shift"]))]
    output = (described.output if described else None) or "y"
    shift, scale = arrays["target_units"]
    return Dataset(
        arrays["inputs"],
        arrays["targets"],
        arrays["input_shift"],
        arrays["input_scale"],
        float(shift),
        float(scale),
        (*inputs, output),
    )
