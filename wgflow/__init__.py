"""Wasserstein gradient flows on grids and with particles.

>>> import wgflow
>>> flow = wgflow.run("teacher.toml")  # doctest: +SKIP
>>> flow.risk[-1]  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wgflow.domains import Box, Circle, Hypersphere, Signed, Space, Sphere
    from wgflow.domains.cone import cone_image
    from wgflow.domains.transfer import transfer
    from wgflow.errors import (
        ComputationError,
        FlowWarning,
        InputError,
        MissingExtraError,
        ResumeWarning,
        ShapeError,
        WallWarning,
        WgflowError,
    )
    from wgflow.flow import simulate, solve
    from wgflow.functionals import (
        Deconvolution,
        DirichletKernel,
        Entropy,
        Features,
        FourierKernel,
        Interaction,
        KernelDiscrepancy,
        Mass,
        Neurons,
        Particles,
        PeriodicGaussian,
        Population,
        Potential,
        PowerEnergy,
        Quadratic,
        Relu,
        SampledKernel,
        SmoothLayer,
        SobolevDiscrepancy,
        Teacher,
        ZonalInteraction,
    )
    from wgflow.metrics import find_spikes
    from wgflow.optimality.certificates import Certificate, certify, certify_trajectory
    from wgflow.optimality.convex import Optimum, find_optimum
    from wgflow.optimality.margins import feature_margin, kernel_margin, linear_margin, variation_margin
    from wgflow.particles import Adaptive, Descent, Langevin, RungeKutta4, draw_gaussian, draw_particles
    from wgflow.particles.deposit import deposit
    from wgflow.particles.directions import draw_balanced, draw_directions
    from wgflow.problems import follow, load, load_problem, open_problem, run
    from wgflow.sweeps import open_sweep, sweep
    from wgflow.sweeps.many import open_many
    from wgflow.timeloop import Limits, Observers
    from wgflow.trajectory import Trajectory
    from wgflow.variational import JkoFlow, JkoOptions, LinearisedJkoFlow, harmonic_population, make_jko_flow
    from wgflow.variational.normalised import NormalisedFlow

# Names are imported when they are first used: numba and the rest take a second that `wgflow --help` need not pay.
_HOME = {
    "Box": "wgflow.domains",
    "Circle": "wgflow.domains",
    "Signed": "wgflow.domains",
    "Sphere": "wgflow.domains",
    "ComputationError": "wgflow.errors",
    "InputError": "wgflow.errors",
    "MissingExtraError": "wgflow.errors",
    "ShapeError": "wgflow.errors",
    "WgflowError": "wgflow.errors",
    "Limits": "wgflow.timeloop",
    "Observers": "wgflow.timeloop",
    "simulate": "wgflow.flow",
    "solve": "wgflow.flow",
    "sweep": "wgflow.sweeps",
    "Deconvolution": "wgflow.functionals",
    "DirichletKernel": "wgflow.functionals",
    "FourierKernel": "wgflow.functionals",
    "PeriodicGaussian": "wgflow.functionals",
    "SampledKernel": "wgflow.functionals",
    "find_spikes": "wgflow.metrics",
    "Entropy": "wgflow.functionals",
    "Features": "wgflow.functionals",
    "KernelDiscrepancy": "wgflow.functionals",
    "PowerEnergy": "wgflow.functionals",
    "SobolevDiscrepancy": "wgflow.functionals",
    "ZonalInteraction": "wgflow.functionals",
    "Mass": "wgflow.functionals",
    "Particles": "wgflow.functionals",
    "Population": "wgflow.functionals",
    "Quadratic": "wgflow.functionals",
    "Relu": "wgflow.functionals",
    "Teacher": "wgflow.functionals",
    "draw_particles": "wgflow.particles",
    "follow": "wgflow.problems",
    "load": "wgflow.problems",
    "load_problem": "wgflow.problems",
    "Certificate": "wgflow.optimality.certificates",
    "certify": "wgflow.optimality.certificates",
    "certify_trajectory": "wgflow.optimality.certificates",
    "Optimum": "wgflow.optimality.convex",
    "find_optimum": "wgflow.optimality.convex",
    "feature_margin": "wgflow.optimality.margins",
    "kernel_margin": "wgflow.optimality.margins",
    "linear_margin": "wgflow.optimality.margins",
    "variation_margin": "wgflow.optimality.margins",
    "NormalisedFlow": "wgflow.variational.normalised",
    "open_many": "wgflow.sweeps.many",
    "open_problem": "wgflow.problems",
    "open_sweep": "wgflow.sweeps",
    "run": "wgflow.problems",
    "Trajectory": "wgflow.trajectory",
    "Interaction": "wgflow.functionals",
    "JkoFlow": "wgflow.variational",
    "JkoOptions": "wgflow.variational",
    "LinearisedJkoFlow": "wgflow.variational",
    "Neurons": "wgflow.functionals",
    "Potential": "wgflow.functionals",
    "FlowWarning": "wgflow.errors",
    "ResumeWarning": "wgflow.errors",
    "WallWarning": "wgflow.errors",
    "cone_image": "wgflow.domains.cone",
    "deposit": "wgflow.particles.deposit",
    "draw_gaussian": "wgflow.particles",
    "harmonic_population": "wgflow.variational",
    "make_jko_flow": "wgflow.variational",
    "transfer": "wgflow.domains.transfer",
    "Adaptive": "wgflow.particles",
    "Descent": "wgflow.particles",
    "Langevin": "wgflow.particles",
    "Hypersphere": "wgflow.domains",
    "RungeKutta4": "wgflow.particles",
    "SmoothLayer": "wgflow.functionals",
    "Space": "wgflow.domains",
    "draw_balanced": "wgflow.particles.directions",
    "draw_directions": "wgflow.particles.directions",
}

__all__ = [
    "Adaptive",
    "Box",
    "Certificate",
    "Circle",
    "ComputationError",
    "Deconvolution",
    "Descent",
    "DirichletKernel",
    "Entropy",
    "Features",
    "FlowWarning",
    "FourierKernel",
    "Hypersphere",
    "InputError",
    "Interaction",
    "JkoFlow",
    "JkoOptions",
    "KernelDiscrepancy",
    "Langevin",
    "Limits",
    "LinearisedJkoFlow",
    "Mass",
    "MissingExtraError",
    "Neurons",
    "NormalisedFlow",
    "Observers",
    "Optimum",
    "Particles",
    "PeriodicGaussian",
    "Population",
    "Potential",
    "PowerEnergy",
    "Quadratic",
    "Relu",
    "ResumeWarning",
    "RungeKutta4",
    "SampledKernel",
    "ShapeError",
    "Signed",
    "SmoothLayer",
    "SobolevDiscrepancy",
    "Space",
    "Sphere",
    "Teacher",
    "Trajectory",
    "WallWarning",
    "WgflowError",
    "ZonalInteraction",
    "certify",
    "certify_trajectory",
    "cone_image",
    "deposit",
    "draw_balanced",
    "draw_directions",
    "draw_gaussian",
    "draw_particles",
    "feature_margin",
    "find_optimum",
    "find_spikes",
    "follow",
    "harmonic_population",
    "kernel_margin",
    "linear_margin",
    "load",
    "load_problem",
    "make_jko_flow",
    "open_many",
    "open_problem",
    "open_sweep",
    "run",
    "simulate",
    "solve",
    "sweep",
    "transfer",
    "variation_margin",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("wgflow")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'wgflow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
