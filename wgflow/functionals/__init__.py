"""Functionals F of measures, with their first variations J, on grids and at particles."""

from wgflow.functionals.base import Functional, GridFunctional, Mass, ParticlePotential, Particles, Sum
from wgflow.functionals.features import FeatureMap, Features, OuterProduct, Quadratic, Relu
from wgflow.functionals.losses import LOSSES, Loss, find_loss
from wgflow.functionals.population import Population, Teacher, arc_cosine_kernel, arc_cosine_sums

__all__ = [
    "LOSSES",
    "FeatureMap",
    "Features",
    "Functional",
    "GridFunctional",
    "Loss",
    "Mass",
    "OuterProduct",
    "ParticlePotential",
    "Particles",
    "Population",
    "Quadratic",
    "Relu",
    "Sum",
    "Teacher",
    "arc_cosine_kernel",
    "arc_cosine_sums",
    "find_loss",
]
