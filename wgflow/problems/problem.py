"""From checked sections to the objects of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from wgflow.characteristics import CharacteristicFlow
from wgflow.domains import Domain, make_domain
from wgflow.domains.gridless import Gridless
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.errors import InputError
from wgflow.finite_volume import IMPLICIT_METHODS, ExplicitFiniteVolume, ImplicitFiniteVolume
from wgflow.flows import Evolution
from wgflow.flows.growth import RunSetup
from wgflow.flows.loop import Limits
from wgflow.flows.walls import WallRule
from wgflow.functionals import Entropy, Functional, Mass
from wgflow.measures import Particles, draw_particles
from wgflow.networks import Teacher
from wgflow.problems.checks import (
    check_activation,
    check_dimensions,
    check_diverging,
    check_growth,
    check_magnitudes,
    check_noise,
    check_widths,
)
from wgflow.problems.datasets import Dataset
from wgflow.problems.deconvolution import target_spikes
from wgflow.problems.functional import make_risk, make_teacher
from wgflow.problems.initial import initial_averages, initial_particles
from wgflow.problems.models import (
    BoxSection,
    DeconvolutionProblem,
    EnergyProblem,
    FileInitial,
    ProblemFile,
    TwoLayerProblem,
)
from wgflow.problems.particles import make_particle_flow, multiples_of_step
from wgflow.problems.reading import estimate_read, read_data, read_samples_of, read_start
from wgflow.problems.restart import StoredMeasure
from wgflow.problems.times import output_times
from wgflow.problems.variational import make_normalised_flow, make_variational_flow
from wgflow.runs.memory import MemoryEstimate, check_larger_box, check_memory
from wgflow.typing import FloatArray


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
    samples : Particles or None
        Samples of the target of a kernel discrepancy, where they come from a file.
    force : bool
        Whether to run what needs more memory than is free.
    """

    config: ProblemFile
    domain: Domain
    dataset: Dataset | None = field(repr=False)
    start: StoredMeasure | None = field(default=None, repr=False)
    samples: Particles | None = field(default=None, repr=False)
    force: bool = False

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
            return make_teacher(section.teacher)
        return None

    @property
    def spikes(self) -> Particles | None:
        """The spikes to find, where the problem is a deconvolution."""
        section = self.config.problem
        return target_spikes(section, self.domain) if isinstance(section, DeconvolutionProblem) else None

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
    def moves_particles(self) -> bool:
        """Whether the state of the solver is one of particles."""
        solver = self.config.solver.kind
        return solver in {"particles", "characteristics"} or (solver == "jko" and not self.config.jko.on_grid)

    @property
    def functional(self) -> Functional:
        """F, with kinks rounded where the solver moves particles."""
        functional = make_risk(self.config, self.domain, self.dataset, self.samples)
        section = self.config.problem
        if section.regularization > 0.0:
            functional = functional + Mass(section.regularization)
        has_own = isinstance(section, EnergyProblem)  # its entropies are among its terms
        return functional if has_own or section.temperature == 0.0 else functional + Entropy(section.temperature)

    @property
    def reaction(self) -> float:
        """The factor beta."""
        chosen = self.config.solver.reaction
        natural = 0.0 if isinstance(self.config.problem, EnergyProblem) else self.domain.reaction
        return natural if chosen is None else chosen

    @property
    def limits(self) -> Limits:
        """When to stop early, and how often to keep the state."""
        solver = self.config.solver
        return Limits(solver.stationarity, solver.wall_time, self.config.output.checkpoint)

    @property
    def run_setup(self) -> RunSetup:
        """Where a run lives, and on boxes what it does at the walls."""
        section = self.config.domain
        if not isinstance(section, BoxSection):
            return RunSetup(self.domain)
        rule = WallRule(section.wall_limit, section.wall_warning, section.grow)
        return RunSetup(self.domain, rule, self._restart, self._admit)

    def _admit(self, domain: Domain) -> None:
        check_larger_box(replace(self, domain=domain).memory(), domain.base.shape, force=self.force)

    def _restart(self, domain: Domain, time: float, density: FloatArray) -> Evolution:
        return replace(self, domain=domain).make_evolution(State(time, {"density": density}))

    def memory(self, *, in_memory: bool = False, estimate: bool = False) -> MemoryEstimate:
        """Estimate the memory of a run, whose snapshots may stay in memory and whose errors may be estimated."""
        kept = {"in_memory": in_memory, "estimate": estimate}
        return estimate_read(self._config_now(), self.dataset, self.start, **kept)

    def _config_now(self) -> ProblemFile:
        """The sections with the box as it is, which may have grown."""
        section, base = self.config.domain, self.domain.base
        if not isinstance(section, BoxSection):
            return self.config
        grown = section.model_copy(update={"shape": list(base.shape)})
        return self.config.model_copy(update={"domain": grown})

    @property
    def times(self) -> FloatArray:
        """Output times after 0."""
        config = self.config
        times = output_times(config.output, config.solver.t_end)
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
        pointwise = self.solver == "finite_volume" and self.config.finite_volume.pointwise
        return initial_averages(initial, self.domain, point_values if pointwise else cell_averages)

    def initial_particles(self) -> Particles:
        """Particles of the initial measure: those of a file, or drawn ones."""
        initial, options = self.config.initial, self.config.particles
        if isinstance(initial, FileInitial):
            stored = self._stored_start()
            if stored.particles is not None:
                return replace(stored.particles, domain=self.domain)
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
            density = fields["density"] if state is not None else self.initial_density()
            if options.stepper in IMPLICIT_METHODS:
                chosen: dict[str, Any] = {"stepper": options.stepper, "tolerance": options.tolerance, **factors}
                return ImplicitFiniteVolume(functional, self.domain, density, **chosen)
            return ExplicitFiniteVolume(
                functional.on_grid(self.domain),
                density,
                order=options.order,
                limiter=options.limiter,
                stepper=options.stepper,
                tolerance=options.tolerance,
                velocity=options.velocity,
                **factors,
            )
        moved: dict[str, Any] = {"points": fields.get("position"), "growth": fields.get("growth"), **factors}
        if self.solver == "particles":
            seed = config.initial.seed
            return make_particle_flow(
                config.particles, self.domain, functional, self.initial_particles(), seed, **moved
            )
        if self.solver == "normalised":
            density = fields["density"] if state is not None else self.initial_density()
            return make_normalised_flow(config.normalised, self.domain, functional, density, fields, **factors)
        if self.solver == "jko" and config.jko.on_grid:
            density = fields["density"] if state is not None else self.initial_density()
            return make_variational_flow(config.jko, self.domain, functional, density, **factors)
        if self.solver == "jko":
            return make_variational_flow(config.jko, self.domain, functional, self.initial_particles(), **moved)
        tolerance = config.characteristics.tolerance
        return CharacteristicFlow(functional, self.domain, self.initial_density(), tolerance=tolerance, **moved)

    def data_arrays(self) -> dict[str, FloatArray]:
        """Arrays that a trajectory file stores, so that it can be read without the data file."""
        if self.samples is not None:
            return {"samples": self.samples.points, "sample_weights": self.samples.weights}
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


def build_problem(config: ProblemFile, folder: Path, *, force: bool = False) -> Problem:
    """Read the data and check that everything fits together.

    Parameters
    ----------
    config : ProblemFile
        The checked sections.
    folder : Path
        Folder that paths in the file are relative to.
    force : bool
        Whether to build what a run would need more memory for than there is.

    Raises
    ------
    InputError
        If the data cannot be read, parts of the problem do not fit together, or a run needs more memory than is free.
    """
    check_magnitudes(config)
    start, data = read_start(config, folder), read_data(config, folder, force=force)
    check_memory(estimate_read(config, data, start), force=force)
    problem = replace(assemble(config, data, start, read_samples_of(config, folder)), force=force)
    check_widths(config, problem.domain)
    if start is not None and start.particles is not None:
        start.particles_on(problem.domain)
    # Raises where the measure does not live on the domain.
    of_particles = problem.solver == "particles" or (problem.solver == "jko" and not config.jko.on_grid)
    if isinstance(problem.domain.base, Gridless) and of_particles:
        problem.initial_particles()
    else:
        problem.initial_density()
    return problem


def assemble(
    config: ProblemFile,
    dataset: Dataset | None,
    start: StoredMeasure | None = None,
    samples: Particles | None = None,
) -> Problem:
    """Build a problem from its sections and its data, and check that they fit together."""
    parameters = config.domain.model_dump(exclude={"wall_warning", "wall_limit", "grow"})
    config = config.with_limiter()
    problem = Problem(config, make_domain(**parameters), dataset, start, samples)
    check_activation(config)
    check_dimensions(problem)
    check_noise(config, problem.reaction)
    check_growth(config)
    check_diverging(config, problem.reaction)
    if problem.times.size == 0:
        raise InputError("[output] times must hold a time after 0")
    problem.functional  # noqa: B018 - raises where the functional does not accept its arguments
    return problem


def restore_samples(arrays: Mapping[str, FloatArray]) -> Particles | None:
    """Rebuild the samples of a target from the arrays of a trajectory file."""
    if "samples" not in arrays:
        return None
    return Particles(arrays["samples"], arrays["sample_weights"], np.ones(len(arrays["samples"])))


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
