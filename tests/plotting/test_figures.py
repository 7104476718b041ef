"""Every kind of figure, drawn from tiny runs: what it shows is what was computed, and nothing warns."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import LogNorm, Normalize, to_rgba
from matplotlib.figure import Figure

import wgflow
from wgflow.flows.labels import FLOW_LABELS
from wgflow.plotting import plot_trajectory
from wgflow.plotting.heatmaps import MAX_ROWS, coarse_density, density_norm, time_edges
from wgflow.plotting.networks import choose_times, exact_solution, time_label
from wgflow.plotting.scalars import draw_risk, is_log_spaced
from wgflow.plotting.style import BLUE, VERMILLION
from wgflow.trajectory import Trajectory

TEACHER = {
    "kind": "two_layer",
    "data": "gaussian_teacher",
    "teacher": {"angles": [0.5, 2.9, 4.9], "weights": [1.0, -1.0, 1.0]},
}


def teacher_problem(solver="finite_volume", cells=32, **output):
    return {
        "problem": TEACHER,
        "domain": {"kind": "circle", "signed": True, "cells": cells},
        "solver": {"kind": solver, "t_end": 2.0},
        "particles": {"count": 30},
        "output": output or {"snapshots": 5},
    }


def quadratic_problem(**solver):
    return {
        "problem": {"kind": "quadratic", "target": [[1.0, 0.3], [0.3, 0.5]]},
        "domain": {"kind": "circle", "cells": 64},
        "initial": {"kind": "angular_gaussian", "covariance": [[0.5, -0.1], [-0.1, 0.3]]},
        "solver": {"t_end": 0.5, **solver},
        "output": {"snapshots": 6},
    }


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "waves.csv"
    x = np.linspace(3.0, 9.0, 12)
    np.savetxt(
        path, np.column_stack([x, 20.0 + 4.0 * np.sin(x)]), delimiter=",", header="day_of_week,height", comments=""
    )
    problem = wgflow.open_problem(
        {
            "problem": {"kind": "two_layer", "dataset": {"path": str(path)}},
            "domain": {"kind": "circle", "signed": True, "cells": 32},
            "solver": {"t_end": 20.0},
            "output": {"snapshots": 9, "spacing": "log", "first": 0.1},
        }
    )
    trajectory = wgflow.run(problem)
    return trajectory, problem, plot_trajectory(trajectory, problem)


@pytest.fixture(scope="module")
def teacher_runs():
    kinds = ("finite_volume", "particles", "characteristics")
    problems = {kind: wgflow.open_problem(teacher_problem(kind)) for kind in kinds}
    runs = {kind: (wgflow.run(problem), problem) for kind, problem in problems.items()}
    return {kind: (*run, plot_trajectory(*run)) for kind, run in runs.items()}


def panel(figure, title):
    """The axes whose title holds some words."""
    (found,) = [axes for axes in figure.axes if title in axes.get_title(loc="left")]
    return found


def line(axes, label):
    (found,) = [curve for curve in axes.get_lines() if curve.get_label() == label]
    return found


def heat_maps(figure):
    return [
        mesh
        for axes in figure.axes
        if axes.get_label() != "<colorbar>"
        for mesh in axes.collections
        if isinstance(mesh, QuadMesh)
    ]


def test_regression_shows_the_learned_function_in_the_units_of_the_file(regression):
    trajectory, problem, figure = regression
    axes = panel(figure, "Data and learned function")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("day of week", "height")
    np.testing.assert_allclose(axes.collections[0].get_offsets()[:, 0], np.linspace(3.0, 9.0, 12), rtol=1e-14)
    x, shown = line(axes, "$t = 20$").get_data()
    data, domain = problem.dataset, problem.domain
    inputs = np.stack([(x - data.input_shift) / data.input_scale, np.ones_like(x)], axis=-1)
    net = (trajectory.density[-1, 0] - trajectory.density[-1, 1]) * domain.base.volumes
    direct = np.maximum(inputs @ domain.base.points.T, 0.0) @ net
    np.testing.assert_allclose(shown, data.target_shift + data.target_scale * direct, rtol=1e-14)


def test_regression_has_log_time_and_one_colour_scale_for_both_sheets(regression):
    trajectory, _, figure = regression
    positive, negative = heat_maps(figure)
    assert positive.norm is negative.norm
    assert figure.axes[-1].get_ylabel() == "density (per radian)"
    for title in ("Risk", "Mass", "output weights $+$", "output weights $-$"):
        assert panel(figure, title).get_xscale() == "log"
        assert panel(figure, title).get_xlim() == pytest.approx((0.1, 20.0), rel=1e-14, abs=0.0)
    shown = trajectory.density[1:, 0].T  # t = 0 has no place on a log axis
    np.testing.assert_allclose(positive.get_array(), np.clip(shown, positive.norm.vmin, None), rtol=1e-14)


def test_risk_and_mass_are_those_of_the_trajectory(regression):
    trajectory, _, figure = regression
    np.testing.assert_array_equal(line(panel(figure, "Risk"), "risk").get_xydata().T, trajectory.curve("risk"))
    mass = panel(figure, "Mass")
    np.testing.assert_array_equal(line(mass, r"$|\nu_t|$").get_xydata().T, trajectory.curve("mass"))
    parts = [line(mass, rf"$|\nu_t^{sign}|$").get_ydata() for sign in "+-"]
    np.testing.assert_allclose(np.sum(parts, axis=0), trajectory.mass, rtol=1e-14)


def test_densities_of_a_student_are_drawn_around_the_circle(teacher_runs):
    trajectory, problem, figure = teacher_runs["finite_volume"]
    axes = panel(figure, "Densities at $t = 2$")
    assert axes.name == "polar"
    angles, radius = axes.get_lines()[0].get_data()
    np.testing.assert_allclose(angles[:-1], problem.domain.base.angles, rtol=1e-14)
    np.testing.assert_allclose(radius[:-1] ** 2, trajectory.density[-1, 0], rtol=1e-14)
    assert len(heat_maps(figure)) == 2
    assert axes.get_lines()[0].get_color() == VERMILLION
    assert axes.get_lines()[1].get_color() == BLUE


def test_teacher_directions_are_marked_on_the_sheet_of_their_sign(teacher_runs):
    figure = teacher_runs["finite_volume"][-1]
    marks = {sign: [curve.get_ydata()[0] for curve in panel(figure, f"weights ${sign}$").get_lines()] for sign in "+-"}
    np.testing.assert_allclose(marks["+"], [0.5, 4.9], rtol=1e-14)
    np.testing.assert_allclose(marks["-"], [2.9], rtol=1e-14)


@pytest.mark.parametrize("kind", ["particles", "characteristics"])
def test_neurons_are_drawn_in_a_disk(teacher_runs, kind):
    trajectory, _, figure = teacher_runs[kind]
    axes = panel(figure, "Neurons")
    paths = [part for part in axes.collections if isinstance(part, LineCollection)]
    assert [tuple(part.get_colors()[0][:3]) for part in paths] == [to_rgba(c)[:3] for c in (VERMILLION, BLUE)]
    chosen = trajectory.sign > 0.0
    size = len(chosen) * trajectory.weight[:, chosen]
    expected = np.tanh(0.5 * size)[..., None] * trajectory.position[:, chosen]
    np.testing.assert_allclose(np.stack(paths[0].get_segments(), axis=1), expected, rtol=1e-14, atol=1e-14)


def test_particles_without_a_density_are_drawn_over_time(teacher_runs):
    trajectory, _, figure = teacher_runs["particles"]
    assert not heat_maps(figure)
    (paths,) = panel(figure, "Particles of $\\nu_t^+$").collections
    steps = (len(trajectory.time) - 1) * (trajectory.sign > 0.0).sum()
    assert 0.8 * steps <= len(paths.get_segments()) <= steps
    lengths = [abs(segment[1, 1] - segment[0, 1]) for segment in paths.get_segments()]
    assert max(lengths) < np.pi  # no line across the panel where an angle passes 0


def test_quadratic_features_are_drawn_with_the_exact_solution():
    problem = wgflow.open_problem(quadratic_problem())
    trajectory = wgflow.run(problem)
    axes = panel(plot_trajectory(trajectory, problem), "at a few times")
    np.testing.assert_array_equal(line(axes, "$t = 0.5$").get_ydata(), trajectory.density[-1])
    dots = [curve for curve in axes.get_lines() if curve.get_marker() == "."][:-1]
    angles, values = dots[-1].get_data()
    interpolated = np.interp(angles, problem.domain.angles, trajectory.density[-1], period=2.0 * np.pi)
    np.testing.assert_allclose(values, interpolated, rtol=0.018)


@pytest.mark.parametrize("solver", [{"reaction": 1.0}, {"transport": 0.5}])
def test_no_exact_solution_is_claimed_for_another_equation(solver):
    assert exact_solution(wgflow.open_problem(quadratic_problem(**solver)), 0.1) is None


def test_quadratic_particles_are_drawn_as_histograms():
    problem = wgflow.open_problem({**quadratic_problem(kind="particles"), "particles": {"count": 50}})
    trajectory = wgflow.run(problem)
    axes = panel(plot_trajectory(trajectory, problem), "at a few times")
    heights = line(axes, "$t = 0.5$").get_ydata()
    assert heights.sum() * 2.0 * np.pi / heights.size == pytest.approx(trajectory.mass[-1], rel=1e-14, abs=0.0)


@pytest.mark.parametrize("kind", ["finite_volume", "particles"])
def test_a_trajectory_without_a_problem_is_drawn(teacher_runs, kind):
    figure = plot_trajectory(teacher_runs[kind][0])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split("}$")[0][-1] for title in titles if title] == list("ABCDE")


def test_particles_in_more_dimensions_are_drawn_by_their_scalars():
    start = wgflow.Particles(np.eye(4), np.ones(4), np.ones(4), wgflow.Hypersphere(4))
    trajectory = wgflow.simulate(wgflow.Quadratic(np.diag([1.0, 0.5, 0.2, 0.1])), start, 0.2, times=[0.1, 0.2])
    cloud, shares, risk, mass = plot_trajectory(trajectory).axes
    heights = [bar.get_height() for bar in shares.patches]
    assert sum(heights) == pytest.approx(100.0, rel=1e-13)
    assert cloud.get_xlabel() == f"principal axis 1 ({heights[0]:.0f} %)"
    spread = np.cov(trajectory.position[-1].T, aweights=trajectory.weight[-1], ddof=0)
    assert heights == pytest.approx(100.0 * np.linalg.eigvalsh(spread)[::-1] / np.trace(spread), rel=1e-10, abs=1e-10)
    assert [axes.get_ylabel() for axes in (risk, mass)] == [r"risk $R(\nu_t)$", r"mass $|\nu_t|$"]


@pytest.mark.parametrize("signed", [False, True])
def test_densities_on_an_interval_are_drawn_as_lines_and_as_a_heat_map(signed):
    box = wgflow.Box([(-2.0, 3.0)], (20,))
    domain = wgflow.Signed(box) if signed else box
    trajectory = wgflow.solve(
        wgflow.Quadratic([[0.8]]), domain, np.exp(-(np.broadcast_to(box.points, (*domain.shape, 1))[..., 0] ** 2)), 0.5
    )
    figure = plot_trajectory(trajectory)
    axes = panel(figure, r"Density of $\mu_t$ at a few times")
    last = trajectory.density[-1]
    np.testing.assert_array_equal(line(axes, "$t = 0.5$").get_ydata(), last[0] if signed else last)
    np.testing.assert_allclose(line(axes, "$t = 0.5$").get_xdata(), box.axes[0], rtol=1e-14)
    assert (axes.get_xlabel(), axes.get_xlim()) == ("$x$", pytest.approx((-2.0, 3.0), rel=1e-14, abs=0.0))
    if signed:
        np.testing.assert_array_equal(axes.get_lines()[-2].get_ydata(), last[1])
        assert axes.get_lines()[-2].get_linestyle() == "--"
    assert len(heat_maps(figure)) == (2 if signed else 1)
    assert panel(figure, "Risk").get_title(loc="right") == f"mass ${trajectory.mass[0]:.2f}$, constant"


def trajectory_of(time, density, risk):
    cells = density.shape[-1]
    domain = wgflow.Signed(wgflow.Circle(cells))
    mass = (density * domain.volumes).sum(axis=(1, 2))
    scalars = {"risk": risk, "mass": mass, "energy": risk, "min_potential": risk, "step_size": time}
    return Trajectory(time, scalars, {"density": density}, domain)


@pytest.mark.parametrize("lowest", [0.0, 1e-320])
def test_vanishing_densities_do_not_disturb_the_colours(lowest):
    density = np.full((3, 2, 8), lowest)
    density[:, 0, 3] = 50.0
    figure = plot_trajectory(trajectory_of(np.arange(3.0), density, np.array([1.0, 0.0, -1e-17])))
    norm = heat_maps(figure)[0].norm
    assert isinstance(norm, LogNorm)
    assert (norm.vmin, norm.vmax) == pytest.approx((5e-4, 50.0), rel=1e-14, abs=0.0)


def test_the_zero_measure_and_a_single_snapshot_are_drawn():
    figure = plot_trajectory(trajectory_of(np.zeros(1), np.zeros((1, 2, 8)), np.zeros(1)))
    assert len(heat_maps(figure)) == 2


def test_even_densities_have_a_linear_scale():
    norm, clipped = density_norm(np.array([0.3, 1.0]))
    assert type(norm) is Normalize
    assert (norm.vmin, norm.vmax, clipped) == (0.0, 1.0, False)


def test_fine_grids_are_averaged_without_loss_of_mass():
    rng = np.random.default_rng(0)
    density = rng.random((2, 2, 3 * MAX_ROWS + 7))
    trajectory = trajectory_of(np.arange(2.0), density, np.ones(2))
    _, edges, values = coarse_density(trajectory, -1.0)
    assert len(values) <= MAX_ROWS
    np.testing.assert_allclose(
        np.diff(edges) @ values, trajectory.density[:, 1].sum(axis=1) * 2 * np.pi / density.shape[-1], rtol=1e-14
    )


def test_log_times_are_recognised():
    assert is_log_spaced(np.append(0.0, np.geomspace(0.1, 100.0, 20)))
    assert not is_log_spaced(np.linspace(0.0, 100.0, 1001))
    assert not is_log_spaced(np.zeros(1))


def test_edges_of_times():
    np.testing.assert_allclose(time_edges(np.array([0.0, 1.0, 3.0])), [0.0, 0.5, 2.0, 3.0], rtol=1e-14)
    geometric = np.array([1.0, 4.0, 16.0, 64.0])
    np.testing.assert_allclose(time_edges(geometric), [1.0, 2.0, 8.0, 32.0, 64.0], rtol=1e-14)


def test_times_are_chosen_from_first_to_last(regression):
    chosen = choose_times(regression[0])
    assert chosen[0] == 0
    assert chosen[-1] == 8
    assert len(chosen) == 5


@pytest.mark.parametrize(
    ("time", "label"),
    [(0.0, "$t = 0$"), (0.6434, "$t = 0.643$"), (1000.0, "$t = 1000$"), (2e-5, r"$t = 2.0 \times 10^{-5}$")],
)
def test_times_are_written_as_people_write_them(time, label):
    assert time_label(time, FLOW_LABELS.time) == label


def test_pyplot_is_not_imported_and_no_setting_is_changed():
    code = """
import sys, matplotlib
before = matplotlib.rcParams.copy()
from wgflow.plotting.style import styled_figure
with styled_figure(2.0):
    assert matplotlib.rcParams["mathtext.fontset"] == "stix"
assert all(matplotlib.rcParams[key] == before[key] for key in before if key != "backend")
import wgflow.plotting
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_neurons_with_many_inputs_are_drawn_by_their_angle_to_the_teacher_and_their_layers():
    directions = np.eye(4)[:2].tolist()
    problem = wgflow.open_problem(
        {
            "problem": {**TEACHER, "teacher": {"directions": directions, "weights": [1.0, -1.0]}},
            "domain": {"kind": "space", "dimension": 5},
            "initial": {"kind": "balanced"},
            "solver": {"kind": "particles", "t_end": 0.5},
            "particles": {"count": 7},
            "output": {"snapshots": 3},
        }
    )
    trajectory = wgflow.run(problem)
    angles, counts, layers, risk, _ = plot_trajectory(trajectory, problem).axes
    inputs, charges = trajectory.position[-1, :, 1:], trajectory.position[-1, :, 0]
    lengths = np.linalg.norm(inputs, axis=1)
    sizes, cosines = angles.collections[1].get_offsets().T
    np.testing.assert_allclose(sizes, 7 * trajectory.weight[-1] * np.abs(charges) * lengths, rtol=1e-14)
    np.testing.assert_allclose(cosines, (inputs[:, :2] / lengths[:, None]).max(axis=1), rtol=1e-14)
    heights = np.array([bar.get_height() for bar in counts.patches]).reshape(2, 3)
    assert heights.sum(axis=1).tolist() == [(charges > 0.0).sum(), (charges < 0.0).sum()]
    dots = np.concatenate([collection.get_offsets() for collection in layers.collections[1::2]])
    expected = np.column_stack([np.linalg.norm(trajectory.position[-1, :, 1:], axis=1), trajectory.position[-1, :, 0]])
    assert np.array(sorted(map(tuple, dots))) == pytest.approx(
        np.array(sorted(map(tuple, expected))), rel=1e-14, abs=0.0
    )
    assert r"R(\mu_t)" in risk.get_ylabel()


def test_band_of_estimated_errors():
    trajectory = wgflow.run(wgflow.open_problem("quadratic", ["domain.cells=32", "output.snapshots=6"]), estimate=True)
    axes = Figure().subplots()
    draw_risk(axes, trajectory)
    (band,) = axes.collections
    corners = band.get_paths()[0].vertices
    high = corners[corners[:, 0] == trajectory.time[-1], 1].max()
    assert high == pytest.approx(trajectory.risk[-1] + trajectory.errors["risk"][-1], rel=1e-14, abs=0.0)
