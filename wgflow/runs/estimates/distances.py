"""Distances of the measures of two runs on grids of different width, or of different numbers of particles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wgflow.analysis.metrics.transport import transport_on
from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.flows import Snapshot
from wgflow.measures import Particles
from wgflow.runs.estimates.coarsening import restriction
from wgflow.typing import FloatArray

Signs = FloatArray | None

Distances = Callable[[Snapshot, Snapshot], tuple[float, float]]
"""The L1 and the transport distance between snapshots of a coarse and of a fine run; NaN where there is none."""


def grid_distances(coarse: Domain, fine: Domain, *, pointwise: bool) -> Distances:
    """Compare densities on the cells of the coarse domain, and measures as atoms at the centres of their own cells."""
    restrict = restriction(fine, coarse, pointwise=pointwise)
    centres = [domain.points.reshape(-1, domain.points.shape[-1]) for domain in (coarse, fine)]

    def distances(first: Snapshot, second: Snapshot) -> tuple[float, float]:
        densities = first.fields["density"], second.fields["density"]
        apart = float((np.abs(densities[0] - restrict(densities[1])) * coarse.volumes).sum())
        measures = [
            Particles(points, masses, np.repeat(domain.signs, masses.size // domain.sheets))
            for points, domain, density in zip(centres, (coarse, fine), densities, strict=True)
            for masses in [np.maximum(density * domain.volumes, 0.0).ravel()]
        ]
        return apart, transport_distance(measures[0], measures[1], fine)

    return distances


def particle_distances(coarse: Signs, fine: Signs, domain: Domain | None) -> Distances:
    """Compare particles with the given signs, shapes (m,) and (n,), all positive by default; they have no densities."""

    def distances(first: Snapshot, second: Snapshot) -> tuple[float, float]:
        measures = [
            Particles(fields["position"], fields["weight"], np.ones_like(fields["weight"]) if signs is None else signs)
            for fields, signs in ((first.fields, coarse), (second.fields, fine))
        ]
        return np.nan, transport_distance(measures[0], measures[1], domain)

    return distances


def transport_distance(first: Particles, second: Particles, domain: Domain | None) -> float:
    """W1 of measures on circles and on lines, in units of mass times length; NaN elsewhere.

    That of each sheet is between measures of the mass that the second has there: errors of the mass are its own.
    """
    distance = transport_on(domain)
    if distance is None:
        return np.nan
    try:
        apart = distance(first, second)
    except InputError:  # a weight that is not finite
        return np.nan
    masses = [float(second.weights[second.signs == sign].sum()) for sign in (1.0, -1.0)]
    return float(np.nansum(apart * masses))
