"""Problems: from configuration to the objects of a run, and back from a trajectory file."""

from wgflow.problems.api import follow, load, load_problem, open_problem, resume_run, run
from wgflow.problems.exact import AngularGaussian, quadratic_covariance, quadratic_flow
from wgflow.problems.problem import Problem

__all__ = [
    "AngularGaussian",
    "Problem",
    "follow",
    "load",
    "load_problem",
    "open_problem",
    "quadratic_covariance",
    "quadratic_flow",
    "resume_run",
    "run",
]
