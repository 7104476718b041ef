"""Clusters on a grid: their law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from wgflow.errors import InputError
from wgflow.networks.training.clusters import Clusters, draw_clusters

CHECKERED = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]])


@pytest.fixture(scope="module", params=[False, True])
def drawn(request):
    law = Clusters(CHECKERED, 5, uniform_disk=request.param)
    return law, *law.draw(9000, np.random.default_rng(0))


def test_points_lie_in_their_clusters_and_have_their_labels(drawn):
    """For k = 3: centres at -3/8, 0, 3/8 and radius 1/8, so that the clusters touch the ends of [-1/2, 1/2]."""
    _, inputs, labels = drawn
    nearest = np.round(inputs[:, 1:3] / 0.375).astype(int)
    assert set(nearest.ravel()) == {-1, 0, 1}
    distance = np.linalg.norm(inputs[:, 1:3] - 0.375 * nearest, axis=1)
    assert 0.99 * 0.125 < distance.max() <= 0.125
    assert np.array_equal(labels, CHECKERED[nearest[:, 0] + 1, nearest[:, 1] + 1])
    counts = np.unique(nearest, axis=0, return_counts=True)[1]
    assert counts.size == 9
    assert abs(counts / 1000.0 - 1.0).max() < 0.12  # four standard deviations


def test_the_law_of_the_radius_and_the_other_coordinates(drawn):
    law, inputs, _ = drawn
    assert (inputs[:, 0] == 1.0).all()
    offset = inputs[:, 1:3] - 0.375 * np.round(inputs[:, 1:3] / 0.375)
    share = np.linalg.norm(offset, axis=1) / 0.125
    assert kstest(share**2 if law.uniform_disk else share, "uniform").pvalue > 0.01
    assert kstest(np.arctan2(offset[:, 1], offset[:, 0]) / (2.0 * np.pi) + 0.5, "uniform").pvalue > 0.01
    for axis in (3, 4):
        assert kstest(inputs[:, axis] + 0.5, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("side", "negative"), [(2, 2), (3, 4), (4, 8)])
def test_half_of_the_clusters_are_negative(side, negative):
    laws = [draw_clusters(side, 3, np.random.default_rng(seed)) for seed in (0, 0, 1, 2)]
    assert all((law.labels == -1.0).sum() == negative for law in laws)
    assert np.array_equal(laws[0].labels, laws[1].labels)
    assert len({law.labels.tobytes() for law in laws}) > 1
    assert laws[0].radius == 1.0 / (3 * side - 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Clusters(np.ones((2, 3)), 3), "shape (2, 3)"),
        (lambda: Clusters(np.zeros((2, 2)), 3), "+1 or -1"),
        (lambda: Clusters(np.ones((2, 2)), 2), "dimension = 2"),
        (lambda: draw_clusters(1, 3, np.random.default_rng(0)), "side = 1"),
    ],
)
def test_what_is_not_allowed_is_refused(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)
