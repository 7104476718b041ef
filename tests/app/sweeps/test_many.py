"""Many trajectory files as one dataset."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow import InputError


def write(path, cells, times):
    sections = {
        "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
        "domain": {"kind": "circle", "cells": cells},
        "solver": {"t_end": 1.0},
        "output": {"times": times},
    }
    return wgflow.run(sections, path)


def test_runs_stand_side_by_side_on_all_their_times(tmp_path):
    fine, coarse = write(tmp_path / "b.h5", 32, [0.5, 1.0]), write(tmp_path / "a.h5", 16, [0.25, 1.0])
    found = wgflow.open_many(str(tmp_path / "*.h5"))
    assert found.time.values.tolist() == [0.0, 0.25, 0.5, 1.0]
    assert [name.rsplit("/", 1)[-1] for name in found.run.values] == ["a.h5", "b.h5"]
    assert found.risk.values[0] == pytest.approx([*coarse.risk[:2], np.nan, coarse.risk[2]], nan_ok=True, rel=0, abs=0)
    assert found.risk.values[1] == pytest.approx([fine.risk[0], np.nan, *fine.risk[1:]], nan_ok=True, rel=0, abs=0)
    assert found.status.values.tolist() == ["complete", "complete"]
    assert wgflow.open_many([tmp_path / "b.h5"]).sizes["run"] == 1


def test_a_pattern_without_files_is_named(tmp_path):
    with pytest.raises(InputError, match="no file is found for"):
        wgflow.open_many(str(tmp_path / "*.h5"))
