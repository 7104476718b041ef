from .api import follow as follow
from .api import load as load
from .api import load_problem as load_problem
from .api import open_problem as open_problem
from .api import resume_run as resume_run
from .api import run as run
from .problem import Problem as Problem
