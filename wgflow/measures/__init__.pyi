from .nodes import nodes_of_cells as nodes_of_cells
from .particles import Particles as Particles
from .particles import require_particles as require_particles
from .sampling import START_METHODS as START_METHODS
from .sampling import draw_gaussian as draw_gaussian
from .sampling import draw_particles as draw_particles
