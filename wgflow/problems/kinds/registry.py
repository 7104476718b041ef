"""The kinds of [problem]."""

from __future__ import annotations

from wgflow.problems.kinds.base import ProblemSection
from wgflow.problems.kinds.deconvolution import DeconvolutionProblem
from wgflow.problems.kinds.energy import EnergyProblem
from wgflow.problems.kinds.quadratic import QuadraticProblem
from wgflow.problems.kinds.transport import TransportProblem
from wgflow.problems.kinds.two_layer import TwoLayerProblem
from wgflow.registry import Registry

KINDS: Registry[type[ProblemSection]] = Registry(
    "problem kind",
    {
        "two_layer": TwoLayerProblem,
        "quadratic": QuadraticProblem,
        "energy": EnergyProblem,
        "deconvolution": DeconvolutionProblem,
        "transport": TransportProblem,
    },
)
