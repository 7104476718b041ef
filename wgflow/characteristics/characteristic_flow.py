r"""Characteristics: quadrature nodes carried by the flow, with the density along them.

The solution of the equation is :math:`\nu_t = X(t, \cdot)_\# (e^{-\beta \int_0^t J(X_s) ds} \nu_0)` with the flow map X
of the velocity :math:`-\alpha \nabla J`. Along it masses and densities change by

.. math:: \frac{d}{dt} \log m = -\beta J, \qquad \frac{d}{dt} \log |V| = -\alpha \Delta J, \qquad \rho = m / |V|

with the volume V around a node, whose logarithm over that at the start is the expansion: where second derivatives of J
are smooth, densities are as accurate as positions, on every domain and whatever the distances of the nodes. Where they
bend or jump (neurons), the expansions of nodes that were the cells of a circle follow from the places of their
neighbours; elsewhere they are less exact than positions.

References
----------
Bach and Chizat (2022), proof of Theorem 3.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from wgflow.characteristics.line_transport import LineTransport
from wgflow.characteristics.nodes import CellNodes, NodeRule, StartDensity, StartNodes, make_nodes, start_nodes
from wgflow.characteristics.surface_transport import SurfaceTransport, is_surface
from wgflow.characteristics.tolerance import NODE_TOLERANCE
from wgflow.domains import Domain
from wgflow.domains.geometry import is_flat
from wgflow.errors import InputError
from wgflow.flows.evolution import Snapshot
from wgflow.functionals import Functional, ParticlePotential
from wgflow.particles.system import ParticleFlow
from wgflow.typing import FloatArray


class CharacteristicFlow(ParticleFlow):
    """The flow of quadrature nodes, with the density at each.

    Parameters
    ----------
    functional : Functional
        The functional F, with a first variation that has second derivatives.
    domain : Domain
        Where the measure lives.
    density : array of shape ``domain.shape``, or callable
        Density at time zero: at the cell centres, or a function of points, see `start_nodes`.
    nodes : str or NodeRule, optional
        Where the nodes start, see `make_nodes`.
    points, growth, expansion : arrays, shapes (m, p), (m,) and (m,), optional
        Positions, and logarithms of weights and volumes over those at the start, where a flow is resumed.
    reaction : float, optional
        The factor beta; by default the domain's own.
    tolerance : float
        Local error of positions and log-weights. The expansions, which move nothing, follow at the same steps.
    **options
        Further options of `ParticleFlow`.

    Raises
    ------
    InputError
        If an argument is not allowed, or F has no second derivatives.
    """

    def __init__(
        self,
        functional: Functional,
        domain: Domain,
        density: StartDensity,
        *,
        nodes: str | NodeRule | None = None,
        points: FloatArray | None = None,
        growth: FloatArray | None = None,
        expansion: FloatArray | None = None,
        reaction: float | None = None,
        tolerance: float = NODE_TOLERANCE,
        **options: Any,
    ) -> None:
        rule = make_nodes(nodes, domain)
        start = start_nodes(domain, density, rule)
        self._domain, self._volumes = domain, start.volumes
        self._by_neighbours = isinstance(rule, CellNodes) and _on_arcs(domain) and not _is_smooth(functional, start)
        if not self._by_neighbours:  # refused before anything is computed
            functional.laplacian_at_particles(start.particles, domain.geometry)
        options |= {"reaction": domain.reaction if reaction is None else reaction, "tolerance": tolerance}
        moved: dict[str, Any] = {"points": points, "growth": growth, "geometry": domain.geometry}
        super().__init__(functional, start.particles, **moved, **options)
        self._has_expansion = points is None or expansion is not None
        if expansion is None and not self._by_neighbours:
            expansion = np.zeros(start.volumes.size) if points is None else self._expansion_of_neighbours()
        if not self._by_neighbours:
            self._state = np.concatenate([self._state, expansion])

    def snapshot(self) -> Snapshot:
        """Copy the current state; densities join the fields of particles."""
        snapshot, fields = super().snapshot(), {}
        at_nodes = self.node_density
        if self._has_expansion:  # files of earlier versions have no room for these
            fields = {"expansion": self.expansion.copy(), "node_density": at_nodes}
            fields["least_density"] = np.array(at_nodes.min())
        if self._domain.base.has_cells:
            fields["density"] = self.density
        return replace(snapshot, fields={**snapshot.fields, **fields})

    @property
    def expansion(self) -> FloatArray:
        """Logarithm of the volume around each node over that at the start, shape (m,)."""
        return self._expansion_of_neighbours() if self._by_neighbours else self._state[-self._volumes.size :]

    @property
    def node_density(self) -> FloatArray:
        """Density at each node, shape (m,)."""
        return self._weights / self._volumes * np.exp(-self.expansion)

    @property
    def density(self) -> FloatArray:
        """Density at the cell centres, shape ``domain.shape``; raises InputError where there are none."""
        rows, parts = self._domain.sheets, (self.particles.points, self.node_density, self._weights)
        split = zip(*(np.split(part, rows) for part in parts), strict=True)
        return np.reshape([self._to_cells(*row) for row in split], self._domain.shape)

    @cached_property
    def _to_cells(self) -> LineTransport | SurfaceTransport:
        """How the density goes from the nodes of a sheet to its cells."""
        base, points = self._domain.base, self._start.points[: self._volumes.size // self._domain.sheets]
        if base.geometry.dimension == 1 and base.lattice is not None:
            return LineTransport(base, base.lattice, points)
        if not (base.has_cells and is_surface(base.geometry)):
            raise InputError(f"the domain {base.kind!r} has no cells to give a density on")
        return SurfaceTransport(base, points)

    def rate(self, state: FloatArray, found: ParticlePotential) -> FloatArray:
        """Rate of change of positions, log-weights and expansions."""
        if self._by_neighbours:
            return super().rate(state, found)
        bend = self.functional.laplacian_at_particles(self._particles(state), self._geometry)
        return np.concatenate([super().rate(state, found), -self._transport * bend])

    def sizes(self, state: FloatArray) -> FloatArray:
        """Sizes to which errors are relative: on spheres 1, and none for expansions, on which nothing depends."""
        known = (
            super().sizes(state) if is_flat(self._geometry) else np.ones(self._start.points.size + self._volumes.size)
        )
        return np.concatenate([known, np.full(state.size - known.size, np.inf)])

    def retracted(self, state: FloatArray) -> FloatArray:
        """State with its points put back where the flow lives."""
        known = super().retracted(state)
        return np.concatenate([known, state[known.size :]])

    def _expansion_of_neighbours(self) -> FloatArray:
        """Expansions as they follow from the places of nodes that were the cells of a circle."""
        line, points = self._to_cells, self.particles.points
        if not isinstance(line, LineTransport):
            raise InputError("the state has no expansions; start the run anew")
        return np.concatenate([line.expansion(sheet) for sheet in np.split(points, self._domain.sheets)])

    def _moved(self) -> dict[str, FloatArray]:
        return {**super()._moved(), **({"expansion": self.expansion.copy()} if self._has_expansion else {})}

    def _unpack(self, state: FloatArray) -> tuple[FloatArray, FloatArray]:
        points, rest = super()._unpack(state)
        return points, rest[: self._volumes.size]


def _on_arcs(domain: Domain) -> bool:
    """Whether cells are equal arcs."""
    return domain.base.lattice is not None and not is_flat(domain.geometry)


def _is_smooth(functional: Functional, start: StartNodes) -> bool:
    """Whether J has smooth second derivatives, by which expansions can be followed."""
    domain = start.particles.domain
    if not functional.is_smooth or domain is None:
        return False
    with suppress(InputError):
        functional.laplacian_at_particles(start.particles, domain.geometry)
        return True
    return False
