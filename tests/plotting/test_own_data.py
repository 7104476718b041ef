"""From a table of one's own to a figure of m = infinity beside m = 50, as a stranger would: with nothing but wgflow."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow

TABLE = """Tag;Zeit;Höhe;Ort
01.02.2024;0,5;112,5;Kiel
02.02.2024;1,25;97,0;Kiel
03.02.2024;2,0;105,25;
04.02.2024;3,5;131,0;Kiel
05.02.2024;4,25;128,5;Kiel
"""


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Runs of infinitely many and of 50 neurons, read from their files, with their problem."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pegel.csv").write_text(TABLE, encoding="utf-8-sig")
    problem = {
        "problem": {"kind": "two_layer", "dataset": {"path": "pegel.csv", "inputs": ["Zeit"], "output": "Höhe"}},
        "domain": {"kind": "circle", "signed": True, "cells": 128},
        "solver": {"t_end": 20.0},
        "particles": {"count": 50, "start": "equispaced"},
        "output": {"snapshots": 11},
    }
    wgflow.run(problem, "infinite.h5")
    wgflow.run({**problem, "solver": {"kind": "particles", "t_end": 20.0}}, "fifty.h5")
    (tmp_path / "pegel.csv").unlink()
    return wgflow.load("infinite.h5"), wgflow.load("fifty.h5"), wgflow.load_problem("infinite.h5")


def test_own_table_to_a_figure_in_its_units(runs, tmp_path):
    infinite, fifty, problem = runs
    figure = wgflow.plot_comparison(infinite, fifty, ("m = infinity", "m = 50"), problem)
    [axes] = [axes for axes in figure.axes if "learned functions" in axes.get_title(loc="left")]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Zeit", "Höhe")
    points = np.asarray(axes.collections[0].get_offsets())
    assert points == pytest.approx(
        np.array([[0.5, 112.5], [1.25, 97.0], [2.0, 105.25], [3.5, 131.0], [4.25, 128.5]]), rel=1e-12
    )
    first, second = axes.get_lines()
    assert first.get_ydata() == pytest.approx(second.get_ydata(), abs=2.0)  # of 34 between the data
    for curve, run in zip((first, second), (infinite, fifty), strict=True):
        assert run.predict({"Zeit": curve.get_xdata()}) == pytest.approx(curve.get_ydata(), rel=1e-5)
    residual = infinite.predict(points[:, 0]) - points[:, 1]
    assert 0.5 * np.mean(residual**2) / points[:, 1].var() == pytest.approx(infinite.risk[-1], rel=1e-12)
    wgflow.save_figure(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
