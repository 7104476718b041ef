"""Geodesics of R^p and of the unit sphere of R^p, and second derivatives along them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wgflow.typing import FloatArray

TINY = np.finfo(np.float64).tiny


class Geodesics(Protocol):
    """The straight lines of a space; coordinates are taken in an orthonormal frame at each point."""

    def frames(self, points: FloatArray) -> FloatArray:
        """Orthonormal tangent vectors at points (N, p), shape (N, p, k)."""

    def coordinates(self, frames: FloatArray, vectors: FloatArray) -> FloatArray:
        """Coordinates (N, ..., k) of the tangential parts of ambient vectors (N, ..., p)."""

    def separation(self, points: FloatArray, anchors: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Distances (N,) from points to anchors, directions (N, p) to leave in, and the curvatures (N,) of spheres."""

    def intrinsic(self, frames: FloatArray, points: FloatArray, slope: FloatArray, bend: FloatArray) -> FloatArray:
        """Second derivatives along geodesics (N, k, k), from ambient gradients (N, p) and Hessians (N, p, p)."""

    def move(self, points: FloatArray, frames: FloatArray, steps: FloatArray) -> FloatArray:
        """Points at the end of geodesics with the initial velocities ``steps`` (N, k)."""

    def distances(self, points: FloatArray, others: FloatArray) -> FloatArray:
        """Distances of all pairs, shapes (N, p) and (M, p) to (N, M)."""

    def travel(self, start: FloatArray, toward: FloatArray, distance: FloatArray) -> FloatArray:
        """Points at given distances (N,) from ``start`` on the geodesics through ``toward``."""


class StraightLines:
    """Those of R^p."""

    def frames(self, points: FloatArray) -> FloatArray:
        """Give nothing: the axes serve everywhere."""
        return np.empty((len(points), 0, 0))

    def coordinates(self, frames: FloatArray, vectors: FloatArray) -> FloatArray:  # noqa: ARG002
        """Give the vectors themselves."""
        return vectors

    def separation(self, points: FloatArray, anchors: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Distances, unit vectors to the anchors, and 1 / distance (0 at distance 0)."""
        apart = anchors - points
        distance = np.linalg.norm(apart, axis=1)
        inverse = 1.0 / np.maximum(distance, TINY)
        return distance, apart * inverse[:, None], np.where(distance > 0.0, inverse, 0.0)

    def intrinsic(self, frames: FloatArray, points: FloatArray, slope: FloatArray, bend: FloatArray) -> FloatArray:  # noqa: ARG002
        """Give the Hessians themselves."""
        return bend

    def move(self, points: FloatArray, frames: FloatArray, steps: FloatArray) -> FloatArray:  # noqa: ARG002
        """Add the steps."""
        return points + steps

    def distances(self, points: FloatArray, others: FloatArray) -> FloatArray:
        """Euclidean distances, shape (N, M)."""
        from scipy.spatial.distance import cdist  # takes longer to import than a small run to compute

        return cdist(points, others)

    def travel(self, start: FloatArray, toward: FloatArray, distance: FloatArray) -> FloatArray:
        """Points on straight lines."""
        _, direction, _ = self.separation(start, toward)
        return start + distance[:, None] * direction


class GreatCircles:
    """Those of the unit sphere of R^p."""

    def frames(self, points: FloatArray) -> FloatArray:
        """All but the first column of the reflection that takes the first axis to the point, up to a sign."""
        normal = points.copy()
        normal[:, 0] += np.where(points[:, 0] < 0.0, -1.0, 1.0)
        scaled = 2.0 * normal / np.einsum("ij,ij->i", normal, normal)[:, None]
        return np.eye(points.shape[1])[:, 1:] - scaled[:, :, None] * normal[:, None, 1:]

    def coordinates(self, frames: FloatArray, vectors: FloatArray) -> FloatArray:
        """Products with the frame vectors."""
        flat = vectors.reshape(len(vectors), -1, vectors.shape[-1]) @ frames
        return flat.reshape(*vectors.shape[:-1], frames.shape[2])

    def separation(self, points: FloatArray, anchors: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Angles, tangents to great circles, and cotangents of the angles (0 at angle 0)."""
        cosine = np.einsum("ij,ij->i", points, anchors)
        across = anchors - cosine[:, None] * points
        sine = np.linalg.norm(across, axis=1)
        inverse = 1.0 / np.maximum(sine, TINY)
        return np.arctan2(sine, cosine), across * inverse[:, None], np.where(sine > 0.0, cosine * inverse, 0.0)

    def intrinsic(self, frames: FloatArray, points: FloatArray, slope: FloatArray, bend: FloatArray) -> FloatArray:
        """Tangential part of the Hessian, less the slope along the normal: a great circle bends away from it."""
        inner = frames.transpose(0, 2, 1) @ bend @ frames
        normal = np.einsum("ij,ij->i", slope, points)
        return inner - normal[:, None, None] * np.eye(frames.shape[2])

    def move(self, points: FloatArray, frames: FloatArray, steps: FloatArray) -> FloatArray:
        """Follow great circles."""
        vectors = np.einsum("ijk,ik->ij", frames, steps)
        length = np.linalg.norm(steps, axis=1)[:, None]
        moved = np.cos(length) * points + np.sinc(length / np.pi) * vectors
        return moved / np.linalg.norm(moved, axis=1, keepdims=True)

    def distances(self, points: FloatArray, others: FloatArray) -> FloatArray:
        """Angles, shape (N, M), to about 1e-8."""
        return np.arccos(np.clip(points @ others.T, -1.0, 1.0))

    def travel(self, start: FloatArray, toward: FloatArray, distance: FloatArray) -> FloatArray:
        """Points on great circles."""
        _, direction, _ = self.separation(start, toward)
        moved = np.cos(distance)[:, None] * start + np.sin(distance)[:, None] * direction
        return moved / np.linalg.norm(moved, axis=1, keepdims=True)
