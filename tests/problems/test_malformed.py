"""Input that may be anything is refused by one line before anything is computed or written."""

from __future__ import annotations

import os
import re
import sys
import zipfile

import numpy as np
import pytest

import wgflow
from wgflow import InputError
from wgflow.problems import archives
from wgflow.problems.archives import read_arrays
from wgflow.problems.parsing import LARGEST_FILE, apply_settings, read_toml
from wgflow.problems.tables import LONGEST_LINE, read_csv
from wgflow.problems.toml import parse_toml
from wgflow.runs.record import check_times
from wgflow.system.paths import check_target, kind_of, resolved

SMALL = {
    "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
    "domain": {"kind": "circle", "cells": 16},
    "solver": {"t_end": 0.1},
    "output": {"snapshots": 3},
}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10000,
        "[" * 100 + "]" * 100,
        "{a=" * 10000,
        "9" * 5000,
        "0x" + "f" * 5000,
        "9223372036854775808",
        "[1, {a = -9223372036854775809}]",
    ],
)
def test_toml_that_python_cannot_hold(text, tmp_path):
    with pytest.raises(InputError):
        parse_toml(f"value = {text}")
    with pytest.raises(InputError, match=r"--set solver\.t_end"):
        apply_settings(SMALL, [f"solver.t_end={text}"])
    path = tmp_path / "problem.toml"
    path.write_text(f"value = {text}")
    with pytest.raises(InputError, match=r"problem\.toml"):
        read_toml(path)


def test_deep_tables_and_keys(tmp_path):
    path = tmp_path / "deep.toml"
    path.write_text(f"[{'.'.join('a' * 3000)}]\nb = 1")
    deep: dict = {}
    for _ in range(3000):
        deep = {"a": deep}
    for attempt in (
        lambda: read_toml(path),
        lambda: apply_settings(SMALL, [f"{'.'.join('a' * 3000)}=1"]),
        lambda: wgflow.open_problem({**SMALL, "domain": deep}),
    ):
        with pytest.raises(InputError, match="nested too deeply"):
            attempt()


def test_problem_files_of_any_size(tmp_path):
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * (LARGEST_FILE + 1))
    with pytest.raises(InputError, match="larger than"):
        read_toml(path)


@pytest.mark.parametrize("setting", ["initial.mass=1e300", "solver.reaction=1e300", "solver.t_end=1e-300"])
@pytest.mark.parametrize("kind", ["finite_volume", "particles"])
def test_numbers_that_leave_the_floats_when_squared(setting, kind):
    key = setting.partition("=")[0].partition(".")[2]
    with pytest.raises(InputError, match=rf"\] {key} = "):
        wgflow.open_problem(SMALL, [setting, f"solver.kind={kind}"])


@pytest.mark.parametrize("kind", ["particles", "characteristics"])
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_numbers_that_overflow_later_are_a_failed_computation(kind, tmp_path):
    """scipy's integrators raise ValueErrors then."""
    settings = [f"solver.kind={kind}", "solver.reaction=1e100", "problem.target=[[1e100, 0.0], [0.0, 1e100]]"]
    settings += ["initial.mass=1e100", "solver.transport=1e100", "particles.count=4"]
    with pytest.raises(wgflow.ComputationError, match=r"step from t = 0 failed: .* choose other units"):
        wgflow.run(wgflow.open_problem(SMALL, settings), tmp_path / "run.h5")


def test_settings_are_a_list():
    with pytest.raises(InputError, match=r"settings = 'solver\.t_end=1' is one text; give a list"):
        wgflow.open_problem(SMALL, "solver.t_end=1")


def test_times_that_round_off_puts_above_the_end():
    assert check_times(np.arange(0, 0.4, 0.1), 0.3).tolist() == [0.1, 0.2, 0.3]
    beyond = 0.3 * (1.0 + 1e-14)
    with pytest.raises(InputError, match=re.escape(f"found {beyond!r}") + "$"):
        check_times([beyond], 0.3)
    with pytest.raises(InputError, match=r"found 1\.0 to 3\.0$"):
        check_times([3, 2, 1], 0.3)
    with pytest.raises(InputError, match=r"first = 0\.30000000000000004 .* t_end = 0\.3$"):
        wgflow.open_problem(SMALL, ["output.spacing=log", "output.first=0.30000000000000004", "solver.t_end=0.3"])


def member(header: str) -> bytes:
    """An array that its header describes, of three numbers."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(24)


def described(shape: str, descr: str = "'<f8'") -> bytes:
    return member(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}")


MEMBERS = {  # name and content of a member, and what the error says
    "no array": ("x.txt", b"text", "no array"),
    "empty": ("x.npy", b"", "cannot be read"),
    "text": ("x.npy", b"some text", "cannot be read"),
    "huge shape": ("x.npy", described("(1000000000000,)"), "damaged"),
    "negative shape": ("x.npy", described("(-3,)"), "damaged"),
    "deep header": ("x.npy", member("(" * 3000), "cannot be read"),
    "signs": ("x.npy", member("-" * 9000 + "1"), "cannot be read"),
    "huge header": ("x.npy", member(" " * 60000), "cannot be read"),
    "complex": ("x.npy", described("(3,)", "'<c8'"), "type complex64"),
    "objects": ("x.npy", described("(3,)", "'|O'"), "type object"),
    "fields": ("x.npy", described("(3,)", "[('a', '<f8')]"), "type"),
}


@pytest.mark.parametrize("case", MEMBERS)
def test_archives_with_other_members(case, tmp_path):
    name, content, said = MEMBERS[case]
    path = tmp_path / "arrays.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    with pytest.raises(InputError, match=said):
        read_arrays(path, "data")
    for problem in (
        {**SMALL, "problem": {"kind": "two_layer", "data": str(path)}},
        {**SMALL, "problem": {"kind": "energy", "kernel": {"samples": str(path)}}},
        {**SMALL, "initial": {"kind": "file", "path": str(path)}},
    ):
        with pytest.raises(InputError, match=rf"arrays\.npz.*{said}"):
            wgflow.open_problem(problem)


def test_archives_that_are_none_or_damaged(tmp_path):
    path = tmp_path / "arrays.npz"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"no.* \.npz file"):
        read_arrays(path, "data")
    np.savez_compressed(path, x=np.random.default_rng(0).normal(size=500))
    content = path.read_bytes()
    for place in range(0, len(content), 37):
        for damaged in (content[:place], content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]):
            path.write_bytes(damaged)
            try:
                found = read_arrays(path, "data")
            except InputError as error:
                assert len(str(error).splitlines()) == 1
            else:
                assert next(iter(found.values())).size == 500
    for offset, value, said in ((8, b"\x01\x00", "encrypted"), (10, b"\x63\x00", "compression")):
        entry = content.find(b"PK\x01\x02") + offset
        path.write_bytes(content[:entry] + value + content[entry + 2 :])
        with pytest.raises(InputError, match=said):
            read_arrays(path, "data")


def test_bombs_are_seen_before_they_are_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros(2**20))
    assert read_arrays(path, "data")["x"].size == 2**20
    monkeypatch.setattr(archives, "LARGE", 2**20)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("was unpacked"))
    with pytest.raises(InputError, match=r"unpacks to 8388736 bytes, .* times its size"):
        read_arrays(path, "data")


def test_arrays_come_as_they_were_written(tmp_path):
    values = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.asfortranarray(np.ones((2, 3), dtype=np.float32)),
        "c": np.array(3),
    }
    values |= {
        "d": np.array([True, False]),
        "e": np.arange(3, dtype=">i4"),
        "f": np.empty((0, 2)),
        "\u03b1": np.ones(1),
    }
    np.savez(tmp_path / "x.npz", **values)
    found = read_arrays(tmp_path / "x.npz", "data")
    assert list(found) == list(values)
    for name, expected in values.items():
        np.testing.assert_array_equal(found[name], np.asarray(expected, dtype=np.float64))
        assert found[name].shape == expected.shape


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x,y\n1,2\n" + "1,\u00e9\n".encode("latin-1"), "UTF-8"),
        ("x,y\n1,2\n".encode("utf-16"), "UTF-8"),
        (b"\0" * 1000, "no data"),
        (b"x,y\n1,\0\n", r"holds '\\x00'"),
        (b"x,y\n1," + b"1" * 200000 + b"\n", "field larger"),
        (b"1," * LONGEST_LINE, "line 1 has more than"),
        (b'x,y\n1,"2\n3,4"\n', "runs over a line"),
        (b"x,y\n1,2\n1\n", "line 3 has 1 columns"),
        (b"x,y\n1,\x1b[31m\n", r"holds '\\x1b\[31m'"),
        (b"", "no data"),
    ],
)
def test_tables(content, said, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_csv(path)


def test_paths_that_the_system_refuses(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / ("x" * 300), tmp_path / ("a/" * 3000), tmp_path / "loop", tmp_path / "a\0b"):
        with pytest.raises(InputError, match=r"data .* cannot be reached"):
            kind_of(path, "data")
        with pytest.raises(InputError, match="cannot be reached"):
            wgflow.run(SMALL, path)
        with pytest.raises(InputError, match="cannot be reached"):
            wgflow.load(path)
    for text in ("", "  ", "a\0b", "~nobody-of-this-name/x"):
        with pytest.raises(InputError, match=r"\[initial\] path"):
            resolved(tmp_path, text, "[initial] path")
    assert kind_of(tmp_path / "no" / "x", "data") == "missing"
    assert kind_of(tmp_path, "data") == "folder"


def test_outputs_that_cannot_be_written(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    assert check_target(path, "report", (".html",)) == path
    (tmp_path / "folder.html").mkdir()
    for wrong, said in (
        (tmp_path / "page.txt", "allowed is .html"),
        (tmp_path / "no" / "page.html", "does not exist"),
        (tmp_path / "folder.html", "is a folder"),
        (tmp_path / ("x" * 300 + ".html"), "cannot be reached"),
    ):
        with pytest.raises(InputError, match=said):
            check_target(wrong, "report", (".html",))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="permission denied"):
        check_target(path, "report", (".html",))


def test_names_that_are_no_text_are_kept_as_escapes(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["wgflow", "\udcff.toml"])
    path = tmp_path / "\udcfe.h5"
    wgflow.run(SMALL, path)
    assert "'\\udcff.toml'" in wgflow.load(path).attributes["history"]
