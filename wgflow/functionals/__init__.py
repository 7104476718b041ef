"""Functionals F of measures, with their first variations J, on grids and at particles."""

from wgflow.functionals.activations import SMOOTH_ACTIVATIONS, SmoothLayer
from wgflow.functionals.base import Functional, GridFunctional, Mass, ParticlePotential, Particles, Sum
from wgflow.functionals.deconvolution import Deconvolution
from wgflow.functionals.discrepancies import KernelDiscrepancy, SobolevDiscrepancy
from wgflow.functionals.energies import Interaction, Potential, ZonalInteraction
from wgflow.functionals.features import Features, Quadratic
from wgflow.functionals.internal import Entropy, InternalEnergy, PowerEnergy
from wgflow.functionals.losses import LOSSES, Loss, find_loss
from wgflow.functionals.maps import FeatureMap, OuterProduct, Relu
from wgflow.functionals.neurons import Neurons
from wgflow.functionals.periodic_kernels import DirichletKernel, FourierKernel, PeriodicGaussian, SampledKernel
from wgflow.functionals.population import Population, Teacher, arc_cosine_kernel, arc_cosine_sums

__all__ = [
    "LOSSES",
    "SMOOTH_ACTIVATIONS",
    "Deconvolution",
    "DirichletKernel",
    "Entropy",
    "FeatureMap",
    "Features",
    "FourierKernel",
    "Functional",
    "GridFunctional",
    "Interaction",
    "InternalEnergy",
    "KernelDiscrepancy",
    "Loss",
    "Mass",
    "Neurons",
    "OuterProduct",
    "ParticlePotential",
    "Particles",
    "PeriodicGaussian",
    "Population",
    "Potential",
    "PowerEnergy",
    "Quadratic",
    "Relu",
    "SampledKernel",
    "SmoothLayer",
    "SobolevDiscrepancy",
    "Sum",
    "Teacher",
    "ZonalInteraction",
    "arc_cosine_kernel",
    "arc_cosine_sums",
    "find_loss",
]
