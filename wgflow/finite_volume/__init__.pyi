from .explicit import ExplicitFiniteVolume as ExplicitFiniteVolume
from .implicit import IMPLICIT_METHODS as IMPLICIT_METHODS
from .implicit import ImplicitFiniteVolume as ImplicitFiniteVolume
from .implicit import default_tolerance as default_tolerance
from .runge_kutta import METHODS as METHODS
from .space import LIMITERS as LIMITERS
from .space import SPHERE_LIMITERS as SPHERE_LIMITERS
from .space import choose_limiter as choose_limiter
