"""Sweeps: one problem for all combinations of some values, on many processes, gathered into one dataset."""

from wgflow.sweeps.api import carry_out, open_sweep, sweep
from wgflow.sweeps.axes import Axis, make_axes, parse_over
from wgflow.sweeps.plan import Plan, make_plan
from wgflow.sweeps.runs import Outcome, Watcher

__all__ = [
    "Axis",
    "Outcome",
    "Plan",
    "Watcher",
    "carry_out",
    "make_axes",
    "make_plan",
    "open_sweep",
    "parse_over",
    "sweep",
]
