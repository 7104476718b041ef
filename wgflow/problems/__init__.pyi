from .loading import follow as follow
from .loading import load as load
from .loading import load_problem as load_problem
from .problem import Problem as Problem
from .resuming import resume_run as resume_run
from .running import open_problem as open_problem
from .running import run as run
