"""Regions of classification with two inputs."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure

import wgflow
from wgflow.plotting import plot_trajectory
from wgflow.plotting.regions import (
    RESOLUTION,
    draw_boundary,
    draw_decision,
    draw_labelled,
    draw_learned_regions,
    shows_regions,
)
from wgflow.plotting.style import BLUE, VERMILLION

SHORT = ["domain.cells=42", "solver.t_end=4.0", "output.snapshots=3", "output.spacing=linear"]
COARSE = 51  # points along each axis, where the network is evaluated


@pytest.fixture
def coarse(monkeypatch):
    """Without the bounds beside the regions, either, which take longest."""
    monkeypatch.setattr("wgflow.plotting.gaps.final_certificate", lambda _: None)
    monkeypatch.setattr("wgflow.plotting.margins.upper_bounds", lambda _: (np.empty(0, dtype=int), np.empty(0)))
    drawn = partial(draw_learned_regions, resolution=COARSE)
    monkeypatch.setattr("wgflow.plotting.overviews.classifiers.draw_learned_regions", drawn)


def columns(figure):
    return [axes for axes in figure.axes if axes.images]


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("solver", ["finite_volume", "particles"])
def test_learned_regions_of_real_data(solver):
    problem = wgflow.open_problem("penguins", [*SHORT, f"solver.kind={solver}", "particles.count=40"])
    data = problem.dataset
    assert (len(data.targets), int((data.targets > 0.0).sum())) == (342, 68)
    trajectory = wgflow.run(problem)
    pictures = columns(plot_trajectory(trajectory, problem))
    measure = trajectory.measure(-1)
    charges = measure.weights * measure.signs
    values = np.maximum(data.inputs @ measure.points.T, 0.0) @ charges
    wrong = int((data.targets * values <= 0.0).sum())
    assert pictures[-1].get_title(loc="left").endswith(f"$t = 4$: {wrong} of 342 wrong")
    x, y = np.linspace(*pictures[-1].get_xlim(), COARSE), np.linspace(*pictures[-1].get_ylim(), COARSE)
    image = pictures[-1].images[0].get_array()
    for row, column in ((6, 44), (25, 12), (44, 38)):
        place = (np.array([x[column], y[row]]) - data.input_shift) / data.input_scale
        assert image[row, column] == np.sign(np.maximum(measure.points @ [*place, 1.0], 0.0) @ charges)
    assert (pictures[0].get_xlabel(), pictures[0].get_ylabel()) == ("bill length", "bill depth")
    shown = np.concatenate([part.get_offsets() for part in pictures[0].collections if len(part.get_offsets()) > 1])
    assert sorted(map(tuple, shown.round(6))) == sorted(
        map(tuple, (data.input_shift + data.input_scale * data.inputs[:, :2]).round(6))
    )


@pytest.mark.usefixtures("coarse")
def test_a_start_that_knows_nothing_has_no_region():
    problem = wgflow.open_problem("penguins", [*SHORT, "solver.t_end=0.01"])
    first = columns(plot_trajectory(wgflow.run(problem), problem))[0]
    assert first.get_title(loc="left").endswith("$t = 0$: $h = 0$")
    assert not np.asarray(first.images[0].get_array()).any()


def test_the_boundary_is_where_the_function_changes_its_sign():
    axes, points = Figure().subplots(), np.array([[-1.0, 0.0], [1.0, 2.0]])
    draw_decision(axes, lambda places: places[:, 0] - 0.25, points)
    draw_boundary(axes, lambda places: places[:, 1] - 0.5, points)
    draw_labelled(axes, points, np.array([1.0, -1.0]))
    solid, dashed, positive, negative = axes.collections
    assert solid.get_paths()[0].vertices[:, 0] == pytest.approx(0.25, rel=1e-14, abs=0.0)
    assert dashed.get_paths()[0].vertices[:, 1] == pytest.approx(0.5, rel=1e-14, abs=0.0)
    image = axes.images[0].get_array()
    assert image.shape == (RESOLUTION, RESOLUTION)
    assert (image[:, 0] == -1.0).all()
    assert (image[:, -1] == 1.0).all()
    assert positive.get_offsets().tolist() == [[-1.0, 0.0]]
    assert negative.get_offsets().tolist() == [[1.0, 2.0]]
    from matplotlib.colors import to_rgba

    assert tuple(positive.get_facecolor()[0]) == to_rgba(VERMILLION)
    assert tuple(negative.get_facecolor()[0]) == to_rgba(BLUE)


def test_only_two_inputs_with_labels_have_regions():
    assert not shows_regions(wgflow.open_problem("el_nino"))
    assert not shows_regions(wgflow.open_problem("teacher"))
    assert shows_regions(wgflow.open_problem("penguins"))
