from .explicit import ExplicitFiniteVolume as ExplicitFiniteVolume
from .implicit import IMPLICIT_METHODS as IMPLICIT_METHODS
from .implicit import ImplicitFiniteVolume as ImplicitFiniteVolume
from .runge_kutta import METHODS as METHODS
from .steppers import STEPPERS as STEPPERS
from .steppers import default_tolerance as default_tolerance
from .steppers import make_finite_volume as make_finite_volume
