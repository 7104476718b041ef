"""What a functional F of measures offers to grids: its value, first variation and second derivatives on cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from wgflow.domains import Domain, total_mass
from wgflow.errors import ShapeError
from wgflow.functionals.kernels.sheets import net_masses
from wgflow.measures.checks import real_values
from wgflow.typing import FloatArray

SquareRisk = Callable[[FloatArray, FloatArray], float]
"""Takes a density and writes its first variation, both of shape ``(sheets, N)``, and gives a square risk."""


class GridFunctional(ABC):
    """A functional F bound to a domain.

    Measures are atomic, ``m_K rho_K`` at the cell centres, so that ``J_K`` is exactly the derivative of
    the discrete F with respect to the mass of cell K.
    """

    domain: Domain

    largest_share: float = 1.0
    """Share of the mass that may come together in one cell: less than 1 for energies that need a resolved density."""

    @property
    def is_linear(self) -> bool:
        """Whether J does not depend on the density, so that F is its integral: J is then evaluated once."""
        return False

    @property
    def is_of_sums(self) -> bool:
        """Whether J depends on the density by sums over cells alone, and not on the cells beside those of a rank."""
        return False

    @abstractmethod
    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        """Write the first variation J into ``potential`` and return F, both of shape ``domain.shape``."""

    def square_risk(self) -> tuple[SquareRisk, float] | None:
        """One function that does all that `evaluate` does, but for a constant in F, which is given too; else None."""
        return None

    @abstractmethod
    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the change of J along ``rate``, with the curvature of R at the last evaluated density.

        It may be larger than the derivative of J, as it bounds the steps of explicit schemes.
        """

    def direction(self) -> FloatArray | None:
        """Potential that J is a multiple of at any density, of shape ``domain.shape``; None where there is none."""
        if not self.is_linear:
            return None
        potential = np.empty(self.domain.shape)
        self.evaluate(np.zeros(self.domain.shape), potential)
        return potential

    def of_integral(self, integral: float) -> tuple[float, float]:
        """F of a density over which `direction` has this integral, and J there over the direction.

        The density counts as the one that was evaluated last.
        """
        return integral, 1.0

    def coordinates(self) -> FloatArray | None:
        """Few numbers that J, as it was evaluated last, is an affine function of, shape (n,); None where it is not."""
        return np.zeros(0) if self.is_linear else None

    def along(self, change: FloatArray, potential: FloatArray) -> None:  # noqa: ARG002
        """Write the change of J along a change (n,) of its `coordinates`."""
        potential[...] = 0.0

    def local_curvature(self) -> FloatArray:
        """Derivative of J in each cell by the density there, as far as it is U'' of internal energies, shape (N,).

        It is that at the last evaluated density; 0 for all other terms.
        """
        return np.zeros(int(np.prod(self.domain.shape)))

    def nonlocal_hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the derivative of J along ``rate`` at the last evaluated density, without `local_curvature`."""
        self.hessian(rate, potential)

    def penalty(self, density: FloatArray) -> float:  # noqa: ARG002
        """Part of F that is a regularisation and not the risk, at a density of shape ``domain.shape``."""
        return 0.0

    def scale(self, density: FloatArray) -> float:
        """Size of the numbers whose sum is F at a density of shape ``domain.shape``, which becomes the last evaluated.

        Round-off in F is a few units of 1e-16 of it.
        """
        potential = np.empty(self.domain.shape)
        energy = self.evaluate(density, potential)
        return abs(energy) + total_mass(self.domain, np.abs(potential) * density)

    def value(self, density: FloatArray) -> float:
        """F at a density of shape ``domain.shape``; raises ShapeError if it does not fit."""
        return self.evaluate(*self._buffers(density))

    def first_variation(self, density: FloatArray) -> FloatArray:
        r"""Mean potential :math:`J(\cdot|\mu) = dF/d\mu` at the cell centres.

        Parameters
        ----------
        density : array, shape ``domain.shape``
            Cell averages of the density of mu with respect to the volume of the domain.

        Returns
        -------
        array, shape ``domain.shape``

        Raises
        ------
        ShapeError
            If ``density`` does not fit the domain.

        References
        ----------
        Bach and Chizat (2022), Eq. (3.6).
        """
        density, potential = self._buffers(density)
        self.evaluate(density, potential)
        return potential

    def _buffers(self, density: FloatArray) -> tuple[FloatArray, FloatArray]:
        density = np.ascontiguousarray(real_values("the density", density))
        if density.shape != self.domain.shape:
            raise ShapeError(f"density of shape {density.shape} does not fit the domain of shape {self.domain.shape}")
        return density, np.empty_like(density)


class GridSum(GridFunctional):
    """The sum of some functionals on one domain."""

    def __init__(self, domain: Domain, terms: list[GridFunctional]) -> None:
        self.domain = domain
        self.largest_share = min(term.largest_share for term in terms)
        self._terms = terms
        self._part = np.empty(domain.shape)

    @property
    def is_linear(self) -> bool:
        """Whether all terms are."""
        return all(term.is_linear for term in self._terms)

    @property
    def is_of_sums(self) -> bool:
        """Whether all terms are, or linear."""
        return all(term.is_of_sums or term.is_linear for term in self._terms)

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        """Write the sum of the first variations and return that of the energies."""
        first, *others = self._terms
        energy = first.evaluate(density, potential)
        for term in others:
            energy += term.evaluate(density, self._part)
            potential += self._part
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the sum of the changes of J."""
        potential[...] = 0.0
        for term in self._terms:
            term.hessian(rate, self._part)
            potential += self._part

    def coordinates(self) -> FloatArray | None:
        """Those of all terms."""
        found = [term.coordinates() for term in self._terms]
        few = [part for part in found if part is not None]
        return np.concatenate(few) if len(few) == len(found) else None

    def along(self, change: FloatArray, potential: FloatArray) -> None:
        """Write the sum of the changes along those of the coordinates of each."""
        potential[...], end = 0.0, 0
        for term in self._terms:
            place = term.coordinates()
            start, end = end, end + (0 if place is None else place.size)
            term.along(change[start:end], self._part)
            potential += self._part

    def local_curvature(self) -> FloatArray:
        """Sum of the local curvatures."""
        return np.sum([term.local_curvature() for term in self._terms], axis=0)

    def nonlocal_hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the sum of the derivatives of J without the local ones."""
        potential[...] = 0.0
        for term in self._terms:
            term.nonlocal_hessian(rate, self._part)
            potential += self._part

    def penalty(self, density: FloatArray) -> float:
        """Sum of the penalties."""
        return sum(term.penalty(density) for term in self._terms)

    def scale(self, density: FloatArray) -> float:
        """Sum of the sizes."""
        return sum(term.scale(density) for term in self._terms)


def scaled_grid(factor: float, bound: GridFunctional) -> GridFunctional:
    """A factor times a functional that is bound to a domain; 1 changes nothing."""
    return bound if factor == 1.0 else _GridScaled(factor, bound)


class _GridScaled(GridFunctional):
    def __init__(self, factor: float, bound: GridFunctional) -> None:
        self.domain, self.largest_share = bound.domain, bound.largest_share
        self._factor, self._bound = factor, bound

    @property
    def is_linear(self) -> bool:
        return self._bound.is_linear

    @property
    def is_of_sums(self) -> bool:
        return self._bound.is_of_sums

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        energy = self._bound.evaluate(density, potential)
        potential *= self._factor
        return self._factor * energy

    def direction(self) -> FloatArray | None:
        return self._bound.direction()

    def of_integral(self, integral: float) -> tuple[float, float]:
        energy, multiple = self._bound.of_integral(integral)
        return self._factor * energy, self._factor * multiple

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        self._bound.hessian(rate, potential)
        potential *= self._factor

    def coordinates(self) -> FloatArray | None:
        return self._bound.coordinates()

    def along(self, change: FloatArray, potential: FloatArray) -> None:
        self._bound.along(change, potential)
        potential *= self._factor

    def local_curvature(self) -> FloatArray:
        return self._factor * self._bound.local_curvature()

    def nonlocal_hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        self._bound.nonlocal_hessian(rate, potential)
        potential *= self._factor

    def penalty(self, density: FloatArray) -> float:
        return self._factor * self._bound.penalty(density)

    def scale(self, density: FloatArray) -> float:
        return abs(self._factor) * self._bound.scale(density)


class SheetSums:
    """Net masses of the cells over the sheets, and back: features are odd in the sign of a sheet."""

    def __init__(self, domain: Domain) -> None:
        self._sheets = domain.sheets
        self._volumes = np.ascontiguousarray(domain.base.volumes).ravel()
        self._net = np.empty(self._volumes.size)
        self._volume = float(self._volumes[0]) if np.ptp(self._volumes) == 0.0 else None

    def charges(self, density: FloatArray) -> tuple[float, FloatArray]:
        """Factor and array, shape (N,), whose product are the net masses: densities where volumes are equal."""
        rows = density.reshape(self._sheets, -1)
        if self._volume is None:
            return 1.0, self.net_mass(density)
        return self._volume, rows[0] if self._sheets == 1 else np.subtract(rows[0], rows[1], out=self._net)

    def net_mass(self, density: FloatArray) -> FloatArray:
        """Signed mass of each cell of the base domain, flattened; overwritten by the next call."""
        rows = density.reshape(self._sheets, -1)
        if self._sheets == 2:
            net_masses(rows[0], rows[1], self._volumes, self._net)
        else:
            np.multiply(rows[0], self._volumes, out=self._net)
        return self._net

    def positive_sheet(self, potential: FloatArray) -> FloatArray:
        """Flat view of the positive sheet."""
        return potential.reshape(self._sheets, -1)[0]

    def mirror(self, potential: FloatArray) -> None:
        """Fill the negative sheet with minus the positive one."""
        if self._sheets == 2:
            np.negative(potential[0], out=potential[1])
