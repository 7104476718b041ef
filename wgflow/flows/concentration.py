"""A guard against mass that comes together in one cell, where the energy needs a density that the grid resolves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from wgflow.domains.faces import list_faces
from wgflow.errors import ComputationError
from wgflow.functionals import GridFunctional
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray

RESOLVED_CONTRAST = 4.0  # of a cell and the least of its neighbours: a Gaussian of standard deviation 0.6 to 0.85 cells


def _none() -> float:
    """The share where none is too large."""
    return 0.0


class ConcentrationWatch:
    """Stops a run whose mass comes together in one cell.

    A cell may hold much of the mass where its neighbours do too, as at the narrow rest of a diffusion at low
    temperature; and a run may start from a concentrated measure as long as it spreads. Refused is a cell that holds a
    larger share than the functional allows, and more than in the step before, with a density that is more than
    ``RESOLVED_CONTRAST`` times that of a neighbour.

    Parameters
    ----------
    functional : GridFunctional
        F, with the share of the mass that a cell may hold.
    density : array, shape ``domain.shape``
        Density at the start.

    Attributes
    ----------
    share : float
        Share of the mass in the fullest cell at the last step; 0 where none is too large.
    """

    def __init__(self, functional: GridFunctional, density: FloatArray) -> None:
        self._allowed, self._domain = functional.largest_share, functional.domain
        self._blocks, self._volumes = (
            RowBlocks.of(functional.domain),
            np.ascontiguousarray(functional.domain.base.volumes),
        )
        self._partition = functional.domain.base.partition
        self._masses = np.empty_like(density)
        self._largest = 0.0
        self.share = self._sharing(density)()

    def check(self, density: FloatArray, time: float) -> None:
        """Raise ComputationError if a cell holds too much."""
        self.checking(density)(time)

    def checking(self, density: FloatArray) -> Callable[[float], None]:
        """Begin what `check` does; what is given back ends it, at a time."""
        return partial(self._check, self._sharing(density), density)

    def _check(self, sharing: Callable[[], float], density: FloatArray, time: float) -> None:
        before, self.share = self.share, sharing()
        if self.share > max(self._allowed, before) and not self._is_resolved(density):
            raise ComputationError(
                f"concentration at t = {time:g}: one cell holds {self.share:.0%} of the mass, so that the grid does "
                "not resolve the density any more; the solution may blow up: stop before, or refine the grid"
            )

    def _sharing(self, density: FloatArray) -> Callable[[], float]:
        if self._allowed >= 1.0:
            return _none
        np.multiply(density, self._domain.volumes, out=self._masses)
        bounding, adding = self._blocks.bounding(self._masses), self._blocks.multiplying(density, self._volumes)

        def share() -> float:
            self._largest = bounding()[1]
            return self._largest / adding()

        return share

    def _is_resolved(self, density: FloatArray) -> bool:
        """Whether all cells beside the fullest one have a density of the same size."""
        first, *_, end = self._partition.bounds  # rows beside these are those of other ranks
        own = np.zeros_like(self._masses)
        axis = own.ndim - len(self._partition.shape)
        np.moveaxis(own, axis, 0)[first:end] = np.moveaxis(self._masses, axis, 0)[first:end]
        excess = -np.inf
        if own.max() == self._largest:
            values, fullest = density.ravel(), int(own.argmax())
            faces = list_faces(self._domain).cells
            beside = faces[(faces == fullest).any(axis=1)]
            excess = float(values[fullest] - RESOLVED_CONTRAST * values[beside].min())
        return bool(self._partition.largest(np.array([[excess]]))[0] <= 0.0)
