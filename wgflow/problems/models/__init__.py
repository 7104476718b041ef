"""The sections of a problem file, declared once: types, ranges, defaults and what they mean."""

from wgflow.problems.models.base import Section
from wgflow.problems.models.deconvolution import DeconvolutionProblem
from wgflow.problems.models.domains import (
    BoxSection,
    CircleSection,
    DomainSection,
    HypersphereSection,
    SpaceSection,
    SphereSection,
)
from wgflow.problems.models.energies import EnergyProblem
from wgflow.problems.models.file import OutputSection, ProblemFile
from wgflow.problems.models.functionals import (
    GAUSSIAN_TEACHER,
    DatasetSection,
    ProblemSection,
    QuadraticProblem,
    TeacherSection,
    TwoLayerProblem,
)
from wgflow.problems.models.initial import (
    AngularGaussianInitial,
    BalancedInitial,
    FileInitial,
    GaussianInitial,
    InitialSection,
    MixtureInitial,
    SingleInitial,
    UniformInitial,
    VonMisesFisherInitial,
)
from wgflow.problems.models.solvers import (
    DESCENTS,
    CharacteristicsSection,
    FiniteVolumeSection,
    JkoSection,
    NormalisedSection,
    ParticlesSection,
    SolverSection,
)

__all__ = [
    "DESCENTS",
    "GAUSSIAN_TEACHER",
    "AngularGaussianInitial",
    "BalancedInitial",
    "BoxSection",
    "CharacteristicsSection",
    "CircleSection",
    "DatasetSection",
    "DeconvolutionProblem",
    "DomainSection",
    "EnergyProblem",
    "FileInitial",
    "FiniteVolumeSection",
    "GaussianInitial",
    "HypersphereSection",
    "InitialSection",
    "JkoSection",
    "MixtureInitial",
    "NormalisedSection",
    "OutputSection",
    "ParticlesSection",
    "ProblemFile",
    "ProblemSection",
    "QuadraticProblem",
    "Section",
    "SingleInitial",
    "SolverSection",
    "SpaceSection",
    "SphereSection",
    "TeacherSection",
    "TwoLayerProblem",
    "UniformInitial",
    "VonMisesFisherInitial",
]
