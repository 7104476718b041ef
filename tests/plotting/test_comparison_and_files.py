"""Comparisons of two runs, and saving."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

import wgflow
from wgflow.plotting import check_figure_path, plot_comparison, save_figure
from wgflow.plotting.comparison_figure import risk_difference
from wgflow.plotting.style import BLUE, VERMILLION


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
