"""How far a run is from the truth: the same run on coarser grids, or with fewer particles, tells it."""

from wgflow.estimates.estimator import Estimator, blank, recorded
from wgflow.estimates.grids import check_fixed, coarse_start, coarse_tolerance, grid_options, plan_grids
from wgflow.estimates.particles import BATCHES, check_method, coarser_method, order_of, plan_batches, plan_draws
from wgflow.estimates.particles import plan_particles
from wgflow.estimates.plan import Plan, announcement, prepare_estimator
from wgflow.estimates.starts import batch, is_even

__all__ = [
    "BATCHES",
    "Estimator",
    "Plan",
    "announcement",
    "batch",
    "blank",
    "check_fixed",
    "check_method",
    "coarse_start",
    "coarse_tolerance",
    "coarser_method",
    "grid_options",
    "is_even",
    "order_of",
    "plan_batches",
    "plan_draws",
    "plan_grids",
    "plan_particles",
    "prepare_estimator",
    "recorded",
]
