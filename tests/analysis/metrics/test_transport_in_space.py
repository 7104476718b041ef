"""Wasserstein distances in the plane, in space and on spheres: exact ones by hand, and sliced ones by formulas."""

from itertools import permutations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from wgflow.analysis.metrics import exact_wasserstein, sliced_wasserstein
from wgflow.analysis.metrics.exact_transport import distance_matrix
from wgflow.analysis.metrics.sliced import draw_frames, line_costs
from wgflow.domains import Box, Circle, HalfCircle, HalfSphere, Space, Sphere
from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles

pytest.importorskip("ot")

TORUS = Box([(0.0, 3.0), (-1.0, 1.0)], (4, 4), periodic=[True, False])


def cloud(points, weights=None, signs=None):
    return Particles(points, np.ones(len(points)) if weights is None else weights, signs)


def lengths_of(domain, first, second):
    """The shortest ways, written out."""
    if domain == "sphere":
        return np.arccos(np.clip(first @ second.T, -1.0, 1.0))
    away = np.abs(first[:, None] - second[None])
    if domain is TORUS:
        away[..., 0] = np.minimum(away[..., 0], 3.0 - away[..., 0])
    return np.sqrt((away**2).sum(axis=-1))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("domain", [Space(2), Space(3), TORUS, Sphere(42), HalfSphere(42, 5)])
def test_equal_weights_are_matched_by_the_best_permutation(domain, order):
    generator = np.random.default_rng(1)
    components = domain.geometry.components
    first, second = generator.uniform(0.0, 1.0, (2, 5, components)) * ([3.0, 1.0] if domain is TORUS else 1.0)
    if components == 3 and domain != Space(3):
        first, second = (points / np.linalg.norm(points, axis=1, keepdims=True) for points in (first, second))
        costs = lengths_of("sphere", first, second) ** order
    else:
        costs = lengths_of(domain, first, second) ** order
    best = min(sum(costs[row, column] for row, column in enumerate(chosen)) for chosen in permutations(range(5))) / 5.0
    found = exact_wasserstein(cloud(first), cloud(second), order, domain)
    assert found[0] ** order == pytest.approx(best, rel=2e-14, abs=0.0)
    assert np.isnan(found[1])


@pytest.mark.parametrize("components", [2, 3])
def test_translations_and_covariances_of_gaussians(components):
    """An affine map with a positive matrix is optimal: W2^2 = |m|^2 + the Bures distance of the covariances."""
    generator = np.random.default_rng(2)
    weights = generator.uniform(0.5, 1.5, 40)
    points = generator.normal(size=(40, components))
    points -= np.average(points, weights=weights, axis=0)
    before = np.cov(points.T, aweights=weights, bias=True)
    matrix, shift = generator.normal(size=(components, components)), generator.normal(size=components)
    matrix = matrix @ matrix.T + 0.2 * np.eye(components)
    after = matrix @ before @ matrix
    root = np.real(sqrtm(before))
    bures = np.trace(before) + np.trace(after) - 2.0 * np.trace(np.real(sqrtm(root @ after @ root)))
    found = exact_wasserstein(cloud(points, weights), cloud(points @ matrix + shift, 2.0 * weights), 2)
    assert found[0] ** 2 == pytest.approx(shift @ shift + bures, rel=4e-15, abs=0.0)
    moved = cloud(points + shift, weights)
    for order in (1, 2):
        assert exact_wasserstein(cloud(points, weights), moved, order)[0] == pytest.approx(
            np.linalg.norm(shift), rel=2e-15, abs=0.0
        )


def test_arcs_are_accurate_for_near_and_opposite_points():
    pole = np.array([[0.0, 0.0, 1.0]])
    others = np.array([[0.0, np.sin(a), np.cos(a)] for a in (1e-9, 1.0, np.pi - 1e-9, np.pi)])
    found = distance_matrix(pole, others, Sphere(42))[0]
    np.testing.assert_allclose(found, [1e-9, 1.0, np.pi - 1e-9, np.pi], rtol=2e-16)


def test_each_sheet_and_only_what_has_mass_counts():
    first = cloud([[0.0, 0.0], [5.0, 5.0], [1.0, 1.0]], [1.0, 0.0, 2.0], [1.0, 1.0, -1.0])
    second = cloud([[0.0, 2.0], [1.0, 1.0]], [3.0, 1e-300], [1.0, -1.0])
    np.testing.assert_allclose(exact_wasserstein(first, second, 1), [2.0, 0.0], rtol=1e-15)
    np.testing.assert_allclose(sliced_wasserstein(first, second, 2).value, [np.sqrt(2.0), 0.0], rtol=1e-15)


def test_circles_and_lines_are_those_of_quantiles():
    arcs = [cloud([[np.cos(a), np.sin(a)]]) for a in (0.1, 3.0)]
    for domain in (Circle(8), HalfCircle(8, 7)):
        assert exact_wasserstein(*arcs, 2, domain)[0] == pytest.approx(2.9, rel=4e-16)
    assert exact_wasserstein(*arcs, 2)[0] == pytest.approx(2.0 * np.sin(1.45), rel=4e-16)
    assert exact_wasserstein(cloud([[0.5]]), cloud([[2.0]]), 1)[0] == pytest.approx(1.5, rel=1e-15)


class TestSliced:
    @pytest.mark.parametrize("components", [2, 3, 5])
    def test_translations_are_exact_for_squares(self, components):
        generator = np.random.default_rng(3)
        points, shift = generator.normal(size=(30, components)), generator.normal(size=components)
        found = sliced_wasserstein(cloud(points), cloud(points + shift), 2, projections=16)
        assert found.value[0] == pytest.approx(np.linalg.norm(shift) / np.sqrt(components), rel=1e-14)
        assert found.error[0] < 1e-14
        assert found.projections == max(4, -(-16 // components)) * components

    @pytest.mark.parametrize(
        ("components", "order", "mean", "error"),
        [(2, 1, 2.0 / np.pi, 1.4e-3), (3, 1, 0.5, 1.3e-3), (2, 3, 4.0 / (3.0 * np.pi), 6.6e-4)],
    )
    def test_the_standard_error_covers_the_error(self, components, order, mean, error):
        """SW_p^p of a translation by a unit vector is the mean of the power p of the component of a direction."""
        atoms = cloud(np.zeros((1, components))), cloud(np.eye(components)[:1])
        found = sliced_wasserstein(*atoms, order, 4096, seed=1)
        assert abs(found.value[0] - mean ** (1.0 / order)) < 2.0 * found.error[0]
        assert found.error[0] == pytest.approx(error, rel=0.1)

    def test_gaussians(self):
        """Along a direction the deviations differ: SW2^2 of N(0, A^2) and N(0, 1) is the mean of (|A u| - 1)^2."""
        generator = np.random.default_rng(4)
        points = generator.normal(size=(4000, 2))
        points = np.linalg.solve(np.linalg.cholesky(np.cov(points.T, bias=True)), (points - points.mean(axis=0)).T).T
        angles = np.linspace(0.0, np.pi, 400, endpoint=False)
        exact = np.mean((np.hypot(3.0 * np.cos(angles), np.sin(angles)) - 1.0) ** 2)
        found = sliced_wasserstein(cloud(points), cloud(points * [3.0, 1.0]), 2)
        assert found.value[0] ** 2 == pytest.approx(exact, rel=0.012)

    def test_lines_with_other_weights(self):
        """Two thirds at 0, a third at 1, against halves at 1 and 3: a half goes by 1, a sixth by 3, a third by 2."""
        found = line_costs(
            np.array([1.0, 0.0]),
            np.array([1.0, 2.0]) / 3.0,
            np.array([3.0, 1.0]),
            np.full(2, 0.5),
            np.array([1.0, 2.0]),
        )
        np.testing.assert_allclose(found, [0.5 + 3.0 / 6.0 + 2.0 / 3.0, 0.5 + 9.0 / 6.0 + 4.0 / 3.0], rtol=1e-15)

    def test_frames_are_orthonormal_and_uniform(self):
        frames = draw_frames(3, 6000, np.random.default_rng(5))
        np.testing.assert_allclose(
            frames @ np.swapaxes(frames, 1, 2), np.broadcast_to(np.eye(3), frames.shape), atol=3e-15
        )
        np.testing.assert_allclose(frames.mean(axis=0), 0.0, atol=0.07)


def test_what_is_not_allowed():
    good = cloud([[1.0, 0.0]])
    for distance in (exact_wasserstein, sliced_wasserstein):
        with pytest.raises(InputError, match=r"order = 0\.5"):
            distance(good, good, 0.5)
        with pytest.raises(ShapeError, match="dimensions 2 and 3"):
            distance(good, cloud([[1.0, 0.0, 0.0]]))
    with pytest.raises(ShapeError, match="do not fit the domain of 3"):
        exact_wasserstein(good, good, 2, Sphere(42))
    with pytest.raises(InputError, match="projections = 0"):
        sliced_wasserstein(good, good, 2, 0)
    many = cloud(np.zeros((20000, 2)))
    with pytest.raises(InputError, match="20000 x 20000 atoms are too many"):
        exact_wasserstein(many, many)
