from .quadratic import AngularGaussian as AngularGaussian
from .quadratic import quadratic_covariance as quadratic_covariance
from .quadratic import quadratic_flow as quadratic_flow
