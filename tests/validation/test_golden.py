"""Digests of runs are written, compared, and say what is different."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wgflow import InputError
from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

golden = load_validation("golden")
RUNS = ("box 1-D: well and heat, tr_bdf2", "box 2-D: data, sgd")


@pytest.fixture
def setting(tmp_path):
    return Setting("golden", tmp_path, quick=True)


def test_runs_have_the_same_bits_on_all_threads():
    runs = golden.all_runs("")
    assert len(runs) > 600
    assert all(name in runs for name in golden.QUICK)
    (row,) = golden.compare_threads({name: runs[name] for name in RUNS})
    assert (row.value, row.passed, row.beside, row.quoted) == (0, True, "of 2", True)


def test_runs_are_compared_with_those_that_were_recorded(setting, tmp_path):
    file, name = tmp_path / "digests.json", RUNS[1]
    (row,) = golden.validate(setting, record=file, only=name)
    assert row.value == 1
    (row,) = golden.validate(setting, compare=file, only=name)
    assert row.passed
    content = json.loads(file.read_text())
    content["runs"][name]["numbers"]["mass"] *= 1.0 + 1e-12
    file.write_text(json.dumps(content))
    changed, total = golden.validate(setting, compare=file, only=name)
    assert (changed.passed, changed.what, total.value) == (False, f"{name}: differences", 1)
    assert changed.beside.startswith("mass (1.0e-12)")


def test_digests_tell_the_sign_of_zero():
    zero, other = golden.digest(np.zeros(3)), golden.digest(-np.zeros(3))
    assert zero["size"] == other["size"]
    assert zero["sha256"] != other["sha256"]


def test_files_that_hold_no_digests_are_refused(setting, tmp_path):
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(InputError, match="holds no digests"):
        list(golden.validate(setting, compare=tmp_path / "x.json", only="none"))
    with pytest.raises(InputError, match="give one of them"):
        list(golden.validate(setting, compare=tmp_path / "x.json", record=tmp_path / "y.json"))
