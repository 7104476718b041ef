r"""Characteristics: quadrature nodes carried by the flow, with the density along them.

The solution of the sphere equation is :math:`\nu_t = X(t, \cdot)_\# (e^{-\beta \int_0^t J(X_s) ds} \nu_0)`
with the flow map X of the velocity :math:`-\alpha \nabla J`. Its density at X is
:math:`\rho_0\, e^{-\beta \int J} / \det DX`.

References
----------
Bach and Chizat (2022), proof of Theorem 3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.geometry import UnitSphere
from wgflow.errors import InputError
from wgflow.flows.evolution import Snapshot
from wgflow.functionals import Functional
from wgflow.measures import nodes_of_cells
from wgflow.particles.polar import PolarFlow
from wgflow.typing import FloatArray

UNIT_CIRCLE = UnitSphere(2)
NODE_TOLERANCE = 1e-8  # by default: nodes are a quadrature, whose error falls fast with their number
RESOLVED = 1e-2  # relative error of the mass up to which a density interpolated between the nodes is kept


class CharacteristicFlow(PolarFlow):
    """The flow of one node per cell of a circle or signed circle.

    Parameters
    ----------
    functional : Functional
        The functional F.
    domain : Domain
        Circle or signed circle; its cells give the nodes.
    density : array, shape ``domain.shape``
        Density at time zero.
    **options
        Options of `PolarFlow`; ``tolerance`` is 1e-8 by default.

    Raises
    ------
    InputError
        If the domain is not a circle.
    """

    def __init__(
        self,
        functional: Functional,
        domain: Domain,
        density: FloatArray,
        **options: Any,
    ) -> None:
        lattice = domain.base.lattice
        if domain.geometry != UNIT_CIRCLE or lattice is None:
            raise InputError(f"characteristics are available on circles; the domain is {domain.kind!r}")
        self._domain, self._interval, self._density = domain, lattice, density
        super().__init__(functional, nodes_of_cells(domain, density), **{"tolerance": NODE_TOLERANCE, **options})

    def snapshot(self) -> Snapshot:
        """Copy the current state; ``density`` joins the fields of particles."""
        snapshot = super().snapshot()
        return replace(snapshot, fields={**snapshot.fields, "density": self.density})

    @property
    def density(self) -> FloatArray:
        """Density at the cell centres, shape ``domain.shape``."""
        sheets, (cells,) = self._domain.sheets, self._interval.shape
        points = self.particles.points.reshape(sheets, cells, 2)
        carried = self._density.reshape(sheets, cells) * np.exp(self.growth.reshape(sheets, cells))
        rows = [self._density_on_sheet(points[row], carried[row]) for row in range(sheets)]
        return np.reshape(rows, self._domain.shape)

    def _density_on_sheet(self, points: FloatArray, carried: FloatArray) -> FloatArray:
        """Divide by the Jacobian of the flow map at the nodes, and interpolate to the cell centres.

        Where nodes have come closer to each other than the grid resolves (kinks, Diracs) that is no density on
        the grid; the masses between the nodes are then shared out to the cells that they cover.
        """
        labels, (spacing,) = self._interval.points[:, 0], self._interval.spacing
        moved = np.arctan2(points[:, 1], points[:, 0])
        displacement = np.unwrap(np.mod(moved - labels + np.pi, 2.0 * np.pi) - np.pi)
        stretch = 1.0 + periodic_derivative(displacement, spacing)
        if stretch.min() > 0.0:
            density = _interpolate_periodic(labels + displacement, carried / stretch, labels)
            if abs(density.sum() - carried.sum()) <= RESOLVED * carried.sum():
                return density
        return _share_out(labels + displacement, carried, spacing)


def _share_out(angles: FloatArray, carried: FloatArray, spacing: float) -> FloatArray:
    """Density on a regular grid of masses ``carried * spacing`` around nodes in their order: mass-exact, nonnegative.

    Each mass is spread evenly between the middles of the gaps to its two neighbours.
    """
    cells = len(angles)
    last = np.concatenate([angles[-1:] - 2.0 * np.pi, angles])
    middles = np.maximum.accumulate(0.5 * (last[:-1] + last[1:]))  # face k lies before node k
    faces = np.append(middles, middles[0] + 2.0 * np.pi)
    cumulative = np.concatenate([[0.0], np.cumsum(carried)])
    faces = np.concatenate([faces[:-1] + turn * 2.0 * np.pi for turn in (-1, 0, 1)] + [faces[-1:] + 2.0 * np.pi])
    total = cumulative[-1]
    below = np.concatenate([cumulative[:-1] + turn * total for turn in (-1, 0, 1)] + [cumulative[-1:] + total])
    return np.diff(np.interp(spacing * np.arange(cells + 1), np.maximum.accumulate(faces), below))


def periodic_derivative(values: FloatArray, spacing: float) -> FloatArray:
    """Fourth-order central difference of a periodic function on a regular grid."""
    near = np.roll(values, -1) - np.roll(values, 1)
    far = np.roll(values, -2) - np.roll(values, 2)
    return (8.0 * near - far) / (12.0 * spacing)


def _interpolate_periodic(angles: FloatArray, values: FloatArray, targets: FloatArray) -> FloatArray:
    """Monotone cubic interpolation of a periodic function given at any angles."""
    from scipy.interpolate import PchipInterpolator  # takes longer to import than a small run to compute

    angles = np.mod(angles, 2.0 * np.pi)
    angles, first = np.unique(angles, return_index=True)
    values = values[first]
    margin = min(4, angles.size)
    unrolled = np.concatenate([angles[-margin:] - 2.0 * np.pi, angles, angles[:margin] + 2.0 * np.pi])
    repeated = np.concatenate([values[-margin:], values, values[:margin]])
    return PchipInterpolator(unrolled, repeated)(targets)
