r"""Internal energies :math:`\int U(\rho)` of functions U that the user gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals.base import Functional
from wgflow.functionals.checks import check_derivative, parts_of
from wgflow.functionals.energies.internal import LARGEST_SLOPE, LEAST_SHARE, InternalEnergy
from wgflow.functionals.factors import DIFFUSION_IS_FORWARD, check_positive_factor, times
from wgflow.measures.checks import real_values
from wgflow.typing import FloatArray, IntArray

SAMPLE = np.geomspace(1e-3, 1e2, 25)  # densities at which U is checked


@dataclass(frozen=True)
class DensityEnergy(InternalEnergy):
    r"""The energy :math:`\int U(\rho) dx` of the density, with any convex U; J = U'.

    Its flow is the diffusion :math:`\partial_t \rho = \Delta P(\rho)` of the pressure P = rho U' - U, by explicit
    and by implicit steps. Where U' has no limit at 0, U is continued by its tangent in vacuum, as for `PowerEnergy`.

    Parameters
    ----------
    energy : callable, object or class
        U, vectorised: positive densities (N,) to values (N,), with U(0) = 0 where it has a limit; or an object or class
        with the methods ``value``, ``gradient`` and ``hessian``, which are U, U' and U''.
    gradient, hessian : callable, optional
        U' and U'', where they are no methods.

    Raises
    ------
    InputError, ShapeError
        If a derivative is missing, or at densities from 0.001 to 100 U has values that are not finite, derivatives
        that are not its own, or U'' < 0.

    References
    ----------
    McCann (1997), A convexity principle for interacting gases, Adv. Math. 128.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Box, DensityEnergy, solve
    >>> cosh = DensityEnergy(lambda r: np.cosh(r) - 1.0, gradient=np.sinh, hessian=np.cosh)
    >>> flow = solve(0.1 * cosh, Box([(0.0, 1.0)], 16), lambda x: 1.0 + 0.5 * np.cos(np.pi * x[..., 0]), 0.5)
    >>> bool((np.diff(flow.energy) < 0.0).all())
    True
    """

    energy: Any
    gradient: Any = None
    hessian: Any = None
    _parts: tuple[Any, Any, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = {"gradient": self.gradient, "hessian": self.hessian}
        parts = parts_of("the internal energy", self.energy, given, "DensityEnergy(U, gradient=dU, hessian=ddU)")
        object.__setattr__(self, "_parts", parts)
        value, gradient, hessian = parts
        name = "the internal energy U"
        check_derivative(name, value, gradient, SAMPLE)
        curvature = check_derivative(f"{name}'", gradient, hessian, SAMPLE)
        if curvature.min() < 0.0:
            worst = int(np.argmin(curvature))
            raise InputError(
                f"{name} is not convex: U'' = {curvature[worst]:g} at the density {SAMPLE[worst]:g}; its flow would be "
                "diffusion backwards"
            )

    def scaled(self, factor: float) -> Functional:
        """The energy of U times the factor."""
        check_positive_factor(factor, self, DIFFUSION_IS_FORWARD)
        value, gradient, hessian = (times(factor, part) for part in self._parts)
        return DensityEnergy(value, gradient, hessian)

    @cached_property
    def relative_floor(self) -> float:
        """Density over the mean below which U is continued by its tangent; 0 where U' has a limit at 0."""
        with np.errstate(all="ignore"):
            slopes = np.abs(np.asarray(self._parts[1](np.array([0.0, 1.0]))))
            if np.isfinite(slopes[0]) and np.isfinite(self._parts[0](np.zeros(1))).all():
                return 0.0
            shares = np.geomspace(LEAST_SHARE, 1.0, 31)
            steep = np.abs(np.asarray(self._parts[1](shares))) > LARGEST_SLOPE * slopes[1]
        return float(shares[int(np.argmin(steep))])

    def slope(self, density: FloatArray) -> FloatArray:
        """U'."""
        return self._at(1, density)

    def pressure(self, density: FloatArray, floor: float) -> FloatArray:
        """Give rho U' - U; a multiple of rho below the floor."""
        safe = np.maximum(density, floor)
        pressure = safe * self._at(1, safe) - self._at(0, safe)
        return pressure if floor == 0.0 else pressure * (density / safe)

    def pressure_slope(self, density: FloatArray, floor: float) -> FloatArray:
        """Give rho U'' above the floor, and the slope of a multiple of rho below it."""
        if floor == 0.0:
            safe = np.maximum(density, np.finfo(np.float64).tiny)
            return safe * self._at(2, safe)
        safe = np.maximum(density, floor)
        return np.where(density < floor, self.pressure(safe, floor) / safe, safe * self._at(2, safe))

    def write(
        self,
        density: FloatArray,
        floor: float,
        volumes: FloatArray,
        bounds: IntArray,
        potential: FloatArray,
        energies: FloatArray,
    ) -> None:
        """Write U' and the energies."""
        safe = np.maximum(density, floor)
        potential[...] = self._at(1, safe)
        found = volumes * (self._at(0, safe) + potential * (density - safe))
        energies[:, 0] = np.add.reduceat(found[:, : bounds[-1]], bounds[:-1], axis=1).sum(axis=0)

    def write_curved(self, density: FloatArray, rate: FloatArray, potential: FloatArray) -> None:
        """Write U'' times a rate."""
        np.multiply(self._at(2, density), rate, out=potential)

    def _at(self, order: int, density: FloatArray) -> FloatArray:
        """A derivative of U at densities, any shape."""
        return real_values("the internal energy", self._parts[order](density))
