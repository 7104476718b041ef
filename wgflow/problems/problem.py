"""From checked sections to the objects of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tomli_w

from wgflow import networks
from wgflow.domains import Domain, Signed, make_domain
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.domains.slab import whole_of
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.flows import Evolution, FlowState
from wgflow.flows.growth import RunSetup
from wgflow.flows.loop import Limits
from wgflow.former_names import with_former
from wgflow.functionals import Entropy, Functional, Mass
from wgflow.measures import Particles, draw_particles
from wgflow.problems.checks import check_magnitudes, check_sections
from wgflow.problems.columns import Columns
from wgflow.problems.datasets import Dataset
from wgflow.problems.initial.base import InitialSection
from wgflow.problems.initial.registry import initial_averages, initial_particles
from wgflow.problems.kinds.deconvolution import DeconvolutionProblem
from wgflow.problems.kinds.two_layer import TwoLayerProblem
from wgflow.problems.models import ProblemFile
from wgflow.problems.on_ranks import on_ranks
from wgflow.problems.own_code import OwnCode, WithheldFunctional, read_code
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.reading import estimate_read, read_data, read_samples_of, read_start
from wgflow.problems.restart import StoredMeasure
from wgflow.problems.solvers.base import SolverOptions
from wgflow.problems.solvers.particles import ParticlesSection
from wgflow.problems.times import output_times
from wgflow.runs.memory import MemoryEstimate, check_larger_box, check_memory
from wgflow.runs.shared_fields import part_of
from wgflow.system.launchers import LAUNCH
from wgflow.typing import FloatArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)


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
    code : OwnCode
        Functions in Python files that the problem names.
    name : str
        What its file is called, without the ending; empty where it comes from Python.
    """

    config: ProblemFile
    domain: Domain
    dataset: Dataset | None = field(repr=False)
    start: StoredMeasure | None = field(default=None, repr=False)
    samples: Particles | None = field(default=None, repr=False)
    force: bool = False
    code: OwnCode = field(default_factory=OwnCode, repr=False)
    name: str = field(default="", repr=False, compare=False)
    _checked: dict[str, FloatArray] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The problem as TOML, with every default written out."""
        return tomli_w.dumps(self.config.model_dump(exclude_none=True))

    @property
    def solver(self) -> str:
        """Name of the solver."""
        return self.config.solver.kind

    @property
    def options(self) -> SolverOptions:
        """The section of the solver."""
        return self.config.options

    @property
    def drawing(self) -> ParticlesSection:
        """How particles are drawn, and how many."""
        return self.config.drawing

    @property
    def teacher(self) -> networks.Teacher | None:
        """The teacher network, where the problem has one."""
        found = self.target
        return found if isinstance(found, networks.Teacher) else None

    @cached_property
    def target(self) -> networks.Teacher | networks.Link | None:
        """The teacher network or link, where the problem has one."""
        section = self.config.problem
        if not isinstance(section, TwoLayerProblem) or self.code.withheld:
            return None
        return section.target(self.config.domain.parameters.get("inputs"), self.code)

    @property
    def spikes(self) -> Particles | None:
        """The spikes to find, where the problem is a deconvolution."""
        section = self.config.problem
        return section.spikes.on(self.domain) if isinstance(section, DeconvolutionProblem) else None

    @property
    def inputs(self) -> int | None:
        """Number of inputs of the network, a bias included; None where the problem is no network."""
        if self.dataset is not None:
            return int(self.dataset.inputs.shape[1])
        target = self.target
        return None if target is None else target.inputs

    @property
    def has_pairs(self) -> bool:
        """Whether points are pairs (a, b) of output and input weights, and not directions of balanced neurons."""
        inputs = self.inputs
        return inputs is not None and self.domain.geometry.components == inputs + 1

    @property
    def moves_particles(self) -> bool:
        """Whether the state of the solver is one of particles."""
        return self.options.moves_particles

    @cached_property
    def functional(self) -> Functional:
        """F, with kinks rounded where the solver moves particles; it cannot be used where its code may not be run."""
        if self.code.withheld:
            return WithheldFunctional(self.code.withheld)
        section = self.config.problem
        given = (self.dataset, self.samples, self.code, self.config.domain.parameters.get("inputs"))
        setting = ProblemSetting(whole_of(self.domain), self.solver, self.options, *given)
        functional = section.functional(setting)
        if section.regularization > 0.0:
            functional = functional + Mass(section.regularization)
        has_own = section.is_energy or section.temperature == 0.0  # entropies are among the terms
        return functional if has_own else functional + Entropy(section.temperature)

    @property
    def reaction(self) -> float:
        """The factor beta."""
        chosen = self.config.solver.reaction
        natural = 0.0 if self.config.problem.is_energy else self.domain.reaction
        return natural if chosen is None else chosen

    @property
    def limits(self) -> Limits:
        """When to stop early, and how often to keep the state."""
        solver = self.config.solver
        return Limits(solver.stationarity, solver.wall_time, self.config.output.checkpoint)

    @property
    def run_setup(self) -> RunSetup:
        """Where a run lives, and on boxes what it does at the walls."""
        rule = self.config.domain.wall_rule
        return RunSetup(self.domain) if rule is None else RunSetup(self.domain, rule, self._restart, self._admit)

    def _admit(self, domain: Domain) -> None:
        check_larger_box(replace(self, domain=domain).memory(), domain.base.shape, force=self.force)

    def _restart(self, domain: Domain, time: float, density: FloatArray) -> Evolution:
        return replace(self, domain=domain).make_evolution(FlowState(time, {"density": density}))

    def memory(self, *, in_memory: bool = False, estimate: bool = False) -> MemoryEstimate:
        """Estimate the memory of a run, whose snapshots may stay in memory and whose errors may be estimated."""
        kept = {"in_memory": in_memory, "estimate": estimate}
        return estimate_read(self.config, self.dataset, self.start, domain=self.domain, **kept)

    @property
    def times(self) -> FloatArray:
        """Output times after 0."""
        return self.options.output_times(output_times(self.config.output, self.config.solver.t_end))

    @property
    def initial(self) -> InitialSection:
        """The initial measure, with its functions."""
        return self.config.initial.bound(self.code)

    def initial_density(self) -> FloatArray:
        """Cell averages of the initial measure; values at the cell centres for the order 5.

        Raises
        ------
        InputError
            If the measure does not live on the domain.
        """
        if not self.domain.base.has_cells:
            raise InputError(
                f"[solver] kind = {self.solver!r} needs a grid, which the domain {self.domain.kind!r} has not; choose "
                'solver.kind = "particles", or a circle, sphere or box'
            )
        checked = self._checked.pop("density", None)
        if checked is not None:
            return checked
        if self.config.initial.from_file:
            return part_of(self.domain, {"density": self._stored_start().on(whole_of(self.domain))})["density"]
        represent = point_values if self.options.pointwise else cell_averages
        return initial_averages(self.initial, self.domain, represent)

    def initial_at(self, points: FloatArray) -> FloatArray:
        """Density of the initial measure at points (n, p), or (2, n, p) of both sheets, where it has a closed form."""
        return self.initial.at_points(self.domain, points)

    def initial_particles(self) -> Particles:
        """Particles of the initial measure: those of a file, or drawn ones."""
        initial, options = self.initial, self.drawing
        if not initial.from_file:
            density = self._checked.pop("density", None)
            return initial_particles(initial, self.domain, options.count, options.start, density)
        stored = self._stored_start()
        if stored.particles is not None:
            return replace(stored.particles, domain=self.domain)
        return draw_particles(self.domain, self.initial_density(), options.count, initial.seed, options.start)

    def _stored_start(self) -> StoredMeasure:
        if self.start is None:
            raise InputError("the file of the initial measure was not read; open the problem file again")
        return self.start

    def forced(self, *, force: bool) -> Problem:
        """The problem itself, or where that is new, one that may need more memory than is free."""
        return replace(self, force=True) if force and not self.force else self

    def check_start(self) -> None:
        """Raise InputError unless the initial measure lives on the domain; its density is kept for the next run."""
        if self.start is not None and self.start.particles is not None:
            self.start.particles_on(self.domain)
        if self.options.draws_particles and not self.domain.base.has_cells:
            self.initial_particles()
        elif self.domain.base.has_cells or not self.options.moves_particles:
            self._checked["density"] = self.initial_density()

    def make_evolution(self, state: FlowState | None = None) -> Evolution:
        """Prepare the solver, at the start or at a state of an earlier run; raises InputError if it refuses."""
        try:
            evolution = self.options.make_evolution(self, state)
        except InputError as error:
            raise type(error)(f'[solver] kind = "{self.solver}": {error}') from None
        self._checked.clear()
        return evolution

    def density_at(self, state: FlowState | None) -> FloatArray:
        """Density of a state, or the initial one."""
        return self.initial_density() if state is None else state.fields["density"]

    def factors(self, state: FlowState | None) -> dict[str, Any]:
        """The factors alpha and beta, and the time, as all solvers take them."""
        time = 0.0 if state is None else state.time
        return {"transport": self.config.solver.transport, "reaction": self.reaction, "time": time}

    def moved(self, state: FlowState | None) -> dict[str, Any]:
        """The factors, and where the particles of a state have moved, as solvers of particles take them."""
        fields = {} if state is None else state.fields
        return {"points": fields.get("position"), "growth": fields.get("growth"), **self.factors(state)}

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


def build_problem(
    config: ProblemFile,
    folder: Path,
    *,
    given: Columns | None = None,
    force: bool = False,
    allow_code: bool = False,
    name: str = "",
) -> Problem:
    """Read the data and check that everything fits together.

    Parameters
    ----------
    config : ProblemFile
        The checked sections.
    folder : Path
        Folder that paths in the file are relative to.
    given : Columns, optional
        Data that Python gives in the place of a file.
    force : bool
        Whether to build what a run would need more memory for than there is.
    allow_code : bool
        Whether to run the Python files that the problem names.
    name : str
        What the file of the problem is called, without the ending.

    Raises
    ------
    InputError
        If the data cannot be read, parts of the problem do not fit together, a run needs more memory than is free, or
        there is code that may not be run.
    """
    check_magnitudes(config)
    code = read_code(references_in(config), folder, allow=allow_code)
    start, data = read_start(config, folder), read_data(config, folder, given, force=force, code=code)
    check_memory(estimate_read(config, data, start), force=force or LAUNCH.several)  # each rank looks at its part
    problem = assemble(config, data, start, read_samples_of(config, folder), force=force, code=code, name=name)
    problem = on_ranks(problem)
    config.problem.check_widths(problem)
    problem.check_start()
    config.problem.warn(problem)
    return problem


def assemble(
    config: ProblemFile,
    dataset: Dataset | None,
    start: StoredMeasure | None = None,
    samples: Particles | None = None,
    *,
    force: bool = False,
    code: OwnCode | None = None,
    name: str = "",
) -> Problem:
    """Build a problem from its sections and its data, and check that they fit together."""
    domain = domain_of(config)
    code = OwnCode() if code is None else code
    problem = Problem(config.with_limiter(domain), domain, dataset, start, samples, force, code, name)
    check_sections(problem)
    if problem.times.size == 0:
        raise InputError("[output] times must hold a time after 0")
    problem.functional  # noqa: B018 - raises where the functional does not accept its arguments
    return problem


def domain_of(config: ProblemFile) -> Domain:
    """Domain of a problem: particles of half circles and half spheres live on the whole sphere of R^d."""
    domain = make_domain(**config.domain.parameters)
    base = domain.base
    if not (isinstance(base, SymmetricDomain) and config.options.moves_particles):
        return domain
    return Signed(base.whole) if domain.sheets == 2 else base.whole


def references_in(config: ProblemFile) -> list[str]:
    """Functions in Python files that a problem names, "FILE.py:NAME"."""
    return [*config.problem.code, *config.initial.code]


def restore_samples(arrays: Mapping[str, FloatArray]) -> Particles | None:
    """Rebuild the samples of a target from the arrays of a trajectory file."""
    if "samples" not in arrays:
        return None
    return Particles(arrays["samples"], arrays["sample_weights"], np.ones(len(arrays["samples"])))


def restore_dataset(
    config: ProblemFile, arrays: Mapping[str, FloatArray], names: tuple[str, ...] = ()
) -> Dataset | None:
    """Rebuild the data from the arrays of a trajectory file and the names of its columns, where it has them."""
    if "inputs" not in arrays:
        return None
    if len(names) != len(arrays["input_shift"]) + 1:
        section = config.problem
        described = section.dataset if isinstance(section, TwoLayerProblem) else None
        inputs = (described.inputs if described else None) or [f"x{i}" for i in range(len(arrays["input_shift"]))]
        names = (*inputs, (described.output if described else None) or "y")
    shift, scale = arrays["target_units"]
    return Dataset(
        arrays["inputs"],
        arrays["targets"],
        arrays["input_shift"],
        arrays["input_scale"],
        float(shift),
        float(scale),
        names,
    )
