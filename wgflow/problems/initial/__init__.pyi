from .registry import INITIALS as INITIALS
from .registry import initial_averages as initial_averages
from .registry import initial_particles as initial_particles
