"""How far a run is from the truth: the same run on coarser grids, or with fewer particles, tells it."""

from wgflow.estimates.estimator import Estimator, blank, recorded
from wgflow.estimates.grids import check_fixed, coarse_start, coarse_tolerance, grid_options, plan_grids
from wgflow.estimates.particles import (
    BATCHES,
    TOLERANCES,
    check_method,
    order_of,
    plan_batches,
    plan_draws,
    plan_particles,
)
from wgflow.estimates.plan import Plan, announcement, prepare_estimator
from wgflow.estimates.starts import batch
from wgflow.estimates.trials import quiet

__all__ = [
    "BATCHES",
    "TOLERANCES",
    "Estimator",
    "Plan",
    "announcement",
    "batch",
    "blank",
    "check_fixed",
    "check_method",
    "coarse_start",
    "coarse_tolerance",
    "grid_options",
    "order_of",
    "plan_batches",
    "plan_draws",
    "plan_grids",
    "plan_particles",
    "prepare_estimator",
    "quiet",
    "recorded",
]
