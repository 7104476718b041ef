"""A domain of another package, in one file: the flat torus as a surface in R^4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wgflow.domains.base import Coordinate, UnsignedDomain
from wgflow.domains.faces import Faces
from wgflow.domains.geometry import Requirement
from wgflow.domains.inversion import invert
from wgflow.domains.mesh import DEGREE, SurfaceMesh

TURN = 2.0 * np.pi
ROUND_OFF = 1e-10


@dataclass(frozen=True)
class Torus:
    """Points (R cos a, R sin a, r cos b, r sin b): a product of two circles, without curvature."""

    radii: tuple[float, float]

    components = 4
    dimension = 2

    @property
    def _scale(self):
        return np.repeat(self.radii, 2)

    def requirements(self, points) -> Iterator[Requirement]:
        for radius, pair in zip(self.radii, (points[:, :2], points[:, 2:]), strict=True):
            length = np.linalg.norm(pair, axis=1)
            yield Requirement(abs(length - radius) <= ROUND_OFF * radius, "the length", length, f"pairs of {radius:g}")

    def project(self, points):
        pairs = points.reshape(-1, 2, 2)
        return (pairs / np.linalg.norm(pairs, axis=2, keepdims=True)).reshape(-1, 4) * self._scale

    def tangential(self, points, vectors):
        normal, pairs = (points / self._scale).reshape(-1, 2, 2), vectors.reshape(-1, 2, 2)
        return (pairs - (pairs * normal).sum(axis=2, keepdims=True) * normal).reshape(-1, 4)

    def displacement(self, first, second):
        turns = np.angle(np.exp(1j * (self.chart(second) - self.chart(first))))
        return self._along(first, turns * self.radii)

    def move(self, points, steps):
        east = self._along(points, np.ones((len(points), 2)))
        arcs = (steps * east).reshape(-1, 2, 2).sum(axis=2)
        return self.at(self.chart(points) + arcs / self.radii)

    def wander(self, points, variance, normals):
        return self.move(points, np.sqrt(variance[0]) * self.tangential(points, normals))

    def chart(self, points):
        pairs = points.reshape(-1, 2, 2)
        return np.mod(np.arctan2(pairs[..., 1], pairs[..., 0]), TURN)

    def at(self, angles):
        """Points of given angles (..., 2)."""
        circles = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        return circles.reshape(*angles.shape[:-1], 4) * self._scale

    def _along(self, points, arcs):
        """Tangent vectors that have given lengths along the two circles."""
        pairs = (points / self._scale).reshape(-1, 2, 2)
        east = np.stack([-pairs[..., 1], pairs[..., 0]], axis=-1)
        return (arcs[..., None] * east).reshape(-1, 4)


@dataclass(frozen=True)
class FlatTorus(UnsignedDomain):
    """The flat torus with cells that are rectangles in its two angles."""

    cells: tuple[int, int]
    radii: tuple[float, float] = (1.0, 0.5)

    kind = "flat_torus"
    reaction = 0.0

    @property
    def geometry(self) -> Torus:
        return Torus(self.radii)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.cells[0] * self.cells[1],)

    @property
    def widths(self):
        """Sides of a cell."""
        return np.array(self.radii) * TURN / np.array(self.cells)

    @cached_property
    def angles(self):
        """Angles of the cell centres, shape (N, 2)."""
        rows = [(np.arange(count) + 0.5) * TURN / count for count in self.cells]
        return np.stack(np.meshgrid(*rows, indexing="ij"), axis=-1).reshape(-1, 2)

    @property
    def points(self):
        return self.geometry.at(self.angles)

    @property
    def volumes(self):
        return np.full(self.shape, self.widths.prod())

    @property
    def coordinates(self):
        return (Coordinate("cell", np.arange(self.shape[0], dtype=np.float64), "1", "number of the cell"),)

    @property
    def parameters(self) -> Mapping[str, Any]:
        return {"cells": list(self.cells), "radii": list(self.radii)}

    @property
    def faces(self) -> Faces:
        return self.mesh.faces

    @cached_property
    def mesh(self) -> SurfaceMesh:
        count, numbers = self.shape[0], np.arange(self.shape[0]).reshape(self.cells)
        steps = ((0, 1), (0, -1), (1, 1), (1, -1))  # axis and direction of each face; each is followed by its opposite
        neighbours = np.repeat(np.arange(count)[:, None], DEGREE, axis=1)
        opposite, lengths = np.zeros((count, DEGREE), dtype=np.int64), np.zeros((count, DEGREE))
        distances, midpoints = np.ones((count, DEGREE)), np.repeat(self.points[:, None], DEGREE, axis=1)
        for face, (axis, way) in enumerate(steps):
            neighbours[:, face], opposite[:, face] = np.roll(numbers, -way, axis=axis).ravel(), face ^ 1
            lengths[:, face], distances[:, face] = self.widths[1 - axis], self.widths[axis]
            shift = np.eye(2)[axis] * way * 0.5 * TURN / np.array(self.cells)
            midpoints[:, face] = self.geometry.at(self.angles + shift)
        edges = np.concatenate([np.stack([np.arange(count), neighbours[:, face]], axis=1) for face in (0, 2)])
        corners = self.geometry.at(self.angles + 0.5 * TURN / np.array(self.cells))
        ends = np.concatenate(
            [np.stack([np.roll(numbers, 1, axis=1 - axis).ravel(), numbers.ravel()], axis=1) for axis in (0, 1)]
        )
        return SurfaceMesh(
            self.points, self.volumes, neighbours, opposite, lengths, distances, midpoints, corners, edges, ends
        )

    def tangent_coordinates(self, targets):
        turns = np.array([self.geometry.chart(around) for around in targets]) - self.angles[:, None]
        return np.angle(np.exp(1j * turns)) * self.radii

    def cells_at(self, points):
        places = np.floor(self.geometry.chart(points) / TURN * self.cells).astype(np.int64) % self.cells
        return np.ravel_multi_index(tuple(places.T), self.cells)

    def averages(self, density):
        nodes, weights = np.polynomial.legendre.leggauss(3)
        offsets = 0.5 * TURN / np.array(self.cells) * np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
        values = density(self.geometry.at(self.angles[:, None] + offsets))
        return values @ (0.25 * np.outer(weights, weights)).ravel()

    uniforms = 2

    def place(self, masses, uniforms):
        cells, fraction = invert(masses, uniforms[0])
        inside = np.stack([fraction, uniforms[1]], axis=1) - 0.5
        return self.geometry.at(self.angles[cells] + inside * TURN / np.array(self.cells))
