from .quadratic import AngularGaussian as AngularGaussian
from .quadratic import quadratic_covariance as quadratic_covariance
from .quadratic import quadratic_flow as quadratic_flow
from .symmetric import SymmetricQuadratic as SymmetricQuadratic
from .symmetric import gegenbauer_mode as gegenbauer_mode
from .symmetric import linear_flow as linear_flow
