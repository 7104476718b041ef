"""Names that modules had before version 0.2.0: they still work in this version, and warn."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Former module to present one, both without the leading "wgflow.".
MODULES = {
    "caching": "system.caching",
    "citations": "app.citations",
    "cli": "app.cli",
    "comparison": "app.comparison",
    "domains.cone": "measures.cone",
    "domains.transfer": "measures.transfer",
    "drafts": "system.drafts",
    "estimates": "runs.estimates",
    "estimates.coarsening": "runs.estimates.coarsening",
    "estimates.distances": "runs.estimates.distances",
    "estimates.estimator": "runs.estimates.estimator",
    "estimates.grids": "runs.estimates.grids",
    "estimates.particles": "runs.estimates.particles",
    "estimates.plan": "runs.estimates.plan",
    "estimates.richardson": "runs.estimates.richardson",
    "estimates.sampling": "runs.estimates.sampling",
    "estimates.spheres": "runs.estimates.spheres",
    "estimates.starts": "runs.estimates.starts",
    "estimates.trials": "runs.estimates.trials",
    "export": "app.export",
    "functionals.activations": "networks.activations",
    "functionals.arc_cosine": "networks.arc_cosine",
    "functionals.arc_sums": "networks.arc_sums",
    "functionals.circle_convolution": "networks.circle_convolution",
    "functionals.deconvolution": "functionals.energies.deconvolution",
    "functionals.discrepancies": "functionals.energies.discrepancies",
    "functionals.half_circles": "networks.half_circles",
    "functionals.internal": "functionals.energies.internal",
    "functionals.landscapes": "functionals.energies.landscapes",
    "functionals.neurons": "networks.neurons",
    "functionals.pair_population": "networks.pair_population",
    "functionals.periodic_kernels": "functionals.energies.periodic_kernels",
    "functionals.population": "networks.population",
    "functionals.relu_sums": "networks.relu_sums",
    "growth": "flows.growth",
    "memory": "runs.memory",
    "memory.coarse": "runs.memory.coarse",
    "memory.estimate": "runs.memory.estimate",
    "memory.functionals": "runs.memory.functionals",
    "memory.grids": "runs.memory.grids",
    "memory.particles": "runs.memory.particles",
    "memory.system": "system.memory",
    "metrics": "analysis.metrics",
    "metrics.atoms": "analysis.metrics.atoms",
    "metrics.discrepancy": "analysis.metrics.discrepancy",
    "metrics.pairs": "analysis.metrics.pairs",
    "metrics.predictors": "analysis.metrics.predictors",
    "metrics.spikes": "analysis.metrics.spikes",
    "metrics.wasserstein": "analysis.metrics.wasserstein",
    "optimality": "analysis.optimality",
    "optimality.certificates": "analysis.optimality.certificates",
    "optimality.convex": "analysis.optimality.convex",
    "optimality.frozen": "analysis.optimality.frozen",
    "optimality.margins": "analysis.optimality.margins",
    "optimality.minima": "analysis.optimality.minima",
    "optimality.pricing": "analysis.optimality.arrangement",
    "optimality.svm": "analysis.optimality.svm",
    "particles.ascent": "networks.training.ascent",
    "particles.characteristics": "characteristics.flow",
    "particles.classifiers": "networks.training.classifiers",
    "particles.clusters": "networks.training.clusters",
    "particles.deposit": "measures.deposit",
    "particles.directions": "measures.directions",
    "particles.placement": "measures.placement",
    "particles.sampling": "measures.sampling",
    "particles.strata": "measures.strata",
    "particles.students": "networks.training.students",
    "paths": "system.paths",
    "plotting.clouds": "plotting.particle_maps",
    "plotting.report": "app.report",
    "plotting.scenes": "plotting.film_frames",
    "plotting.sheets": "plotting.line_profiles",
    "problems.exact": "exact.quadratic",
    "problems.models.base": "problems.sections",
    "problems.models.deconvolution": "problems.kinds.deconvolution",
    "problems.models.domains": "problems.domains",
    "problems.models.file": "problems.models",
    "reporting": "app.reporting",
    "schemes": "finite_volume",
    "schemes.bernoulli": "finite_volume.bernoulli",
    "schemes.concentration": "flows.concentration",
    "schemes.evolution": "flows.evolution",
    "schemes.explicit": "finite_volume.explicit",
    "schemes.high_order": "upwind.kernels.high_order",
    "schemes.implicit": "finite_volume.implicit",
    "schemes.implicit_factor": "flows.factorisation",
    "schemes.implicit_powers": "finite_volume.implicit_powers",
    "schemes.implicit_space": "finite_volume.implicit_space",
    "schemes.implicit_state": "flows.grid_state",
    "schemes.line": "upwind.kernels.line",
    "schemes.point_values": "upwind.point_values",
    "schemes.runge_kutta": "finite_volume.runge_kutta",
    "schemes.space": "upwind.space",
    "schemes.sphere": "upwind.surface",
    "schemes.step_control": "flows.step_control",
    "schemes.stiffness": "finite_volume.stiffness",
    "schemes.structured": "upwind.kernels.structured",
    "schemes.unstructured": "upwind.kernels.unstructured",
    "schemes.whole_steps": "flows.whole_steps",
    "signals": "system.signals",
    "sweeps": "app.sweeps",
    "sweeps.api": "app.sweeps.api",
    "sweeps.axes": "app.sweeps.axes",
    "sweeps.cluster": "app.sweeps.cluster",
    "sweeps.command": "app.sweeps.command",
    "sweeps.dispatch": "app.sweeps.dispatch",
    "sweeps.folder": "app.sweeps.folder",
    "sweeps.gather": "app.sweeps.gather",
    "sweeps.many": "app.sweeps.many",
    "sweeps.plan": "app.sweeps.plan",
    "sweeps.runs": "app.sweeps.runs",
    "terminal": "app.terminal",
    "threads": "system.threads",
    "timeloop": "flows.loop",
    "trajectory.chunk_index": "trajectory.hdf5.btree",
    "trajectory.fletcher": "trajectory.hdf5.fletcher",
    "trajectory.growing_file": "trajectory.hdf5.appender",
    "trajectory.raw_file": "trajectory.hdf5.hdf5_bytes",
    "trajectory.retry": "trajectory.live_reading",
    "trajectory.seal": "trajectory.hdf5.integrity",
    "trajectory.steps": "flows.steps",
    "trajectory.stored": "trajectory.lazy_field",
    "variational.control": "flows.planned_steps",
    "variational.geometry": "variational.geodesics",
    "variational.harmonics": "networks.harmonics",
    "variational.margin_losses": "normalised.margin_losses",
    "variational.multipliers": "normalised.data_weights",
    "variational.normalised": "normalised.flow",
    "variational.saddle": "variational.newton_step",
    "variational.sweeps": "upwind.kernels.substitution",
    "variational.upwind": "upwind.step_equations",
    "walls": "flows.walls",
}

# Former modules whose names are in several modules now; what is not listed is in that of MODULES, where it has one.
# A name that is another one now follows a colon.
SPLIT = {
    "comparison": dict.fromkeys(
        ("MOST_PAIRS", "MOST_TIMES", "SAME_TIME", "TransportDistance", "common_times", "relative_difference"),
        "analysis.comparison",
    ),
    "flow": {
        "attach_functional": "runs.record",
        "check_times": "runs.record",
        "record_flow": "runs.record",
        "simulate": "runs.simulate",
        "solve": "runs.solve",
    },
    "growth": {"Course": "flows.growth:RunSetup"},
    "optimality.minima": dict.fromkeys(("Pull", "chart", "chart_bounds", "descend"), "analysis.optimality.searches"),
    "problems.api": {
        "ProblemSource": "problems.running",
        "follow": "problems.loading",
        "load": "problems.loading",
        "load_problem": "problems.loading",
        "open_problem": "problems.running",
        "resume_run": "problems.resuming",
        "run": "problems.running",
    },
    "problems.models.energies": {
        "CosinePotential": "problems.energies.potentials",
        "DoubleWellPotential": "problems.energies.potentials",
        "EnergyProblem": "problems.kinds.energy",
        "EntropyEnergy": "problems.energies.internal",
        "GaussianInteraction": "problems.energies.interactions",
        "InteractionSection": "problems.energies.interactions",
        "KernelSection": "problems.energies.kernel",
        "LinearPotential": "problems.energies.potentials",
        "LogInteraction": "problems.energies.interactions",
        "PowerInternal": "problems.energies.internal",
        "PowersInteraction": "problems.energies.interactions",
        "QuadraticInteraction": "problems.energies.interactions",
        "QuadraticPotential": "problems.energies.potentials",
        "SobolevSection": "problems.energies.sobolev",
    },
    "problems.models.functionals": {
        "DatasetSection": "problems.kinds.two_layer",
        "GAUSSIAN_TEACHER": "problems.kinds.two_layer",
        "ProblemSection": "problems.kinds.base",
        "QuadraticProblem": "problems.kinds.quadratic",
        "TeacherSection": "problems.kinds.two_layer",
        "TwoLayerProblem": "problems.kinds.two_layer",
    },
    "problems.models.initial": {
        "AngularGaussianInitial": "problems.initial.angular_gaussian",
        "BalancedInitial": "problems.initial.balanced",
        "FileInitial": "problems.initial.file",
        "GaussianInitial": "problems.initial.gaussian",
        "InitialSection": "problems.initial.base",
        "MixtureInitial": "problems.initial.registry",
        "UniformInitial": "problems.initial.uniform",
        "VonMisesFisherInitial": "problems.initial.von_mises_fisher",
    },
    "problems.models.solvers": {
        "CharacteristicsSection": "problems.solvers.characteristics",
        "FiniteVolumeSection": "problems.solvers.finite_volume",
        "JkoSection": "problems.solvers.jko",
        "NormalisedSection": "problems.solvers.normalised",
        "ParticlesSection": "problems.solvers.particles",
        "SolverSection": "problems.solvers.registry",
    },
    "schemes.space": {
        "LIMITERS": "upwind.kernels.limiters",
        "SPHERE_LIMITERS": "upwind.kernels.limiters:SURFACE_LIMITERS",
        "choose_limiter": "upwind.discretisation",
        "make_space_scheme": "upwind.discretisation",
    },
    "variational.control": {"JkoOptions": "variational.options"},
    "variational.geometry": {
        "Flat": "variational.geodesics:StraightLines",
        "Geometry": "variational.geodesics:Geodesics",
        "Round": "variational.geodesics:GreatCircles",
    },
}

# Names that left a package or module whose own name stays, with the module that holds them now.
NAMES = {
    "domains.icosphere.SphereMesh": "domains.mesh:SurfaceMesh",
    "finite_volume.Checkpoint": "flows.evolution",
    "finite_volume.Evolution": "flows.evolution",
    "finite_volume.LIMITERS": "upwind.kernels.limiters",
    "finite_volume.SPHERE_LIMITERS": "upwind.kernels.limiters:SURFACE_LIMITERS",
    "finite_volume.Scalars": "flows.evolution",
    "finite_volume.Snapshot": "flows.evolution",
    "finite_volume.StepCounts": "flows.evolution",
    "finite_volume.choose_limiter": "upwind.discretisation",
    "functionals.Neurons": "networks.neurons",
    "functionals.Particles": "measures.particles",
    "functionals.Population": "networks.population",
    "functionals.Relu": "networks.relu",
    "functionals.SMOOTH_ACTIVATIONS": "networks.activations",
    "functionals.SmoothLayer": "networks.activations",
    "functionals.Teacher": "networks.population",
    "functionals.arc_cosine_kernel": "networks.population",
    "functionals.arc_cosine_sums": "networks.population",
    "functionals.kernels.GaussianKernel": "functionals.energies.radial_kernels",
    "functionals.kernels.PowerKernel": "functionals.energies.radial_kernels",
    "functionals.kernels.RadialKernel": "functionals.energies.radial_kernels",
    "functionals.kernels.SumKernel": "functionals.energies.radial_kernels",
    "functionals.maps.Relu": "networks.relu",
    "functionals.moments.ProductMoments": "networks.product_moments",
    "functionals.zonal.kernel_coefficients": "networks.zonal_convolution",
    "functionals.zonal.zonal_convolution": "networks.zonal_convolution",
    "particles.CharacteristicFlow": "characteristics.flow",
    "particles.Particles": "measures.particles",
    "particles.START_METHODS": "measures.sampling",
    "particles.draw_gaussian": "measures.sampling",
    "particles.draw_particles": "measures.sampling",
    "particles.nodes_of_cells": "measures.nodes",
    "plotting.maps.nearest_cells": "plotting.domain_views",
    "problems.AngularGaussian": "exact.quadratic",
    "problems.models.CharacteristicsSection": "problems.solvers.characteristics",
    "problems.models.CircleSection": "problems.domains",
    "problems.models.DatasetSection": "problems.kinds.two_layer",
    "problems.models.HypersphereSection": "problems.domains",
    "problems.models.NormalisedSection": "problems.solvers.normalised",
    "problems.models.SpaceSection": "problems.domains",
    "problems.models.SphereSection": "problems.domains",
    "problems.models.TeacherSection": "problems.kinds.two_layer",
    "problems.quadratic_covariance": "exact.quadratic",
    "problems.quadratic_flow": "exact.quadratic",
    "runs.memory.free_memory": "system.memory",
    "runs.memory.resident_memory": "system.memory",
    "trajectory.Recorder": "flows.recorder",
    "trajectory.schema.COUNTS": "flows.endings",
    "variational.ArcCosineHarmonics": "networks.harmonics",
    "variational.harmonic_population": "networks.harmonics",
}


class _PresentModule:
    """Gives the module of the present name in the place of one of a former name."""

    def __init__(self, present: str) -> None:
        self._present = present

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        """Import the present module; it keeps its own specification."""
        self._found = import_module(self._present)
        self._spec = self._found.__spec__
        return self._found

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do: the module has been executed under its own name."""
        module.__spec__ = self._spec


class _SplitModule:
    """Gives a module that finds each of its names where it is now."""

    def __init__(self, former: str) -> None:
        self._former = former

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Let the module find its names when they are asked for."""
        places, others = SPLIT[self._former], MODULES.get(self._former)

        def attribute(name: str) -> Any:
            if name in places:
                return _moved(f"wgflow.{self._former}.{name}", places[name])
            if others is not None and hasattr(import_module(f"wgflow.{others}"), name):
                return _moved(f"wgflow.{self._former}.{name}", others)
            raise AttributeError(f"module wgflow.{self._former} had no public {name}")

        vars(module)["__getattr__"] = attribute


class _FormerModules:
    """Finds modules by the names that they had before."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Give the present module, with a warning, where the name is a former one."""
        package, _, former = fullname.partition(".")
        if package == "wgflow" and former in SPLIT:
            return ModuleSpec(fullname, _SplitModule(former))  # type: ignore[arg-type]
        if package != "wgflow" or former not in MODULES:
            return None
        present = f"wgflow.{MODULES[former]}"
        _warn(fullname, present)
        return ModuleSpec(fullname, _PresentModule(present))  # type: ignore[arg-type]  # importlib.abc takes long to load


def _warn(former: str, present: str, level: int = 3) -> None:
    warnings.warn(f"{former} is called {present} since version 0.2.0", DeprecationWarning, stacklevel=level)


def _moved(former: str, place: str) -> Any:
    """Give what a former name stands for, with a warning."""
    module, _, name = place.partition(":")
    name = name or former.rpartition(".")[2]
    _warn(former, f"wgflow.{module}.{name}", level=4)
    return getattr(import_module(f"wgflow.{module}"), name)


def install() -> None:
    """Let former module names be imported, each with a DeprecationWarning."""
    if not any(isinstance(finder, _FormerModules) for finder in sys.meta_path):
        sys.meta_path.insert(0, _FormerModules())  # before files in packages that are called otherwise now are found


def with_former(module: str, present: Callable[[str], Any] | None = None) -> Callable[[str], Any]:
    """``__getattr__`` of a package or module that also knows the names which left it, and warns of them."""

    def attribute(name: str) -> Any:
        place = NAMES.get(f"{module.removeprefix('wgflow.')}.{name}")
        if place is not None:
            return _moved(f"{module}.{name}", place)
        if present is not None:
            return present(name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return attribute
