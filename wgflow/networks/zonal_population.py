"""The population risk of directions on a grid: a convolution with the arc-cosine kernel, and the target's potential."""

from __future__ import annotations

from collections.abc import Callable

from wgflow.dispatch import DomainTable
from wgflow.domains import Circle, Domain, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.functionals.convolution import Convolution
from wgflow.functionals.grid import GridFunctional, SheetSums
from wgflow.networks.arc_cosine import PairSums
from wgflow.networks.circle_convolution import ArcCosineConvolution
from wgflow.networks.zonal_convolution import zonal_convolution
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray


def _over_all_pairs(domain: UnsignedDomain) -> Convolution:
    """Sums over all pairs of cells, for domains without a faster way."""
    points = domain.points.reshape(-1, domain.points.shape[-1])
    return PairSums(points, points)


CONVOLUTIONS: DomainTable[Callable[..., Convolution]] = DomainTable(
    "a convolution with the arc-cosine kernel",
    {Circle: ArcCosineConvolution, Sphere: zonal_convolution, object: _over_all_pairs},
)


class ZonalPopulation(GridFunctional):
    """Directions with signs: one convolution with the kernel per evaluation.

    Parameters
    ----------
    domain : Domain
        Where they live.
    convolution : Convolution
        The kernel, on cell masses of one sheet.
    wanted : array, shape (N,)
        Potential of the target at the cells.
    constant : float
        The risk of the zero measure.
    """

    def __init__(self, domain: Domain, convolution: Convolution, wanted: FloatArray, constant: float) -> None:
        self.domain = domain
        self._convolution = convolution
        self._teacher, self._constant = wanted, constant
        self._sheets = SheetSums(domain)

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        """Write J and give F."""
        mass = self._sheets.net_mass(density)
        values = self._convolve(mass, potential)
        values -= self._teacher
        energy = 0.5 * (inner_product(mass, values) - inner_product(mass, self._teacher)) + self._constant
        self._sheets.mirror(potential)
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the change of J along a rate."""
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
