"""Functionals F of measures, with their first variations J, on grids and at particles."""

from wgflow.functionals.activations import SMOOTH_ACTIVATIONS, SmoothLayer
from wgflow.functionals.base import Functional, GridFunctional, Mass, ParticlePotential, Particles, Sum
from wgflow.functionals.energies import Interaction, Potential
from wgflow.functionals.features import Features, Quadratic
from wgflow.functionals.losses import LOSSES, Loss, find_loss
from wgflow.functionals.maps import FeatureMap, OuterProduct, Relu
from wgflow.functionals.neurons import Neurons
from wgflow.functionals.population import Population, Teacher, arc_cosine_kernel, arc_cosine_sums

__all__ = [
    "LOSSES",
    "SMOOTH_ACTIVATIONS",
    "FeatureMap",
    "Features",
    "Functional",
    "GridFunctional",
    "Interaction",
    "Loss",
    "Mass",
    "Neurons",
    "OuterProduct",
    "ParticlePotential",
    "Particles",
    "Population",
    "Potential",
    "Quadratic",
    "Relu",
    "SmoothLayer",
    "Sum",
    "Teacher",
    "arc_cosine_kernel",
    "arc_cosine_sums",
    "find_loss",
]
