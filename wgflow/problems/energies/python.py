"""Potentials, interactions and internal energies by functions in Python files beside the problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from pydantic import Field

from wgflow.domains import Domain
from wgflow.domains.geometry import is_unit_sphere
from wgflow.errors import InputError
from wgflow.functionals import energies
from wgflow.functionals.differences import central_differences
from wgflow.problems.energies.base import EnergySection
from wgflow.problems.energies.binding import periods_of
from wgflow.problems.own_code import tried
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import Reference
from wgflow.typing import FloatArray

PROBES = 64  # points at which functions are tried before any work
AGREEMENT = 1e-3  # of a gradient with differences, relative to the largest, at most of the points


class _PythonEnergy(EnergySection):
    """An energy by a function, and maybe its derivative."""

    kind: str
    function: Reference = Field(description='a function in a file beside the problem, "FILE.py:NAME"; see --allow-code')
    gradient: Reference | None = Field(None, description="its gradient likewise; by differences where it is needed")

    @property
    def code(self) -> Iterator[str]:
        """The functions."""
        yield from filter(None, (self.function, self.gradient))

    def _functions(self, setting: ProblemSetting) -> tuple[Callable[..., FloatArray], Callable[..., FloatArray] | None]:
        return setting.code[self.function], None if self.gradient is None else setting.code[self.gradient]


class PythonPotential(_PythonEnergy):
    """V by a function: points (N, p) to values (N,); its gradient gives (N, p)."""

    kind: Literal["python"]

    def energy(self, setting: ProblemSetting) -> energies.Potential:
        """Build it; raises InputError unless the functions give what they should at some points of the domain."""
        energy, points = energies.Potential(*self._functions(setting)), probe_points(setting.domain)

        def work() -> None:
            energy.values(points)
            if energy.gradient is not None:
                tangential = setting.domain.geometry.tangential
                _check_gradient(energy.potential, energy.gradient, points, tangential)

        tried(self.function, work)
        return energy


class PythonInteraction(_PythonEnergy):
    """W by a function: displacements (N, p) to values (N,); on circle and sphere cosines of angles, (N,) to (N,)."""

    kind: Literal["python"]
    nonlocal_pairs = True

    def energy(self, setting: ProblemSetting) -> energies.Interaction | energies.ZonalInteraction:
        """Build it; raises InputError unless the functions give what they should."""
        kernel, gradient = self._functions(setting)
        domain = setting.domain
        if is_unit_sphere(domain.geometry):
            return self._zonal(kernel, gradient)
        energy, points = energies.Interaction(kernel, periods_of(domain), gradient=gradient), probe_points(domain)
        displacements = energy.displacements(points[:1], points)

        def work() -> None:
            energy.values(displacements)
            if gradient is not None:
                _check_gradient(kernel, gradient, displacements[1:], lambda _, vectors: vectors)

        tried(self.function, work)
        return energy

    def _zonal(
        self, kernel: Callable[..., FloatArray], slope: Callable[..., FloatArray] | None
    ) -> energies.ZonalInteraction:
        energy, cosines = energies.ZonalInteraction(kernel, slope), np.linspace(-1.0, 1.0, PROBES)

        def work() -> None:
            energy.values(cosines)
            if slope is not None:
                inner = cosines[1:-1, None]
                _check_gradient(
                    lambda c: kernel(c[:, 0]), lambda c: slope(c[:, 0])[:, None], inner, lambda _, vectors: vectors
                )

        tried(self.function, work)
        return energy


class PythonInternal(_PythonEnergy):
    """The energy int U(rho), U a function of densities (N,) to (N,), or an object or class with all three methods."""

    kind: Literal["python"]
    gradient: Reference | None = Field(None, description="U' likewise; the method gradient of an object or class")
    hessian: Reference | None = Field(None, description="U'' likewise; the method hessian of an object or class")
    of_density = True
    needs_density = '[problem.internal] kind = "python"'

    @property
    def code(self) -> Iterator[str]:
        """The functions."""
        yield from filter(None, (self.function, self.gradient, self.hessian))

    def energy(self, setting: ProblemSetting) -> energies.DensityEnergy:
        """Build it; raises InputError unless U is convex, with its own derivatives."""
        given = {"gradient": self.gradient, "hessian": self.hessian}
        found = setting.code.with_methods(
            self.function,
            ("value", *given),
            given={name: setting.code[reference] for name, reference in given.items() if reference is not None},
        )
        return tried(self.function, lambda: energies.DensityEnergy(found))


def probe_points(domain: Domain) -> FloatArray:
    """Some points of a domain."""
    base = domain.base
    if not base.has_cells:
        normal = np.random.default_rng(0).standard_normal((PROBES, domain.geometry.components))
        return domain.geometry.project(normal)
    points = base.points.reshape(-1, base.points.shape[-1])
    return np.ascontiguousarray(points[:: max(len(points) // PROBES, 1)][:PROBES])


def _check_gradient(
    function: Callable[..., FloatArray],
    gradient: Callable[..., FloatArray],
    points: FloatArray,
    tangential: Callable[[FloatArray, FloatArray], FloatArray],
) -> None:
    """Raise InputError unless a gradient has the right shape, and is that of its function at most of some points."""
    found = np.asarray(gradient(points), dtype=np.float64)
    if found.shape != points.shape or not np.isfinite(found).all():
        raise InputError(
            f"its gradient at {points.shape} points has shape {found.shape}; needed are finite numbers of shape "
            f"{points.shape}"
        )
    try:
        expected = central_differences(function, points)
    except InputError:  # kinks and jumps
        return
    errors = np.linalg.norm(tangential(points, found - expected), axis=1)
    worst = int(np.argmax(errors))
    if np.median(errors) > AGREEMENT * max(np.linalg.norm(expected, axis=1).max(), 1e-12):
        raise InputError(
            f"its gradient at {np.round(points[worst], 4).tolist()} is {np.round(found[worst], 6).tolist()}, but "
            f"differences of the function give {np.round(expected[worst], 6).tolist()}"
        )
