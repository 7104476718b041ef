"""The cells of each kind of domain as files of VTK: images, lines around a circle, polygons, or points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.trajectory.ugrid import face_nodes
from wgflow.typing import FloatArray, IntArray

LINE, POLYGON = 3, 7  # cell types of VTK

Densities = Mapping[str, FloatArray]
Write = Callable[[str, Any, Densities], str]
"""From a path without its ending, a domain, and named densities on it to the whole path."""


def _write_image(path: str, box: Box, densities: Densities) -> str:
    from pyevtk.hl import imageToVTK

    origin, spacing = _filled([low for low, _ in box.bounds]), _filled(box.spacing, 1.0)
    shape = (*box.shape, 1, 1)[:3]
    data = {name: np.asfortranarray(row.reshape(shape)) for name, row in densities.items()}
    return str(imageToVTK(path, origin, spacing, cellData=data))


def _write_arcs(path: str, circle: Circle, densities: Densities) -> str:
    count = circle.cells
    angles = 2.0 * np.pi * np.arange(count) / count  # cell k lies between the faces k and k + 1
    ends = np.column_stack([np.arange(count), (np.arange(count) + 1) % count]).ravel()
    corners = np.column_stack([np.cos(angles), np.sin(angles)])
    return _write_cells(path, corners, ends, 2 * np.arange(1, count + 1), LINE, densities)


def _write_polygons(path: str, sphere: Sphere, densities: Densities) -> str:
    nodes = face_nodes(sphere.mesh)
    ends = np.cumsum((nodes >= 0).sum(axis=1))
    return _write_cells(path, sphere.mesh.vertices, nodes[nodes >= 0], ends, POLYGON, densities)


def _write_cells(
    path: str, corners: FloatArray, connectivity: IntArray, offsets: IntArray, kind: int, densities: Densities
) -> str:
    """Write cells of one type: their corners in turn, and where those of each cell end."""
    from pyevtk.hl import unstructuredGridToVTK

    kinds = np.full(len(offsets), kind, dtype=np.uint8)
    values = {name: np.ascontiguousarray(row) for name, row in densities.items()}
    return str(unstructuredGridToVTK(path, *in_space(corners), connectivity, offsets, kinds, cellData=values))


def _write_centres(path: str, base: UnsignedDomain, densities: Densities) -> str:
    """Write the cell centres, in the chart where they have more than three components."""
    from pyevtk.hl import pointsToVTK

    points = base.points.reshape(-1, base.geometry.components)
    places = points if base.geometry.components <= 3 else base.geometry.chart(points)
    return str(pointsToVTK(path, *in_space(places), data={name: row.ravel() for name, row in densities.items()}))


def in_space(points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """First three components of points, zeros where there are fewer."""
    columns = [np.ascontiguousarray(column) for column in points.T[:3]]
    columns += [np.zeros(len(points))] * (3 - len(columns))
    return columns[0], columns[1], columns[2]


def _filled(values: Any, missing: float = 0.0) -> tuple[float, float, float]:
    first, second, third = (*map(float, values), missing, missing)[:3]
    return first, second, third


CELL_WRITERS = DomainTable[Write](
    "cells in VTK", {Box: _write_image, Circle: _write_arcs, Sphere: _write_polygons, object: _write_centres}
)
