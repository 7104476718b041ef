"""Particles in two and three dimensions and on the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba

from wgflow import open_problem, run
from wgflow.plotting import plot_trajectory, save_figure
from wgflow.plotting.particle_maps import DOT_AREA, ParticleMap, View
from wgflow.plotting.style import BLUE, VERMILLION, styled_figure
from wgflow.trajectory import Trajectory

TIME = np.linspace(0.0, 1.0, 6)


def trajectory_of(position, sign=None, weight=None):
    count = position.shape[1]
    weight = np.full((len(TIME), count), 1.0 / count) if weight is None else weight
    names = ("risk", "energy", "min_potential", "step_size")
    scalars = {name: np.exp(-TIME) for name in names} | {"mass": weight.sum(axis=1)}
    return Trajectory(TIME, scalars, {"position": position, "weight": weight}, None, sign)


def random_paths(dimension, count=12):
    rng = np.random.default_rng(0)
    return rng.normal(size=(1, count, dimension)) * (1.0 + TIME[:, None, None])


def around_the_sphere(count=9):
    """Particles that run once around the equator and beyond, in steps of 1.3 radians."""
    angle = 1.3 * np.arange(len(TIME))[:, None] + np.linspace(0.0, 1.0, count)
    return np.stack([np.cos(angle), np.sin(angle), 0.0 * angle], axis=-1)


def parts(axes):
    dots = [part for part in axes.collections if isinstance(part, PathCollection) and part.get_zorder() == 3]
    return dots, [part for part in axes.collections if isinstance(part, LineCollection)]


def test_the_plane_shows_last_positions_and_paths():
    position = random_paths(2)
    figure = plot_trajectory(trajectory_of(position))
    axes = figure.axes[0]
    (dots,), (lines,) = parts(axes)
    np.testing.assert_array_equal(dots.get_offsets(), position[-1])
    segments = np.array(lines.get_segments())
    assert segments.shape == (5 * 12, 2, 2)
    np.testing.assert_array_equal(segments[:12, 0], position[0])
    np.testing.assert_array_equal(segments[-12:, 1], position[-1])
    low, high = np.transpose([axes.get_xlim(), axes.get_ylim()])
    assert (low < position.min(axis=(0, 1))).all()
    assert (high > position.max(axis=(0, 1))).all()
    assert [axes.get_ylabel() for axes in figure.axes][:2] == ["$y$", r"risk $R(\mu_t)$"]


def test_space_shows_three_projections():
    position = random_paths(3)
    figure = plot_trajectory(trajectory_of(position))
    for axes, pair, labels in zip(figure.axes, ((0, 1), (0, 2), (1, 2)), ("xy", "xz", "yz"), strict=False):
        np.testing.assert_array_equal(parts(axes)[0][0].get_offsets(), position[-1][:, pair])
        assert (axes.get_xlabel(), axes.get_ylabel()) == tuple(f"${name}$" for name in labels)


def test_signs_have_their_colours_and_weights_their_areas():
    weight = np.tile([1.0, 2.0, 3.0, 2.0], (len(TIME), 1))
    weight[-1] = [4.0, 0.0, 300.0, 2.0]
    sign = np.array([1.0, -1.0, 1.0, -1.0])
    axes = plot_trajectory(trajectory_of(random_paths(2, 4), sign, weight)).axes[0]
    (positive, negative), _ = parts(axes)
    assert tuple(positive.get_facecolor()[0][:3]) == to_rgba(VERMILLION)[:3]
    assert tuple(negative.get_facecolor()[0][:3]) == to_rgba(BLUE)[:3]
    np.testing.assert_allclose(positive.get_sizes(), [2.0 * DOT_AREA, 6.0 * DOT_AREA], rtol=1e-14)
    np.testing.assert_allclose(negative.get_sizes(), [0.2 * DOT_AREA, DOT_AREA], rtol=1e-14)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [r"$\mu_t^+$", r"$\mu_t^-$"]


def test_paths_on_the_sphere_do_not_cross_the_map():
    position = around_the_sphere()
    figure = plot_trajectory(trajectory_of(position))
    axes = figure.axes[0]
    assert axes.name == "mollweide"
    (dots,), (lines,) = parts(axes)
    longitude = np.arctan2(position[-1, :, 1], position[-1, :, 0])
    flat = axes.transProjection.transform(np.stack([longitude, np.zeros(9)], axis=1))
    np.testing.assert_allclose(dots.get_offsets(), flat, rtol=1e-14, atol=1e-14)
    placed = dots.get_offset_transform().transform(dots.get_offsets())
    expected = axes.transData.transform(np.stack([longitude, np.zeros(9)], axis=1))
    np.testing.assert_allclose(placed, expected, rtol=1e-14)
    steps = np.array([abs(piece[1, 0] - piece[0, 0]) for piece in lines.get_segments()])
    assert steps.max() < 1.5  # 1.3 radians; the map is 5.66 wide
    assert len(steps) == 5 * 9 - 9
    assert figure.axes[1].get_ylabel() == r"risk $R(\nu_t)$"


def test_a_cloud_can_be_shown_at_any_time():
    position = random_paths(2)
    shown = np.array([0, 2, 5])
    with styled_figure(2.0) as figure:
        axes = figure.subplots()
        cloud = ParticleMap(axes, trajectory_of(position), View((0, 1), ("", "")), shown)
        for number in (2, 0, 1):
            cloud.show(number)
            (dots,), (lines,) = parts(axes)
            np.testing.assert_array_equal(dots.get_offsets(), position[shown[number]])
            assert len(lines.get_segments()) == 12 * number


@pytest.mark.parametrize("ending", ["pdf", "svg"])
def test_clouds_are_saved_as_vectors(tmp_path, ending):
    path = save_figure(plot_trajectory(trajectory_of(random_paths(2))), tmp_path / f"cloud.{ending}")
    assert path.stat().st_size > 1000


def test_cartesian_particles_of_a_problem_have_its_symbols():
    problem = open_problem(
        {
            "problem": {
                "kind": "two_layer",
                "data": "gaussian_teacher",
                "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
            },
            "domain": {"kind": "box", "bounds": [[-4.0, 4.0]] * 3, "shape": [8, 8, 8]},
            "initial": {"kind": "gaussian", "covariance": np.diag([0.3] * 3).tolist()},
            "solver": {"kind": "particles", "t_end": 0.2},
            "particles": {"count": 10},
            "output": {"snapshots": 3},
        }
    )
    figure = plot_trajectory(run(problem), problem)
    assert figure.axes[0].get_title(loc="left").endswith("Teacher and learned function")
    assert [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes[3:]] == [
        ("$a$", "$b_1$"),
        ("$a$", "$b_2$"),
        ("$b_1$", "$b_2$"),
    ]


def test_particles_on_a_line_are_drawn_over_time():
    figure = plot_trajectory(trajectory_of(random_paths(1)))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split("$   ")[-1] for title in titles] == [
        r"Density of $\mu_t$ at a few times",
        r"Particles of $\mu_t$",
        "Risk",
        "Dissipation",
    ]
