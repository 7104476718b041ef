from .langevin import Langevin as Langevin
from .langevin import suitable_langevin as suitable_langevin
from .methods import Adaptive as Adaptive
from .methods import Descent as Descent
from .methods import Method as Method
from .methods import RungeKutta4 as RungeKutta4
from .polar import PolarFlow as PolarFlow
from .system import ParticleFlow as ParticleFlow
