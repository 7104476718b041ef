"""The flow by its definition: steps that minimise F plus the squared distance to the last state."""

from wgflow.variational.control import JkoOptions, StepError
from wgflow.variational.dual import DualProblem, DualStep, solve_step
from wgflow.variational.flow import JkoFlow, PolarJkoFlow, make_jko_flow
from wgflow.variational.grid import GridJkoFlow
from wgflow.variational.harmonics import ArcCosineHarmonics, harmonic_population
from wgflow.variational.linearised import LinearisedJkoFlow

__all__ = [
    "ArcCosineHarmonics",
    "DualProblem",
    "DualStep",
    "GridJkoFlow",
    "JkoFlow",
    "JkoOptions",
    "LinearisedJkoFlow",
    "PolarJkoFlow",
    "StepError",
    "harmonic_population",
    "make_jko_flow",
    "solve_step",
]
