"""The flow as a system of particles: finite-width networks, and characteristics of the PDE."""

from wgflow.functionals import Particles
from wgflow.particles.characteristics import CharacteristicFlow, nodes_of_cells
from wgflow.particles.polar import PolarFlow
from wgflow.particles.sampling import draw_particles

__all__ = ["CharacteristicFlow", "Particles", "PolarFlow", "draw_particles", "nodes_of_cells"]
