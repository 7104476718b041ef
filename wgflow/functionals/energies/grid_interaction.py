"""Energies of charges that act on each other on grids: by a convolution."""

from __future__ import annotations

from wgflow.domains import Domain, total_mass
from wgflow.errors import ShapeError
from wgflow.functionals.convolution import Convolution, Pairing
from wgflow.functionals.energies.particle_interaction import summed
from wgflow.functionals.grid import GridFunctional, SheetSums
from wgflow.functionals.moments import at_cells
from wgflow.measures import Particles
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray


def potential_of_samples(
    domain: Domain, samples: Particles, kernel: Pairing, exact: Pairing
) -> tuple[FloatArray, float]:
    """Sum of a kernel over charges at all cells of the base domain, and half of the exact one's at the charges."""
    cells = domain.base.points.reshape(-1, domain.base.points.shape[-1])
    if samples.points.shape[1] != cells.shape[1]:
        raise ShapeError(f"samples with {samples.points.shape[1]} components do not fit points with {cells.shape[1]}")
    charges = samples.weights * samples.signs
    values = at_cells(lambda part: summed(part, samples.points, charges, kernel), cells, domain.base.partition)
    own = summed(samples.points, samples.points, charges, exact)
    return values, 0.5 * float(charges @ own)


class GridInteraction(GridFunctional):
    """Interaction energy of the cells of a domain, of the difference of the two sheets on signed ones.

    Parameters
    ----------
    domain : Domain
        Where the measure lives.
    convolution : callable
        Convolution of masses on the base domain with the kernel.
    largest : float
        Largest absolute value of the kernel.
    """

    def __init__(self, domain: Domain, convolution: Convolution, largest: float) -> None:
        self.domain = domain
        self._largest, self._blocks = largest, RowBlocks.of(domain)
        self._convolution = convolution
        self._sheets = SheetSums(domain)

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        """Write J and return F."""
        mass = self._sheets.net_mass(density)
        values = self._sheets.positive_sheet(potential)
        self._convolution(mass, values)
        energy = 0.5 * self._blocks.product(mass, values)
        self._sheets.mirror(potential)
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the change of J along ``rate``."""
        self._convolution(self._sheets.net_mass(rate), self._sheets.positive_sheet(potential))
        self._sheets.mirror(potential)

    def scale(self, density: FloatArray) -> float:
        """Size of the numbers whose sum is F, where opposite charges cancel."""
        return super().scale(density) + 0.5 * self._largest * total_mass(self.domain, density) ** 2
