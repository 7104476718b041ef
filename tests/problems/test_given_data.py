"""Data that Python gives: DataFrames and arrays by name, which the trajectory stores."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow

X, Y = np.array([0.5, 1.25, 2.0]), np.array([1.0, -2.5, 3.0])


class Series:
    def __init__(self, values):
        self.values = values

    def to_numpy(self):
        return self.values


class Frame:
    """What DataFrames of all libraries have in common."""

    def __init__(self, **columns):
        self.content, self.columns = columns, list(columns)

    def __getitem__(self, name):
        return Series(np.asarray(self.content[name]))


def described(data, **dataset):
    return {
        "problem": {"kind": "two_layer", "data": data, "dataset": dataset},
        "domain": {"kind": "circle", "signed": True, "cells": 8},
        "solver": {"t_end": 0.02},
        "output": {"snapshots": 3},
    }


@pytest.mark.parametrize("form", ["dictionary", "frame", "pandas", "xarray"])
def test_data_of_python_are_those_of_a_file(form, tmp_path):
    columns = {"place": np.array(["a", "b", "c"]), "x": X, "y": Y}
    frames = {"dictionary": lambda: columns, "frame": lambda: Frame(**columns)}
    if form == "pandas":
        pandas = pytest.importorskip("pandas")
        frames[form] = lambda: pandas.DataFrame(columns, index=[7, 8, 9])
    if form == "xarray":
        xarray = pytest.importorskip("xarray")
        frames[form] = lambda: xarray.Dataset({name: ("row", values) for name, values in columns.items()})
    (tmp_path / "data.csv").write_text("x,y\n0.5,1.0\n1.25,-2.5\n2.0,3.0\n")
    expected = wgflow.run(described(str(tmp_path / "data.csv")))
    trajectory = wgflow.run(described(frames[form](), inputs=["x"], output="y"))
    assert (trajectory.density == expected.density).all()
    assert (trajectory.risk == expected.risk).all()


def test_a_trajectory_holds_the_data_and_their_names(tmp_path):
    problem = described({"height": X, "weight": Y})
    trajectory = wgflow.run(problem, tmp_path / "run.h5")
    again = wgflow.load_problem(tmp_path / "run.h5")
    assert again.dataset.names == ("height", "weight")
    assert (again.dataset.inputs == wgflow.open_problem(problem).dataset.inputs).all()
    assert (wgflow.load(tmp_path / "run.h5").potential(-1) == trajectory.potential(-1)).all()
    # It goes on with the same data, and without them only says what it needs.
    longer = {**problem, "solver": {"t_end": 0.04}, "output": {"snapshots": 5}}
    wgflow.run(longer, tmp_path / "run.h5", resume=True)
    assert (wgflow.load(tmp_path / "run.h5").density == wgflow.run(longer).density).all()
    with pytest.raises(wgflow.InputError, match="holds a run on other data: inputs differ"):
        wgflow.run(described({"height": 2.0 * X**2, "weight": Y}), tmp_path / "run.h5", resume=True)
    with pytest.raises(wgflow.InputError, match='data = "python" stands for arrays that Python gave'):
        wgflow.open_problem(described("python"))


MISTAKES = {
    "a matrix": (np.ones((3, 2)), r"array of shape \(3, 2\), whose columns have no names; give a DataFrame"),
    "a list": ([1.0, 2.0], r"data = \[1.0, 2.0\] is not allowed; give a DataFrame, or a .*, or the path of a file"),
    "lengths": ({"x": X, "y": Y[:2]}, r"data \(dict\) holds columns of different lengths"),
    "columns of a matrix": ({"x": np.ones((3, 2)), "y": Y}, r"data \(dict\): the column 'x' has shape \(3, 2\)"),
    "nothing": ({}, r"data \(dict\) holds no numbers"),
    "text": ({"x": X, "y": ["1", "2", "3"]}, r"data \(dict\): the column 'y' holds '1' in data row 1"),
    "dates": (Frame(x=np.array(["2024-01-01"] * 3, "M8[D]"), y=Y), "'x' holds '2024-01-01' in data row 1.*; remove it"),
    "missing values": ({"x": np.array([1.0, None, 2.0], dtype=object), "y": Y}, "'x' holds 'None' in data row 2"),
    "nan": ({"x": [1.0, np.nan, 2.0], "y": Y}, r"'x' holds nan in data row 2"),
    "complex": ({"x": X + 1j, "y": Y}, r"'x' holds '\(0.5\+1j\)' in data row 1"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_no_table_of_numbers_is_named(mistake):
    data, said = MISTAKES[mistake]
    with pytest.raises(wgflow.InputError, match=said):
        wgflow.open_problem(described(data))


def test_sweeps_need_a_file(tmp_path):
    with pytest.raises(wgflow.InputError, match="the runs of a sweep read their data from a file"):
        wgflow.sweep(described({"x": X, "y": Y}), {"domain.cells": [8, 16]}, tmp_path / "sweep")


def test_files_of_another_kind_are_called_what_they_are(tmp_path):
    table, file = tmp_path / "mine.csv", tmp_path / "mine.toml"
    table.write_text("x,y\n1,2\n")
    file.write_text("[problem]\n")
    with pytest.raises(
        wgflow.InputError, match=r"like a file of data; give the problem file that names it, \[problem\]"
    ):
        wgflow.run(table)
    with pytest.raises(
        wgflow.InputError, match=r"is a problem file, no trajectory; `wgflow run .*mine.toml` writes one"
    ):
        wgflow.load(file)
