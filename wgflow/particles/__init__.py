"""The flow as a system of particles: finite-width networks, and characteristics of the PDE."""

from wgflow.functionals import Particles
from wgflow.particles.characteristics import CharacteristicFlow, nodes_of_cells
from wgflow.particles.langevin import Langevin, suitable_langevin
from wgflow.particles.methods import Adaptive, Descent, Method, RungeKutta4
from wgflow.particles.polar import PolarFlow
from wgflow.particles.sampling import START_METHODS, draw_gaussian, draw_particles
from wgflow.particles.system import ParticleFlow

__all__ = [
    "START_METHODS",
    "Adaptive",
    "CharacteristicFlow",
    "Descent",
    "Langevin",
    "Method",
    "ParticleFlow",
    "Particles",
    "PolarFlow",
    "RungeKutta4",
    "draw_gaussian",
    "draw_particles",
    "nodes_of_cells",
    "suitable_langevin",
]
