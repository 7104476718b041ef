"""Largest margins: against brute force, linear programs on all kinks, closed forms, and each other."""

import numpy as np
import pytest
from scipy.optimize import linprog

from wgflow.analysis.optimality.arrangement import combination, make_direction_search
from wgflow.analysis.optimality.margins import (
    feature_margin,
    kernel_margin,
    linear_margin,
    uniform_kernel,
    variation_margin,
)
from wgflow.analysis.optimality.svm import hard_margin
from wgflow.domains import Sphere
from wgflow.errors import InputError
from wgflow.networks.training.clusters import Clusters


def brute_force(inputs, labels, directions):
    """Largest margin of networks with neurons at given directions, by one linear program."""
    neurons = np.maximum(inputs @ directions.T, 0.0)
    margins = labels[:, None] * np.hstack([neurons, -neurons])
    count = margins.shape[1]
    program = linprog(
        np.append(np.zeros(count), -1.0),
        A_ub=np.hstack([-margins, np.ones((len(labels), 1))]),
        b_ub=np.zeros(len(labels)),
        A_eq=np.append(np.ones(count), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0.0, None)] * count + [(None, None)],
    )
    return -program.fun


def circle(angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


@pytest.fixture(scope="module")
def clusters():
    """Four clusters, of which opposite ones have the same label: no line separates them."""
    return Clusters([[1.0, -1.0], [-1.0, 1.0]], 3).draw(20, np.random.default_rng(2))


@pytest.fixture(scope="module")
def best(clusters):
    return variation_margin(*clusters)


@pytest.mark.parametrize(
    ("count", "kind"), [(1, "random"), (4, "random"), (8, "parallel"), (8, "lattice"), (20, "random")]
)
def test_direction_search_finds_the_largest_value_on_the_sphere(count, kind):
    """Against the best of a fine grid, refined by random search; with kinks that coincide or meet in one point, too."""
    generator = np.random.default_rng(count)
    inputs, charges = generator.standard_normal((count, 3)), generator.standard_normal(count)
    if kind == "parallel":
        inputs[1:4] = 2.0 * inputs[0], -inputs[0], 3.0 * inputs[0]
    if kind == "lattice":
        inputs = np.round(2.0 * inputs) + np.array([0.0, 0.0, 0.5])
    points, found = make_direction_search(inputs)(charges, 30)
    assert found == pytest.approx(combination(points, inputs, charges), rel=1e-12)
    tried = Sphere(2562).points
    for width in 0.05 * 0.7 ** np.arange(40):
        top = tried[np.argsort(-abs(combination(tried, inputs, charges)))[:20]]
        tried = np.concatenate([top, (top[:, None] + width * generator.standard_normal((20, 30, 3))).reshape(-1, 3)])
        tried /= np.linalg.norm(tried, axis=1, keepdims=True)
    assert abs(combination(tried, inputs, charges)).max() == pytest.approx(abs(found[0]), rel=4.7e-9)
    assert abs(combination(tried, inputs, charges)).max() <= abs(found[0]) * (1.0 + 1e-12)


def test_local_ascent_finds_a_peak_in_five_dimensions():
    """One datum: the largest value of |c (eta.x)_+| is |c||x|, at its direction."""
    inputs = np.random.default_rng(0).standard_normal((1, 5))
    points, found = make_direction_search(inputs)(np.array([-2.0]), 3)
    assert found[0] == pytest.approx(-2.0 * np.linalg.norm(inputs), rel=1e-12)
    assert points[0] == pytest.approx(inputs[0] / np.linalg.norm(inputs), rel=2.7e-8)


def test_variation_margin_of_one_and_of_two_points():
    """One point x: |x|, by the neuron at x. Two orthogonal ones: half of it, as each neuron sees its own point only."""
    one = variation_margin([[3.0, 4.0]], [-1.0])
    assert one.margin == pytest.approx(5.0, rel=1e-12)
    assert one.measure.signs == pytest.approx(-1.0, rel=1e-12)
    two = variation_margin([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]], [1.0, -1.0])
    assert two.margin == pytest.approx(1.0, rel=1e-12)


def test_variation_margin_in_the_plane_against_all_directions_that_matter():
    """A fine regular grid of directions with all kinks in it: below, by less than the square of its spacing."""
    generator = np.random.default_rng(1)
    inputs = np.column_stack([generator.uniform(-1.0, 1.0, 12), np.ones(12)])
    labels = np.where(np.sin(5.0 * inputs[:, 0]) > 0.0, 1.0, -1.0)
    found = variation_margin(inputs, labels)
    kinks = np.arctan2(inputs[:, 1], inputs[:, 0])[:, None] + 0.5 * np.pi * np.array([-1.0, 1.0])
    angles = np.concatenate([kinks.ravel(), np.linspace(0.0, 2.0 * np.pi, 2000, endpoint=False)])
    reference = brute_force(inputs, labels, circle(angles))
    assert reference <= found.upper_bound * (1.0 + 1e-9)
    assert found.margin == pytest.approx(reference, rel=6e-7)


def test_variation_margin_on_clusters_is_certified(clusters, best):
    inputs, labels = clusters
    assert best.exact
    assert 0.0 <= best.gap < 1e-6
    assert (labels * best.predict(inputs)).min() == pytest.approx(best.margin, rel=1e-12)
    assert best.measure.mass == pytest.approx(1.0, rel=1e-12)
    assert np.linalg.norm(best.measure.points, axis=1) == pytest.approx(1.0, rel=1e-12)
    slope = combination(Sphere(2562).points, inputs, labels * best.multipliers)
    assert abs(slope).max() <= best.upper_bound * (1.0 + 1e-12)
    coarse = brute_force(inputs, labels, Sphere(642).points)
    assert 0.85 * best.margin < coarse < best.margin


def test_a_scale_of_the_data_is_one_of_the_margin(clusters, best):
    inputs, labels = clusters
    assert variation_margin(1e3 * inputs, -labels).margin == pytest.approx(1e3 * best.margin, rel=9.2e-12)


def test_kernel_margin_is_smaller_and_bracketed(clusters, best):
    inputs, labels = clusters
    kernel = kernel_margin(inputs, labels)
    assert 0.0 <= kernel.gap < 1e-6
    assert 3.0 < best.margin / kernel.margin < 5.0
    assert (labels * kernel.predict(inputs)).min() == pytest.approx(kernel.margin, rel=1e-12)
    gram = uniform_kernel(inputs, inputs)
    assert kernel.coefficients @ gram @ kernel.coefficients == pytest.approx(1.0, rel=1e-12)


def test_uniform_kernel_is_the_mean_over_directions():
    inputs = np.random.default_rng(3).standard_normal((4, 3))
    sphere = Sphere(2562)
    neurons = np.maximum(sphere.points @ inputs.T, 0.0)
    mean = (sphere.volumes / (4.0 * np.pi) * neurons.T) @ neurons
    assert uniform_kernel(inputs, inputs) == pytest.approx(mean, rel=8.8e-4, abs=4.4e-5)


def test_many_random_features_have_the_margin_of_the_kernel(clusters):
    """Here regular directions, weighted by their cells, for random ones; the norm of networks is |a| / sqrt(m)."""
    inputs, labels = clusters
    sphere = Sphere(2562)
    shares = sphere.volumes / sphere.volumes.mean()
    features = np.sqrt(shares) * np.maximum(inputs @ sphere.points.T, 0.0)
    found = feature_margin(features, labels)
    assert found.margin == pytest.approx(kernel_margin(inputs, labels).margin, rel=2.8e-4)
    assert np.linalg.norm(found.coefficients) * np.sqrt(features.shape[1]) == pytest.approx(1.0, rel=1e-12)
    assert (labels * found.predict(features)).min() == pytest.approx(found.margin, rel=1e-12)


def test_linear_margin_against_the_closed_form():
    """Points at the angles a and -a around opposite ends of an axis: the margin is |x| cos a."""
    angle = 0.3
    points = 2.0 * np.array([[np.cos(angle), np.sin(angle)], [-np.cos(angle), np.sin(angle)]])
    found = linear_margin(points, [1.0, -1.0])
    assert found.margin == pytest.approx(2.0 * np.cos(angle), rel=1e-12)
    assert found.coefficients == pytest.approx([1.0, 0.0], abs=1e-12)
    assert found.predict(points) == pytest.approx([found.margin, -found.margin], rel=1e-12)


def test_hard_margin_of_many_points_against_their_conditions():
    """At the shortest vector of a hull, all points are on its far side, and those with multipliers on the plane."""
    vectors = np.random.default_rng(5).standard_normal((300, 40)) + 0.6
    found = hard_margin(vectors)
    shortest = found.multipliers @ vectors
    ahead = vectors @ shortest - shortest @ shortest
    assert ahead.min() > -1e-9 * (shortest @ shortest)
    assert abs(ahead[found.multipliers > 1e-8]).max() < 1e-12 * (shortest @ shortest)
    assert found.multipliers.sum() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("margin", [variation_margin, kernel_margin, linear_margin])
def test_data_that_are_not_separable_are_refused(margin):
    with pytest.raises(InputError, match="not separable"):
        margin([[1.0, 2.0], [1.0, 2.0], [0.0, 1.0]], [1.0, -1.0, 1.0])


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match=r"labels hold 0; allowed"):
        variation_margin([[1.0, 2.0]], [0.0])
    with pytest.raises(InputError, match="2 data points have labels"):
        kernel_margin([[1.0], [2.0]], [1.0])
    with pytest.raises(InputError, match="tolerance"):
        variation_margin([[1.0, 2.0]], [1.0], tolerance=0.0)
    with pytest.raises(InputError, match="one component"):
        variation_margin([[1.0]], [1.0])
    with pytest.raises(InputError, match="not separable"):
        variation_margin([[0.0, 0.0], [1.0, 0.0]], [1.0, 1.0])
    with pytest.raises(InputError, match="fit the classifier"):
        linear_margin([[1.0, 2.0]], [1.0]).predict([[1.0]])


def test_margin_in_five_dimensions_is_a_lower_bound_only():
    """Two orthogonal points with opposite labels: 1/2 in any dimension."""
    found = variation_margin(np.eye(2, 5), [1.0, -1.0])
    assert not found.exact
    assert found.gap == np.inf
    assert found.margin == pytest.approx(0.5, rel=1e-12)
