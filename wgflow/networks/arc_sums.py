"""Sums of the arc-cosine kernel over sources in the plane, by prefix sums over sorted angles."""

from __future__ import annotations

import numpy as np

from wgflow.networks.kernels.arc_sums import sorted_circle_sums
from wgflow.typing import FloatArray


def planar_angles(points: FloatArray) -> FloatArray:
    """Angles in [0, 2 pi) of points of the line or the plane, shape (N, 1) or (N, 2)."""
    second = points[:, 1] if points.shape[1] == 2 else np.zeros(len(points))
    return np.mod(np.arctan2(second, points[:, 0]), 2.0 * np.pi)


def planar_sums(points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give ``sum_j masses_j k(points_i, sources_j)`` and its gradient on the line or in the plane.

    At the origin, where the kernel has no gradient, the gradient is that along the first axis.
    """
    lengths = np.linalg.norm(points, axis=1)
    source_lengths = np.linalg.norm(sources, axis=1)
    angles, source_angles = planar_angles(points), planar_angles(sources)
    sorting = np.argsort(source_angles)
    values, derivatives = np.empty(len(points)), np.empty(len(points))
    sorted_circle_sums(
        angles,
        np.argsort(angles),
        source_angles[sorting],
        (masses * source_lengths)[sorting],
        values,
        derivatives,
    )
    radial = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    tangent = np.stack([-radial[:, 1], radial[:, 0]], axis=-1)
    gradient = values[:, None] * radial + derivatives[:, None] * tangent
    return lengths * values, gradient[:, : points.shape[1]]
