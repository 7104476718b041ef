"""Data as people have them: what pandas, spreadsheets and numpy write, read as it is meant or refused by name."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

import wgflow

X, Y = [0.5, 1.25, 2.0], [1.0, -2.5, 3.0]


def described(path, **dataset):
    return {
        "problem": {"kind": "two_layer", "dataset": {"path": str(path), "standardize": False, **dataset}},
        "domain": {"kind": "circle", "signed": True, "cells": 8},
        "solver": {"t_end": 0.01},
        "output": {"snapshots": 2},
    }


def read(path, **dataset):
    return wgflow.open_problem(described(path, **dataset)).dataset


def written(folder, text, name="data.csv"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


PLAIN = "x,y\n0.5,1.0\n1.25,-2.5\n2.0,3.0\n"
FORMS = {
    "commas": ("data.csv", PLAIN),
    "capital ending": ("data.CSV", PLAIN),
    "ends of lines of Windows, and a byte order mark": (
        "data.csv",
        b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode(),
    ),
    "semicolons": ("data.csv", PLAIN.replace(",", ";")),
    "decimal commas": ("data.csv", PLAIN.replace(",", ";").replace(".", ",")),
    "tabs": ("data.csv", PLAIN.replace(",", "\t")),
    "tabs by the ending": ("data.tsv", PLAIN.replace(",", "\t")),
    "tabs and decimal commas": ("data.TSV", PLAIN.replace(",", "\t").replace(".", ",")),
    "quotes": ("data.csv", 'x,"y"\n"0.5",1.0\n1.25,"-2.5"\n2.0,3.0\n'),
    "packed": ("data.csv.gz", gzip.compress(PLAIN.encode())),
    "packed, in capitals": ("DATA.CSV.GZ", gzip.compress(PLAIN.encode())),
    "packed tabs": ("data.tsv.gz", gzip.compress(PLAIN.replace(",", "\t").encode())),
    "comments": ("data.csv", "# x and y, measured\n" + PLAIN),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_one_table(tmp_path, form):
    name, text = FORMS[form]
    data = read(written(tmp_path, text, name))
    assert data.names == ("x", "y")
    assert data.inputs[:, 0].tolist() == X
    assert data.targets.tolist() == Y


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_numpy_saves_has_its_names_in_the_comment(tmp_path, separator):
    path = tmp_path / "data.csv"
    np.savetxt(path, np.column_stack([X, Y]), delimiter=separator, header=f"Of a test, twice\nx{separator}y")
    data = read(path)
    assert data.names == ("x", "y")
    assert (data.inputs[:, 0].tolist(), data.targets.tolist()) == (X, Y)


def test_the_index_that_pandas_writes_is_no_input(tmp_path):
    path = written(tmp_path, ",x,y\n0,0.5,1.0\n1,1.25,-2.5\n2,2.0,3.0\n")
    with pytest.raises(wgflow.InputError, match=r"data.csv: column 1 has no name .*index=False.*inputs and output"):
        read(path)
    with pytest.raises(wgflow.InputError, match="index=False"):
        read(path, inputs=["x"])  # the output is still a guess
    assert read(path, inputs=["x"], output="y").inputs[:, 0].tolist() == X
    again = written(tmp_path, path.read_text().replace(",x", "Unnamed: 0,x", 1), "again.csv")
    with pytest.raises(wgflow.InputError, match="index=False"):
        read(again)


def test_pandas_writes_what_is_read(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": X, "day": pandas.date_range("2024-01-01", periods=3), "y": Y})
    frame.to_csv(tmp_path / "data.csv")
    with pytest.raises(wgflow.InputError, match="index=False"):
        read(tmp_path / "data.csv")
    frame.to_csv(tmp_path / "data.csv.gz", sep=";", decimal=",", index=False)
    assert read(tmp_path / "data.csv.gz", inputs=["x"]).targets.tolist() == Y


def test_text_and_dates_may_stay_where_they_are_not_used(tmp_path):
    path = written(
        tmp_path, "day,x,place,y\n2024-01-01,0.5,Paris,1.0\n2024-01-02,1.25,,-2.5\n2024-01-03,2.0,Rome,3.0\n"
    )
    assert read(path, inputs=["x"]).inputs[:, 0].tolist() == X
    with pytest.raises(wgflow.InputError, match=r"line 2, column 'day' holds '2024-01-01'.*; remove it, or choose"):
        read(path)
    with pytest.raises(wgflow.InputError, match=r"line 2, column 'place' holds 'Paris'; allowed are numbers$"):
        read(path, inputs=["x", "place"])


MISTAKES = {
    "two separators": ("length, m;y\n1;2\n", "the header 'length, m;y' has commas and semicolons"),
    "numbers with decimal commas and no header": ("1,5;2,5\n3,5;4,5\n", "no header"),
    "no header of semicolons": ("1;2\n3;4\n", "no header"),
    "a comment of other columns": ("# x,y,z\n1,2\n3,4\n", "no header"),
    "both marks in a column": ("x;y\n1,5;1\n2.5;2\n", "line 3, column 'x' holds '2.5'.*decimal mark"),
    "another mark in each column": (
        "x;y\n1,5;1.5\n2,5;2\n",
        r"'x' has decimal commas \(line 2\), 'y' points \(line 2\)",
    ),
    "points of thousands": ("x;y\n1.234,5;1\n2,5;2\n", "line 2, column 'x' holds '1.234,5'"),
    "decimal commas in quotes": ('x,y\n"1,5",1\n"2,5",2\n', "line 2, column 'x' holds '1,5'.*where commas separate"),
    "decimal commas beside commas": ("x,y\n1,5,2\n", "line 2 has 3 columns, the header has 2"),
    "spaces": ("1.0 2.0\n3.0 4.0\n", "separates numbers by spaces"),
    "separators at the ends": ("x,y,\n1,2,\n3,4,\n", "column 3 has no name.*separator"),
    "a header in two lines": ('"x\n1",y\n1,2\n', "quoted value that runs over a line"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_ambiguous_is_refused(tmp_path, mistake):
    text, said = MISTAKES[mistake]
    with pytest.raises(wgflow.InputError, match=said):
        read(written(tmp_path, text))


def test_commas_that_may_separate_thousands_are_said_to_be_decimal(tmp_path):
    with pytest.warns(wgflow.FlowWarning, match=r"commas are taken for decimal marks, 1,234 \(line 2\) for 1.234"):
        assert read(written(tmp_path, "x;y\n1,234;1\n5,678;2\n")).inputs[0, 0] == 1.234
    assert read(written(tmp_path, "x;y\n1,234;1\n0,678;2\n")).inputs[0, 0] == 1.234


def test_packed_files_that_are_damaged_or_made_to_fill_the_memory(tmp_path):
    whole = gzip.compress(PLAIN.encode())
    for content in (b"x,y\n1,2\n", whole[:-9], whole[:12] + b"\0" * 20):
        with pytest.raises(wgflow.InputError, match=r"data.csv.gz cannot be read|holds no data"):
            read(written(tmp_path, content, "data.csv.gz"))
    bomb = gzip.compress((b"#" + b" " * 2**21 + b"\n") * 33 + PLAIN.encode(), 1)
    with pytest.raises(wgflow.InputError, match="unpacks to more than 50 times its size"):
        read(written(tmp_path, bomb, "data.csv.gz"))
    with pytest.raises(wgflow.InputError, match=r"the ending '.npz.gz'; allowed are .csv, .tsv"):
        read(written(tmp_path, whole, "data.npz.gz"))


def test_samples_have_no_index_column(tmp_path):
    path = written(tmp_path, ",x\n0,0.5\n1,0.25\n")
    problem = {
        "problem": {"kind": "energy", "kernel": {"samples": str(path)}},
        "domain": {"kind": "box", "bounds": [[-1.0, 1.0]], "shape": [16]},
        "solver": {"t_end": 0.1},
    }
    with pytest.raises(wgflow.InputError, match=r"column 1 has no name.*index=False"):
        wgflow.open_problem(problem)
    written(tmp_path, "x\n0.5\n0.25\n")
    assert wgflow.open_problem(problem).samples.points[:, 0].tolist() == [0.5, 0.25]
