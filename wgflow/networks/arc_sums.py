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


def planar_sines(points: FloatArray, sources: FloatArray, masses: FloatArray) -> FloatArray:
    r"""Give :math:`\sum_j m_j |v_j| \sin p_{ij} / 2\pi` of the angles p between points and sources v in the plane.

    With the differences d of angles, :math:`\sin p = |\sin d|`: twice the sines of the sources less than half a turn
    behind, which are positive, less those of all.
    """
    angles, source_angles = planar_angles(points), planar_angles(sources)
    sorting = np.argsort(source_angles)
    behind, weights = source_angles[sorting], (masses * np.linalg.norm(sources, axis=1))[sorting]
    below = np.zeros((2, len(behind) + 1))
    np.cumsum([weights * np.cos(behind), weights * np.sin(behind)], axis=1, out=below[:, 1:])
    opposite, total = np.mod(angles + np.pi, 2.0 * np.pi), below[:, -1:]
    half = below[:, np.searchsorted(behind, angles)] - below[:, np.searchsorted(behind, opposite)]
    half += np.where(opposite > angles, total, 0.0)
    across = np.stack([np.sin(angles), -np.cos(angles)])
    return np.asarray(((2.0 * half - total) * across).sum(axis=0) / (2.0 * np.pi))
