"""The population risk of neurons that are directions, bound to cells."""

from __future__ import annotations

from wgflow.domains import Domain
from wgflow.functionals.convolution import Convolution
from wgflow.functionals.grid import GridFunctional, SheetSums
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray


class ZonalPopulation(GridFunctional):
    """Directions with signs: one convolution with the kernel per evaluation.

    Parameters
    ----------
    domain : Domain
        A circle, sphere, half circle or half sphere.
    convolution : Convolution
        Sums of the kernel over the cells of a sheet.
    wanted : array, shape (N,)
        Potential of the target at these cells.
    constant : float
        The risk of the zero measure.
    """

    def __init__(self, domain: Domain, convolution: Convolution, wanted: FloatArray, constant: float) -> None:
        self.domain = domain
        self._convolution = convolution
        self._teacher, self._constant = wanted, constant
        self._sheets = SheetSums(domain)

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        """Write J into ``potential`` and return F."""
        mass = self._sheets.net_mass(density)
        values = self._convolve(mass, potential)
        values -= self._teacher
        energy = 0.5 * (inner_product(mass, values) - inner_product(mass, self._teacher)) + self._constant
        self._sheets.mirror(potential)
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the change of J along a rate of change of the density."""
        self._convolve(self._sheets.net_mass(rate), potential)
        self._sheets.mirror(potential)

    def scale(self, density: FloatArray) -> float:
        """Size of the numbers that F is the sum of."""
        return super().scale(density) + self._constant

    def _convolve(self, mass: FloatArray, potential: FloatArray) -> FloatArray:
        """Write the convolution with the kernel into the positive sheet and return it."""
        values = self._sheets.positive_sheet(potential)
        self._convolution(mass, values)
        return values
