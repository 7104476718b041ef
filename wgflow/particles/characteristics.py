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

from wgflow.domains import Circle, Domain
from wgflow.errors import InputError
from wgflow.functionals import Functional, Particles
from wgflow.particles.polar import PolarFlow
from wgflow.schemes.evolution import Snapshot
from wgflow.typing import FloatArray


def nodes_of_cells(domain: Domain, density: FloatArray) -> Particles:
    """One node at each cell centre with the mass of the cell (midpoint rule), sheet after sheet."""
    points = domain.points.reshape(-1, domain.points.shape[-1])
    masses = (density * domain.volumes).ravel()
    signs = np.repeat(domain.signs, masses.size // domain.sheets)
    return Particles(points.copy(), masses, signs)


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
        Options of `PolarFlow`.

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
        if not isinstance(domain.base, Circle):
            raise InputError(f"characteristics are available on circles; the domain is {domain.kind!r}")
        self._domain, self._circle, self._density = domain, domain.base, density
        super().__init__(functional, nodes_of_cells(domain, density), **options)

    def snapshot(self) -> Snapshot:
        """Copy the current state; ``density`` joins the fields of particles."""
        snapshot = super().snapshot()
        return replace(snapshot, fields={**snapshot.fields, "density": self.density})

    @property
    def density(self) -> FloatArray:
        """Density at the cell centres, shape ``domain.shape``."""
        sheets, cells = self._domain.sheets, self._circle.cells
        points = self.particles.points.reshape(sheets, cells, 2)
        carried = self._density.reshape(sheets, cells) * np.exp(self.growth.reshape(sheets, cells))
        rows = [self._density_on_sheet(points[row], carried[row]) for row in range(sheets)]
        return np.reshape(rows, self._domain.shape)

    def _density_on_sheet(self, points: FloatArray, carried: FloatArray) -> FloatArray:
        """Divide by the Jacobian of the flow map at the nodes, and interpolate to the cell centres."""
        labels = self._circle.angles
        moved = np.arctan2(points[:, 1], points[:, 0])
        displacement = np.unwrap(np.mod(moved - labels + np.pi, 2.0 * np.pi) - np.pi)
        stretch = np.maximum(1.0 + periodic_derivative(displacement, self._circle.spacing), 1e-300)
        return _interpolate_periodic(labels + displacement, carried / stretch, labels)


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
