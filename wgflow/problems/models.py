"""The sections of a problem file and the whole of it, declared once: types, ranges, defaults and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import Field, create_model

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.former_names import with_former
from wgflow.problems.domains import DOMAIN_SECTIONS, DomainSection
from wgflow.problems.domains import BoxSection as BoxSection
from wgflow.problems.energies.interactions import GaussianInteraction as GaussianInteraction
from wgflow.problems.initial.angular_gaussian import AngularGaussianInitial as AngularGaussianInitial
from wgflow.problems.initial.balanced import BalancedInitial as BalancedInitial
from wgflow.problems.initial.base import InitialSection
from wgflow.problems.initial.file import FileInitial as FileInitial
from wgflow.problems.initial.gaussian import GaussianInitial as GaussianInitial
from wgflow.problems.initial.registry import INITIALS
from wgflow.problems.initial.registry import MixtureInitial as MixtureInitial
from wgflow.problems.initial.uniform import UniformInitial as UniformInitial
from wgflow.problems.initial.von_mises_fisher import VonMisesFisherInitial as VonMisesFisherInitial
from wgflow.problems.kinds.base import ProblemSection
from wgflow.problems.kinds.deconvolution import DeconvolutionProblem as DeconvolutionProblem
from wgflow.problems.kinds.energy import EnergyProblem as EnergyProblem
from wgflow.problems.kinds.quadratic import QuadraticProblem as QuadraticProblem
from wgflow.problems.kinds.registry import KINDS
from wgflow.problems.kinds.two_layer import GAUSSIAN_TEACHER as GAUSSIAN_TEACHER
from wgflow.problems.kinds.two_layer import TwoLayerProblem as TwoLayerProblem
from wgflow.problems.sections import Positive, Section, Vector, choice
from wgflow.problems.solvers.base import SolverOptions
from wgflow.problems.solvers.finite_volume import FiniteVolumeSection as FiniteVolumeSection
from wgflow.problems.solvers.jko import JkoSection as JkoSection
from wgflow.problems.solvers.particles import ParticlesSection as ParticlesSection
from wgflow.problems.solvers.registry import SOLVERS, SolverSection
from wgflow.upwind import LIMITERS, choose_limiter

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)
    __path__: list[str] = []  # it was a package, and former names of its modules are still found

FORMER_DEFAULTS = {"stepper": "ssprk3", "tolerance": 1e-4}  # of [finite_volume], in files of schema 2
Options = TypeVar("Options", bound=SolverOptions)


class OutputSection(Section):
    """When snapshots are taken."""

    snapshots: int = Field(101, ge=2, le=10**6, description="number of snapshots, start and end included")
    spacing: Literal["linear", "log"] = Field("linear", description="how snapshots are spread over time")
    first: Positive | None = Field(None, description="first time after 0 of logarithmic snapshots; t_end / 1000")
    times: Vector | None = Field(None, description="times of the snapshots; they take the place of a number")
    checkpoint: Positive | None = Field(
        600.0, description="seconds after which the state between two snapshots is kept, for --resume after a kill"
    )
    durable: bool = Field(False, description="wait at each snapshot until the disk has it, to survive a loss of power")


class SectionsOfFile(Section):
    """A whole problem file."""

    if TYPE_CHECKING:
        problem: ProblemSection
        domain: DomainSection
        initial: InitialSection
        solver: SolverSection
        output: OutputSection

    @property
    def options(self) -> SolverOptions:
        """The section of the solver."""
        options: SolverOptions = getattr(self, self.solver.kind)
        return options

    @property
    def drawing(self) -> ParticlesSection:
        """How particles are drawn, and how many."""
        return self.options_of(ParticlesSection)

    def options_of(self, section: type[Options]) -> Options:
        """The section of one of the solvers."""
        return next(options for _, options in self if type(options) is section)

    def with_former_defaults(self, stored: ProblemFile) -> ProblemFile:
        """Take from the problem in a file what was a default when it was written, where this one leaves it out."""
        section, found = self.options_of(FiniteVolumeSection), stored.options_of(FiniteVolumeSection)
        taken = {
            key: former
            for key, former in FORMER_DEFAULTS.items()
            if key not in section.model_fields_set and getattr(found, key) == former
        }
        return self.model_copy(update={"finite_volume": section.model_copy(update=taken)})

    def with_limiter(self, domain: Domain) -> ProblemFile:
        """Write out the limiter, where it is left to the domain; raises InputError if it is not available there."""
        try:
            options = self.options_of(FiniteVolumeSection)
            return self._limited_by(choose_limiter(options.limiter, domain, options.spatial_order))
        except InputError as error:
            raise InputError(f"[finite_volume] {error}") from None

    def renamed(self, *, former: bool) -> ProblemFile:
        """A problem that was stored, with the limiter of a sphere by its present name.

        Those for cells in rows were names of that one scheme there, where files are ``former`` or there are none today.
        """
        limiter, domain = self.options_of(FiniteVolumeSection).limiter, self.domain.build()
        if limiter not in LIMITERS or limiter == "positive":
            return self
        try:
            choose_limiter(limiter, domain)
        except InputError:
            former = True
        return self._limited_by(choose_limiter(None, domain)) if former else self

    def _limited_by(self, limiter: str) -> ProblemFile:
        section = self.options_of(FiniteVolumeSection).model_copy(update={"limiter": limiter})
        return self.model_copy(update={"finite_volume": section})

    @property
    def limits_slopes(self) -> bool:
        """Whether the limiter counts."""
        options = self.options
        return isinstance(options, FiniteVolumeSection) and options.limits_slopes


def _required(kinds: Any) -> Any:
    return choice(kinds.values()), ...


if TYPE_CHECKING:
    ProblemFile = SectionsOfFile
else:
    ProblemFile = create_model(
        "ProblemFile",
        __base__=SectionsOfFile,
        __module__=__name__,
        __doc__=SectionsOfFile.__doc__,
        problem=_required(KINDS),
        domain=_required(DOMAIN_SECTIONS),
        initial=(choice(INITIALS.values()), UniformInitial()),
        solver=(SolverSection, ...),
        **{name: (section, section()) for name, section in SOLVERS.items()},
        output=(OutputSection, OutputSection()),
    )
