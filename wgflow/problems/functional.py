"""From [problem] to the functional of a run."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.functionals import FeatureMap, Features, Functional, Quadratic
from wgflow.measures import Particles
from wgflow.networks import Neurons, Population, SmoothLayer, Teacher
from wgflow.networks.relu import Relu
from wgflow.problems.datasets import Dataset
from wgflow.problems.deconvolution import make_deconvolution
from wgflow.problems.energies import make_energy
from wgflow.problems.models import (
    DeconvolutionProblem,
    EnergyProblem,
    ProblemFile,
    QuadraticProblem,
    TeacherSection,
    TwoLayerProblem,
)
from wgflow.problems.variational import population_of_modes
from wgflow.typing import FloatArray


def make_risk(
    config: ProblemFile, domain: Domain, dataset: Dataset | None, samples: Particles | None = None
) -> Functional:
    """F without its regularisation, with kinks rounded where the solver moves particles.

    Parameters
    ----------
    config : ProblemFile
        The checked sections.
    domain : Domain
        Where the measure lives.
    dataset : Dataset or None
        The data, where the problem has any.
    samples : Particles or None
        Samples of a target measure, where the problem has any.

    Raises
    ------
    InputError
        If the problem has neither data nor a teacher, or an option is not allowed there.
    """
    section = config.problem
    if isinstance(section, QuadraticProblem):
        return Quadratic(np.array(section.target))
    if isinstance(section, EnergyProblem):
        return make_energy(config, section, domain, samples)
    if isinstance(section, DeconvolutionProblem):
        return make_deconvolution(section, domain)
    if dataset is None:
        if section.teacher is None:
            raise InputError("[problem] has neither data nor a teacher")
        teacher = make_teacher(section.teacher)
        if config.solver.kind == "jko" and config.jko.scheme == "dual":
            return population_of_modes(teacher, domain, config.jko.modes)
        return Population(teacher)
    hidden = _hidden_layer(config, section, dataset.inputs)
    has_pairs = domain.points.shape[-1] == dataset.inputs.shape[1] + 1
    features = Neurons(hidden) if has_pairs else hidden
    return Features(features, dataset.targets, section.loss, memory_limit=section.memory_limit * 2.0**20)


def make_teacher(section: TeacherSection) -> Teacher:
    """Build the teacher network."""
    weights = np.array(section.weights)
    if section.angles is not None:
        return Teacher.from_angles(np.array(section.angles), weights)
    return Teacher(np.array(section.directions), weights)


def _hidden_layer(config: ProblemFile, section: TwoLayerProblem, inputs: FloatArray) -> FeatureMap:
    if section.activation != "relu":
        return SmoothLayer(inputs, section.activation)
    solver = config.solver.kind
    smoothing = {
        "finite_volume": 0.0,
        "particles": config.particles.kink_smoothing,
        "characteristics": config.characteristics.smoothing,
        "jko": config.jko.smoothing if config.jko.scheme == "dual" else 0.0,
        "normalised": 0.0,
    }[solver]
    return Relu(inputs, smoothing, config.particles.precision if solver == "particles" else "float64")
