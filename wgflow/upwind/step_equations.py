r"""The equations of a linearised variational step on any mesh, and their derivatives.

With the potential phi that moves the density in one step of size tau, upwind,

.. math::

   m_K (\rho_K - \rho^n_K) + \tau \sum_L a_{KL} [\rho_K (\phi_K - \phi_L)^+ - \rho_L (\phi_L - \phi_K)^+]
   + \beta \tau m_K \phi_K \rho_K &= 0, \\
   \phi_K + \frac{\tau}{2 m_K} \sum_L a_{KL} ((\phi_K - \phi_L)^+)^2 + \frac{\beta\tau}{2} \phi_K^2 &= J_K(\rho).

The first is linear in the density, with a matrix B that is triangular once cells are ordered along phi, and whose
inverse has no negative entry; the second has the derivative :math:`B^T` in phi.

References
----------
Cances, Gallouet and Todeschi (2020), A variational finite volume scheme for Wasserstein gradient flows, Numer. Math.
146, Eq. (27); with the reaction the terms of beta follow from the action
:math:`\frac\tau2 \int (\alpha |\nabla\phi|^2 + \beta \phi^2) d\rho`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.faces import list_faces
from wgflow.typing import FloatArray, IntArray
from wgflow.upwind.kernels.substitution import march_cells, substitute_cells

LEAST_SHARE = 0.5  # 1 + beta tau phi, what the step divides a density by, at the first guess


@dataclass(frozen=True)
class UpwindMesh:
    """Cells and the faces of each, every face once from either side, in the order of the cells.

    Parameters
    ----------
    cell, neighbour : arrays, shape (E,)
        The two cells of a face, seen from ``cell``.
    conductance : array, shape (E,)
        The factor alpha times the size of the face over the distance of the centres.
    starts : array, shape (N + 1,)
        Place of the first face of each cell.
    volumes : array, shape (N,)
        Volumes of the cells.
    reaction : float
        The factor beta.
    """

    cell: IntArray
    neighbour: IntArray
    conductance: FloatArray
    starts: IntArray
    volumes: FloatArray
    reaction: float

    @classmethod
    def of(cls, domain: Domain, transport: float, reaction: float) -> UpwindMesh:
        """List the cells of a circle, box or sphere, signed or not; raises InputError on domains without cells."""
        faces = list_faces(domain)
        volumes = np.ascontiguousarray(np.broadcast_to(domain.volumes, domain.shape)).ravel()
        both = np.concatenate([faces.cells, faces.cells[:, ::-1]])
        order = np.argsort(both[:, 0], kind="stable")
        cell, neighbour = both[order].T.copy()
        starts = np.searchsorted(cell, np.arange(volumes.size + 1))
        conductance = transport * np.tile(faces.conductance, 2)[order]
        return cls(cell, neighbour, conductance, starts, volumes, reaction)

    def total(self, values: FloatArray) -> FloatArray:
        """Sum of values on faces, shape (E,), over those of each cell, shape (N,)."""
        return np.asarray(np.bincount(self.cell, values, self.volumes.size), dtype=np.float64)


@dataclass(frozen=True)
class StepEquations:
    """The equations of one step.

    Parameters
    ----------
    mesh : UpwindMesh
        The cells.
    before : array, shape (N,)
        Density before the step.
    tau : float
        Size of the step.
    """

    mesh: UpwindMesh
    before: FloatArray
    tau: float

    def at(self, phi: FloatArray) -> Upwind:
        """Prepare all that depends on the potential alone, shape (N,)."""
        mesh = self.mesh
        drop = phi[mesh.cell] - phi[mesh.neighbour]
        scaled = self.tau * mesh.conductance
        outward, inward = scaled * np.maximum(drop, 0.0), scaled * np.maximum(-drop, 0.0)
        diagonal = mesh.volumes * (1.0 + self.tau * mesh.reaction * phi) + mesh.total(outward)
        return Upwind(self, phi, drop, outward, inward, diagonal, np.argsort(phi, kind="stable"))

    def guess(self, potential: FloatArray) -> FloatArray:
        """Potential phi, shape (N,), if J did not change in the step; as if J were larger where there is none."""
        rate = self.tau * self.mesh.reaction
        return self.solved(potential if rate == 0.0 else np.maximum(potential, (LEAST_SHARE**2 - 1.0) / (2.0 * rate)))

    def solved(self, level: FloatArray) -> FloatArray:
        """Solve the second equation for phi, shape (N,), its right side given and ``1 + 2 beta tau level > 0``."""
        mesh, rate = self.mesh, self.tau * self.mesh.reaction
        alone = level.copy() if rate == 0.0 else (np.sqrt(1.0 + 2.0 * rate * level) - 1.0) / rate
        factors = 0.5 * self.tau * mesh.conductance / mesh.volumes[mesh.neighbour]
        march_cells(level, 0.5 * rate, mesh.starts, mesh.neighbour, factors, alone)
        return alone


@dataclass(frozen=True)
class Upwind:
    """The two equations at one potential phi.

    Parameters
    ----------
    equations : StepEquations
        The step.
    phi : array, shape (N,)
        The potential.
    drop, outward, inward : arrays, shape (E,)
        Fall of phi through each face, and what leaves and enters by it in the step, over the density upwind.
    diagonal : array, shape (N,)
        Diagonal of B; all positive where a step exists.
    order : array, shape (N,)
        Cells from the lowest phi to the highest.
    """

    equations: StepEquations
    phi: FloatArray
    drop: FloatArray
    outward: FloatArray
    inward: FloatArray
    diagonal: FloatArray
    order: IntArray

    def balance(self, density: FloatArray) -> FloatArray:
        """B rho less the masses before the step: zero where the first equation holds, shape (N,)."""
        mesh = self.equations.mesh
        entering = mesh.total(self.inward * density[mesh.neighbour])
        return self.diagonal * density - entering - mesh.volumes * self.equations.before

    def level(self) -> FloatArray:
        """Left side of the second equation, shape (N,)."""
        mesh = self.equations.mesh
        slopes = mesh.total(self.outward * self.drop) / (2.0 * mesh.volumes)
        return self.phi + slopes + 0.5 * self.equations.tau * mesh.reaction * self.phi**2

    def level_slope(self, direction: FloatArray) -> FloatArray:
        """Change of `level` along a direction of phi, shape (N,)."""
        mesh = self.equations.mesh
        return (self.diagonal * direction - mesh.total(self.outward * direction[mesh.neighbour])) / mesh.volumes

    def action(self, density: FloatArray) -> float:
        """Squared distance over 2 tau that the step costs."""
        mesh = self.equations.mesh
        rates = mesh.total(self.outward * self.drop) + self.equations.tau * mesh.reaction * mesh.volumes * self.phi**2
        return 0.5 * float(rates @ density)

    def carried(self, right: FloatArray) -> FloatArray:
        """Solve B rho = right, shape (N,), from the highest phi to the lowest: rho >= 0 if right is."""
        return self._substituted(self.order[::-1], self.inward, right)

    def carried_back(self, right: FloatArray) -> FloatArray:
        """Solve B^T phi = right, shape (N,), from the lowest phi to the highest."""
        return self._substituted(self.order, self.outward, right)

    def _substituted(self, order: IntArray, factors: FloatArray, right: FloatArray) -> FloatArray:
        mesh, result = self.equations.mesh, np.zeros_like(right)
        known = (mesh.starts, mesh.neighbour, factors, self.diagonal, right)
        substitute_cells(np.ascontiguousarray(order), *known, result)
        return result

    def mobility(self, density: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Derivative C of the first equation in phi: its diagonal (N,), and minus its entries at faces (E,)."""
        mesh, tau = self.equations.mesh, self.equations.tau
        here = 0.5 * (1.0 + np.sign(self.drop))  # half of either side where phi does not change
        upwind = here * density[mesh.cell] + (1.0 - here) * density[mesh.neighbour]
        entries = tau * mesh.conductance * upwind
        return mesh.total(entries) + tau * mesh.reaction * mesh.volumes * density, entries

    def matrix(self, diagonal: FloatArray, entries: FloatArray) -> Any:
        """Sparse matrix of a diagonal (N,) less entries (E,) in the rows of ``cell``."""
        from scipy.sparse import csr_array, diags_array

        mesh, count = self.equations.mesh, diagonal.size
        return diags_array(diagonal) - csr_array((entries, mesh.neighbour, mesh.starts), shape=(count, count))
