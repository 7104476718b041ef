"""Files written by other versions of the HDF5 library than the one that reads them, see `golden`."""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest

import wgflow
from tests.trajectory.hdf5.golden import SOURCE
from wgflow.trajectory.checking import check_trajectory

FILES = Path(__file__).parent / "golden_files"
VERSIONS = ("1.14.2", "2.0.0")
ROUND_OFF = 5e-12  # between kernels of different compilers, relative: 1.2e-12 was seen


def unpacked(folder: Path, version: str, name: str) -> Path:
    path = folder / f"{name}.h5"
    path.write_bytes(lzma.decompress((FILES / f"hdf5-{version}-{name}.h5.xz").read_bytes()))
    return path


@pytest.fixture(scope="module")
def whole():
    return wgflow.run(SOURCE)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["appended", "plain"])
def test_runs_are_read_checked_and_continued(tmp_path, whole, version, name):
    """Compiled by another numba, so to round-off; what the file holds stays as it is."""
    path = unpacked(tmp_path, version, name)
    assert [check.found for check in check_trajectory(path) if not check.passed] == []
    part = wgflow.load(path)
    assert (part.status, part.scheduled, len(part.time)) == ("interrupted", 3, 4)
    density = part.density[:3]
    np.testing.assert_allclose(density, whole.density[:3], rtol=ROUND_OFF)
    trajectory = wgflow.run(SOURCE, path, resume=True)
    assert [check.found for check in check_trajectory(path) if not check.passed] == []
    np.testing.assert_array_equal(trajectory.time, whole.time)
    np.testing.assert_array_equal(trajectory.density[:3], density)
    np.testing.assert_allclose(trajectory.density, whole.density, rtol=ROUND_OFF)
    np.testing.assert_allclose(trajectory.steps["risk"], whole.steps["risk"], rtol=ROUND_OFF)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["default", "newest"])
def test_files_of_others_are_refused_in_one_line(tmp_path, version, name):
    path = unpacked(tmp_path, version, name)
    with pytest.raises(wgflow.InputError, match=rf"{name}\.h5 is damaged: it has lost its seal"):
        wgflow.load(path)
    assert not all(check.passed for check in check_trajectory(path))
