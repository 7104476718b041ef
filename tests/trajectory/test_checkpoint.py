"""Checkpoints in files, read as far as a rank needs them."""

import tracemalloc
from io import BytesIO

import h5py
import numpy as np
import pytest

from wgflow.trajectory import row_groups
from wgflow.trajectory.checkpoint import STATE, read_checkpoint, write_packed

WHOLE = (2, 300, 1000)
ROWS = np.array([298, 299, 0, 1, 2, 150])  # of a slab that goes around a periodic end


def rows_of(shape):
    return (1, ROWS) if shape == WHOLE else None


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A file with a checkpoint in groups of four rows."""
    monkeypatch.setattr(row_groups, "LARGEST_CHUNK", 8 * 4 * WHOLE[2])
    monkeypatch.setattr(row_groups, "GROUP", 8 * 4 * WHOLE[2])
    density = np.random.default_rng(0).random(WHOLE)
    others = {"time": np.array(0.5), "steps": np.asfortranarray(np.arange(12).reshape(3, 4)), "none": np.empty((0, 3))}
    content = BytesIO()
    write_packed({"density": density, "stiffest": density.astype(np.float32)}, content)
    np.savez(packed := BytesIO(), density=density, stiffest=density.astype(np.float32), **others)
    for name, stream in (("written", content), ("packed", packed)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file[STATE] = np.frombuffer(stream.getvalue(), np.uint8)
    return tmp_path


@pytest.mark.parametrize("name", ["written", "packed"])
def test_the_rows_of_a_slab_are_read_alone(path, name):
    whole, part = (read_checkpoint(path / f"{name}.h5", *of) for of in ((), (rows_of,)))
    for field in ("density", "stiffest"):
        np.testing.assert_array_equal(part[field], whole[field][:, ROWS])
        assert part[field].dtype == whole[field].dtype
    np.testing.assert_array_equal(whole["density"], np.random.default_rng(0).random(WHOLE))
    if name == "packed":
        assert (part["time"], part["none"].shape) == (0.5, (0, 3))
        np.testing.assert_array_equal(part["steps"], np.arange(12).reshape(3, 4))


def test_the_rest_is_never_in_memory(path):
    peaks = []
    for _ in range(3):  # the interpreter keeps small objects for later: their number depends on what was before
        tracemalloc.start()
        read_checkpoint(path / "written.h5", rows_of)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert min(peaks) < 0.25 * np.prod(WHOLE) * 8  # most of it is what is read at once from the file


def test_damage_in_rows_that_are_not_wanted_is_found(path):
    with h5py.File(path / "written.h5", "r+") as file:
        place = file[STATE].size // 3  # in the density
        file[STATE][place] = 255 - file[STATE][place]
    assert read_checkpoint(path / "written.h5", rows_of) is None
