"""Fewer particles in the place of many: random batches of them, or pairs of neighbours merged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.geometry import Geometry, UnitSphere
from wgflow.errors import InputError
from wgflow.measures import Particles
from wgflow.typing import FloatArray, IntArray

LEAST_BATCH = 8
EVEN = 0.1  # median of |log| of the ratio of neighbouring gaps: 1.4 for random particles, 1/m for evenly spread ones
LEAST_EVEN = 16


def batch(particles: Particles, number: int, count: int) -> Particles:
    """One of some random batches of particles that together are all of them, scaled to the same mass.

    Raises
    ------
    InputError
        If a batch would hold fewer than 8 particles.
    """
    if len(particles.weights) < LEAST_BATCH * count:
        raise InputError(
            f"{len(particles.weights)} particles are too few for {count} batches; allowed are {LEAST_BATCH * count} or "
            "more"
        )
    chosen = np.sort(np.random.default_rng(0).permutation(len(particles.weights))[number::count])
    fewer = particles.part(chosen)
    return replace(fewer, weights=particles.weights.sum() / fewer.weights.sum() * fewer.weights)


def is_even(particles: Particles, domain: Domain | None) -> bool:
    """Whether particles on a circle or line are evenly spread, with gaps that hardly differ from their neighbours."""
    places = _places(particles, domain)
    if places is None:
        return False
    for here in _sheets(particles, places):
        gaps = np.diff(places[here])
        if gaps.size < LEAST_EVEN or not gaps.min() > 0.0:
            return False
        if np.median(np.abs(np.diff(np.log(gaps)))) > EVEN:
            return False
    return True


def merged(particles: Particles, domain: Domain | None) -> Particles:
    """Half the particles on a circle or line: neighbours of one sign join at their mean, with the sum of their weights.

    Raises
    ------
    InputError
        If the particles live elsewhere.
    """
    places = _places(particles, domain)
    if places is None:
        raise InputError("neighbours are known on circles and lines only")
    parts = [_joined(particles, here) for here in _sheets(particles, places)]
    points, weights, signs = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Particles(_geometry_of(domain).project(points), weights, signs, particles.domain)


def _joined(particles: Particles, order: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points, weights and signs of pairs in an order; the last one stays alone where the number is odd."""
    firsts = np.arange(0, len(order), 2)
    weights = particles.weights[order]
    joined = np.add.reduceat(weights, firsts)
    moments = np.add.reduceat(weights[:, None] * particles.points[order], firsts, axis=0)
    return moments / joined[:, None], joined, particles.signs[order][firsts]


def _places(particles: Particles, domain: Domain | None) -> FloatArray | None:
    """Places along the circle or line, shape (m,); None where the particles live on none."""
    geometry = _geometry_of(domain)
    if geometry.dimension != 1 or geometry.components != particles.points.shape[1]:
        return None
    return geometry.chart(particles.points)[:, 0]


def _geometry_of(domain: Domain | None) -> Geometry:
    """Where particles live; on a circle where nothing is known."""
    return UnitSphere(2) if domain is None else domain.geometry


def _sheets(particles: Particles, places: FloatArray) -> list[IntArray]:
    """Numbers of the particles of each sign, in the order of their places."""
    order = np.argsort(places, kind="stable")
    sheets = (order[particles.signs[order] == sign] for sign in (1.0, -1.0))
    return [here for here in sheets if here.size > 0]
