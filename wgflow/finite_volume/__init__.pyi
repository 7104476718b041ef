from .explicit import ExplicitFiniteVolume as ExplicitFiniteVolume
from .implicit import IMPLICIT_METHODS as IMPLICIT_METHODS
from .implicit import ImplicitFiniteVolume as ImplicitFiniteVolume
from .implicit import default_tolerance as default_tolerance
from .runge_kutta import METHODS as METHODS
