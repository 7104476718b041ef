"""What an independent reader says of trajectory files, beside the CF conventions."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation
from wgflow.errors import MissingExtraError

module = load_validation("conventions")


def test_files_that_do_not_conform_are_told(tmp_path, monkeypatch, capsys):
    reports = {"circle.nc": [{}, {}], "box.nc": [{}, {"non-conformance": "no units"}]}

    def read(name, backend):  # noqa: ARG001
        found = reports[name.rpartition("/")[2]]
        return [SimpleNamespace(dataset_compliance=lambda report=report: report) for report in found]

    monkeypatch.setitem(sys.modules, "cfdm", SimpleNamespace(read=read))
    files = tuple(tmp_path / name for name in reports)
    rows = list(module.validate(Setting("conventions", tmp_path), files=files))
    assert [(row.value, row.passed, row.beside) for row in rows] == [
        (0, True, "of 2"),
        (1, False, "of 2"),
        (1, False, "of 4"),
    ]
    assert "box.nc: {'non-conformance': 'no units'}" in capsys.readouterr().err


def test_the_library_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cfdm", None)
    with pytest.raises(MissingExtraError, match="wgflow\\[conventions\\]"):
        next(module.validate(Setting("conventions", tmp_path), files=(tmp_path / "x.nc",)))
