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
    from wgflow.errors import ComputationError, InputError, MissingExtraError, ShapeError, WallWarning, WgflowError
    from wgflow.flow import simulate, solve
    from wgflow.functionals import (
        Entropy,
        Features,
        Interaction,
        KernelDiscrepancy,
        Mass,
        Neurons,
        Particles,
        Population,
        Potential,
        PowerEnergy,
        Quadratic,
        Relu,
        SmoothLayer,
        SobolevDiscrepancy,
        Teacher,
        ZonalInteraction,
    )
    from wgflow.particles import Adaptive, Descent, RungeKutta4, draw_gaussian, draw_particles
    from wgflow.particles.deposit import deposit
    from wgflow.particles.directions import draw_balanced, draw_directions
    from wgflow.problems import follow, load, load_problem, open_problem, run
    from wgflow.sweeps import open_sweep, sweep
    from wgflow.sweeps.many import open_many
    from wgflow.timeloop import Limits, Observers
    from wgflow.trajectory import Trajectory
    from wgflow.variational import JkoFlow, JkoOptions, harmonic_population, make_jko_flow

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
    "open_many": "wgflow.sweeps.many",
    "open_problem": "wgflow.problems",
    "open_sweep": "wgflow.sweeps",
    "run": "wgflow.problems",
    "Trajectory": "wgflow.trajectory",
    "Interaction": "wgflow.functionals",
    "JkoFlow": "wgflow.variational",
    "JkoOptions": "wgflow.variational",
    "Neurons": "wgflow.functionals",
    "Potential": "wgflow.functionals",
    "WallWarning": "wgflow.errors",
    "cone_image": "wgflow.domains.cone",
    "deposit": "wgflow.particles.deposit",
    "draw_gaussian": "wgflow.particles",
    "harmonic_population": "wgflow.variational",
    "make_jko_flow": "wgflow.variational",
    "transfer": "wgflow.domains.transfer",
    "Adaptive": "wgflow.particles",
    "Descent": "wgflow.particles",
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
    "Circle",
    "ComputationError",
    "Descent",
    "Entropy",
    "Features",
    "Hypersphere",
    "InputError",
    "Interaction",
    "JkoFlow",
    "JkoOptions",
    "KernelDiscrepancy",
    "Limits",
    "Mass",
    "MissingExtraError",
    "Neurons",
    "Observers",
    "Particles",
    "Population",
    "Potential",
    "PowerEnergy",
    "Quadratic",
    "Relu",
    "RungeKutta4",
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
    "cone_image",
    "deposit",
    "draw_balanced",
    "draw_directions",
    "draw_gaussian",
    "draw_particles",
    "follow",
    "harmonic_population",
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
