"""Spheres of any dimension: frames, distances, and second derivatives along great circles."""

from __future__ import annotations

import numpy as np
import pytest

from tests.references import central_difference
from wgflow.functionals import OuterProduct
from wgflow.variational.geodesics import GreatCircles, StraightLines


def unit_vectors(count, p, seed=0):
    points = np.random.default_rng(seed).normal(size=(count, p))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("p", [2, 3, 6])
def test_frames_are_orthonormal_and_tangential(p):
    points = np.concatenate([unit_vectors(20, p), np.eye(p)[:1], -np.eye(p)[:1]])
    frames = GreatCircles().frames(points)
    gram = frames.transpose(0, 2, 1) @ frames
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(p - 1), gram.shape), atol=1e-14, rtol=2e-9)
    assert abs(np.einsum("npk,np->nk", frames, points)).max() < 1e-14


@pytest.mark.parametrize("p", [2, 3, 6])
def test_derivatives_along_geodesics(p):
    points, form = unit_vectors(5, p), np.random.default_rng(1).normal(size=p * p)
    features, geodesics = OuterProduct(), GreatCircles()
    frames = geodesics.frames(points)
    intrinsic = geodesics.intrinsic(frames, points, features.gradient(points, form), features.hessian(points, form))
    direction = np.random.default_rng(2).normal(size=(5, p - 1))

    def slope(t):
        return central_difference(lambda s: features(geodesics.move(points, frames, (t + s) * direction)) @ form, 1e-2)

    found = np.einsum("ni,nij,nj->n", direction, intrinsic, direction)
    np.testing.assert_allclose(found, central_difference(slope, 1e-2), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("geodesics", [StraightLines(), GreatCircles()])
def test_distances_directions_and_travel_agree(geodesics):
    start, end = unit_vectors(30, 3), unit_vectors(30, 3, seed=5)
    distance, direction, _ = geodesics.separation(start, end)
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1.0, rtol=1e-13)
    np.testing.assert_allclose(geodesics.travel(start, end, distance), end, atol=1e-13, rtol=2.1e-13)
    np.testing.assert_allclose(np.diag(geodesics.distances(start, end)), distance, atol=1e-13, rtol=1e-13)
    frames = geodesics.frames(start)
    steps = distance[:, None] * geodesics.coordinates(frames, direction)
    np.testing.assert_allclose(geodesics.move(start, frames, steps), end, atol=1e-13, rtol=2.1e-13)
    assert geodesics.separation(start, start)[0].max() < 1e-15
