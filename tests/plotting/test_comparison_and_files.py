"""Comparisons of two runs, and saving."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

import wgflow
from wgflow.app.run_comparison import compare
from wgflow.plotting import check_figure_path, plot_comparison, save_figure
from wgflow.plotting.comparison_figure import risk_difference
from wgflow.plotting.style import BLUE, RUNS, VERMILLION


def problem_of(**solver):
    return {
        "problem": {
            "kind": "two_layer",
            "data": "gaussian_teacher",
            "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
        },
        "domain": {"kind": "circle", "signed": True, "cells": 32},
        "solver": {"t_end": 1.0, **solver},
        "particles": {"count": 40},
        "output": {"snapshots": 5},
    }


@pytest.fixture(scope="module")
def runs():
    return wgflow.run(problem_of()), wgflow.run(problem_of(kind="particles"))


@pytest.fixture(scope="module")
def figure(runs):
    return plot_comparison(*runs, ("grid", "particles"), problem=wgflow.open_problem(problem_of()))


def panel(figure, title):
    (found,) = [axes for axes in figure.axes if title in axes.get_title(loc="left")]
    return found


def steps(axes):
    return [patch for patch in axes.patches if isinstance(patch, StepPatch)]


def test_comparison_shows_risks_difference_and_masses(runs, figure):
    first, second = runs
    for title, values in (("}$   Risk", "risk"), ("Mass", "mass")):
        for curve, run in zip(panel(figure, title).get_lines(), runs, strict=True):
            np.testing.assert_array_equal(curve.get_ydata(), getattr(run, values))
    (curve,) = panel(figure, "Relative difference").get_lines()
    np.testing.assert_allclose(curve.get_ydata(), np.abs(first.risk - second.risk) / second.risk, rtol=1e-14)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["grid", "particles"]


def test_comparison_shows_densities_and_histograms(runs, figure):
    first, second = runs
    for sheet, sign in enumerate("+-"):
        axes = panel(figure, f"output weights ${sign}$")
        density, histogram = (patch.get_data() for patch in steps(axes))
        np.testing.assert_array_equal(density.values, first.density[-1, sheet])
        weights = second.weight[-1, second.sign == (1.0, -1.0)[sheet]]
        assert histogram.values @ np.diff(histogram.edges) == pytest.approx(weights.sum(), rel=1e-14, abs=0.0)
        assert axes.get_lines()[0].get_xdata()[0] == pytest.approx((0.5, 2.9)[sheet], rel=1e-14, abs=0.0)


def test_titles_tell_the_times_of_runs_that_end_at_different_ones(runs, figure):
    problem = problem_of(t_end=0.25)
    early = plot_comparison(runs[0], wgflow.run(problem), ("a", "b"), problem=wgflow.open_problem(problem))
    for title in ("Last measure", "learned functions"):
        shown = [axes.get_title(loc="left") for axes in early.axes if title in axes.get_title(loc="left")]
        assert shown
        assert all("$t = 1$ and $t = 0.25$" in text for text in shown)
    assert not any("$t = 1$" in axes.get_title(loc="left") for axes in figure.axes)


def test_named_curves_are_drawn_in_the_colours_of_their_sheets(runs):
    time = np.linspace(0.0, 1.0, 4)
    curves = {name: (time, scale * (1.0 + time)) for name, scale in (("W1+", 1.0), ("W1-", 50.0), ("kernel", 2.0))}
    axes = panel(plot_comparison(*runs, ("a", "b"), curves=curves), "Distances")
    shown = {curve.get_label(): curve for curve in axes.get_lines()}
    assert set(shown) == {"$W_{1}^{+}$", "$W_{1}^{-}$", "kernel"}
    assert to_rgba(shown["$W_{1}^{+}$"].get_color()) == to_rgba(VERMILLION)
    assert to_rgba(shown["$W_{1}^{-}$"].get_color()) == to_rgba(BLUE)
    np.testing.assert_array_equal(shown["kernel"].get_ydata(), 2.0 * (1.0 + time))


def test_equal_runs_and_vanishing_curves_are_drawn(runs):
    time = np.linspace(0.0, 1.0, 4)
    figure = plot_comparison(runs[0], runs[0], ("_a", "b$"), curves={"W1": (time, 0.0 * time)})
    (curve,) = panel(figure, "Relative difference").get_lines()
    assert not curve.get_ydata().any()


def test_unsigned_runs_have_one_panel_of_densities():
    run = wgflow.run(
        {
            "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
            "domain": {"kind": "circle", "cells": 16},
            "solver": {"t_end": 0.1},
            "output": {"snapshots": 3},
        }
    )
    figure = plot_comparison(run, run, ("a", "b"))
    assert len(figure.axes) == 4
    assert len(steps(panel(figure, "Last measure"))) == 2


def test_difference_is_taken_where_both_runs_are(runs):
    longer = wgflow.run(problem_of(t_end=2.0))
    time, values = risk_difference(longer, runs[0])
    np.testing.assert_allclose(time, [0.0, 0.5, 1.0], rtol=1e-14)
    np.testing.assert_allclose(values, 0.0, atol=1.5e-8)


def test_students_are_drawn_over_their_teacher(runs, figure):
    """Outputs of both runs for inputs around the circle; the teacher's dashes lie below."""
    axes = panel(figure, "Teacher, and learned functions at the end")
    teacher, *students = axes.get_lines()
    angles = teacher.get_xdata()
    inputs = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    directions = np.stack([np.cos([0.5, 2.9]), np.sin([0.5, 2.9])])
    np.testing.assert_allclose(teacher.get_ydata(), np.maximum(inputs @ directions, 0.0) @ [1.0, -1.0], rtol=1e-12)
    for student, run, color in zip(students, runs, RUNS, strict=True):
        measure = run.measure(-1)
        values = np.maximum(inputs @ measure.points.T, 0.0) @ (measure.weights * measure.signs)
        np.testing.assert_allclose(student.get_ydata(), values, rtol=1e-9, atol=1e-12)
        assert student.get_color() == color
        assert student.get_zorder() > teacher.get_zorder()
    dashes = panel(figure, "output weights $+$").get_lines()[0]
    assert dashes.get_zorder() < min(patch.get_zorder() for patch in steps(panel(figure, "output weights $+$")))


def data_problem(tmp_path, inputs, solver):
    """Regression on a few points, seen on the circle or sphere of the neurons."""
    x = np.random.default_rng(3).normal(size=(7, inputs))
    names = ",".join([*"pqr"[:inputs], "height"])
    table = np.column_stack([x, np.sin(x.sum(axis=1))])
    np.savetxt(tmp_path / "waves.csv", table, delimiter=",", header=names, comments="")
    return wgflow.open_problem(
        {
            "problem": {"kind": "two_layer", "dataset": {"path": str(tmp_path / "waves.csv")}},
            "domain": {"kind": "circle" if inputs == 1 else "sphere", "signed": True, "cells": 42},
            "solver": {"t_end": 0.1, "kind": solver},
            "particles": {"count": 12},
            "output": {"snapshots": 3},
        }
    )


@pytest.mark.parametrize("inputs", [1, 2])
def test_predictions_are_drawn_over_the_data(tmp_path, inputs):
    """Functions of one input, and of more the predictions over the data, in the units of the file."""
    problem, other = (data_problem(tmp_path, inputs, solver) for solver in ("finite_volume", "particles"))
    pair = wgflow.run(problem), wgflow.run(other)
    figure = plot_comparison(*pair, ("a", "b"), problem)
    data = problem.dataset
    if inputs == 1:
        axes = panel(figure, "Data, and learned functions at the end")
        points = [curve.get_xydata() for curve in axes.get_lines()]
        places = [data.scaled(part[:, :1]) for part in points]
    else:
        axes = panel(figure, "Data, and predictions at the end")
        points = [dots.get_offsets() for dots in axes.collections]
        places = [data.inputs] * 2
        np.testing.assert_allclose(points[0][:, 0], data.in_units(data.targets), rtol=1e-12)
    for found, inputs_of, run in zip(points, places, pair, strict=True):
        np.testing.assert_allclose(found[:, 1], data.in_units(run.predict(inputs_of, -1, raw=True)), rtol=1e-12)


def test_boundaries_of_classes_are_drawn_over_the_data(monkeypatch):
    monkeypatch.setattr("wgflow.plotting.comparison_fits.RESOLUTION", 21)
    settings = ["domain.cells=42", "solver.t_end=4.0", "output.snapshots=3"]
    problem = wgflow.open_problem("penguins", settings)
    run = wgflow.run(problem)
    axes = panel(plot_comparison(run, run, ("a", "b"), problem), "where $h = 0$")
    *data, first, second = axes.collections
    assert [len(part.get_offsets()) for part in data] == [68, 274]
    for line, color in ((first, RUNS[0]), (second, RUNS[1])):
        np.testing.assert_allclose(to_rgba(line.get_edgecolor()[0]), to_rgba(color))
        place = problem.dataset.scaled(line.get_paths()[0].vertices)
        largest = np.abs(run.predict(problem.dataset.inputs, -1, raw=True)).max()
        assert np.abs(run.predict(place, -1, raw=True)).max() < 0.1 * largest


def test_energies_are_compared_by_f():
    """F of diffusion in a well, which is negative at the end; differences are those of F over its fall."""
    line = wgflow.Box([(-2.0, 2.0)], 16)
    energy = wgflow.Entropy(1.0) + wgflow.Potential(lambda x: 0.5 * x[..., 0] ** 2)
    start = np.exp(-4.0 * (line.axes[0] - 1.0) ** 2)
    first, second = (
        wgflow.solve(energy, line, start, 0.4, times=[0.2], stepper="tr_bdf2", tolerance=tolerance)
        for tolerance in (1e-2, 1e-4)
    )
    figure = plot_comparison(first, second, ("a", "b"))
    axes = panel(figure, "Energy")
    assert (axes.get_ylabel(), axes.get_yscale()) == ("energy $F$", "linear")
    for curve, run in zip(axes.get_lines(), (first, second), strict=True):
        np.testing.assert_array_equal(curve.get_ydata(), run.energy)
    assert first.energy[-1] < 0.0
    (curve,) = panel(figure, "Relative difference of $F$").get_lines()
    wanted = np.abs(first.energy - second.energy) / (second.energy[0] - second.energy[-1])
    np.testing.assert_allclose(curve.get_ydata(), wanted, rtol=1e-12)
    columns = compare(first, second).columns
    np.testing.assert_array_equal(columns["energy B"], second.energy)
    assert "risk A" not in columns


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_figures_are_saved(figure, tmp_path, ending, magic):
    path = save_figure(figure, tmp_path / f"flow.{ending}")
    assert path.read_bytes().startswith(magic)


def test_endings_may_be_capital(tmp_path):
    assert save_figure(Figure(), tmp_path / "flow.SVG").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize("name", ["flow.jpg", "flow", "flow.png.gz"])
def test_other_endings_are_errors(tmp_path, name):
    with pytest.raises(wgflow.InputError, match=r"allowed are \.png, \.pdf, \.svg"):
        check_figure_path(tmp_path / name)


def test_paths_that_cannot_be_written_are_errors(tmp_path):
    with pytest.raises(wgflow.InputError, match="does not exist"):
        save_figure(Figure(), tmp_path / "nowhere" / "flow.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(wgflow.InputError, match=r"folder\.png is a folder"):
        save_figure(Figure(), tmp_path / "folder.png")
