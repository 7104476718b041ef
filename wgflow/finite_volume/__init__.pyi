from .discretisation import choose_limiter as choose_limiter
from .explicit import ExplicitFiniteVolume as ExplicitFiniteVolume
from .implicit import IMPLICIT_METHODS as IMPLICIT_METHODS
from .implicit import ImplicitFiniteVolume as ImplicitFiniteVolume
from .implicit import default_tolerance as default_tolerance
from .kernels.limiters import LIMITERS as LIMITERS
from .kernels.limiters import SURFACE_LIMITERS as SURFACE_LIMITERS
from .runge_kutta import METHODS as METHODS
