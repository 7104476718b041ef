from .discretisation import choose_limiter as choose_limiter
from .discretisation import make_space_scheme as make_space_scheme
from .kernels.limiters import LIMITERS as LIMITERS
from .kernels.limiters import SURFACE_LIMITERS as SURFACE_LIMITERS
from .scheme import SpaceScheme as SpaceScheme
from .step_equations import StepEquations as StepEquations
from .step_equations import UpwindMesh as UpwindMesh
