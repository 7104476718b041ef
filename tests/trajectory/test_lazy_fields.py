"""Fields of files: read when they are used, like arrays, and compared with their checksums."""

from __future__ import annotations

import pickle

import h5py
import numpy as np
import pytest

import wgflow
from tests.trajectory.files import TEACHER
from wgflow.errors import InputError


def test_fields_are_read_when_they_are_used(tmp_path):
    """One snapshot of a hundred: only its chunk is read."""
    problem = {**TEACHER, "output": {"snapshots": 101}}
    whole = wgflow.run(problem)
    wgflow.run(problem, tmp_path / "run.h5")
    trajectory = wgflow.load(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        chunks = [file["density"].id.get_chunk_info(index) for index in range(101)]
    content = bytearray((tmp_path / "run.h5").read_bytes())
    for index, chunk in enumerate(chunks):
        if index != 70:
            content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    with (tmp_path / "run.h5").open("r+b") as file:
        file.write(content)
    np.testing.assert_array_equal(trajectory.density[70], whole.density[70])
    assert trajectory.density[-31, 1, 3] == whole.density[70, 1, 3]
    np.testing.assert_array_equal(trajectory.density[70:71, 0], whole.density[70:71, 0])
    with pytest.raises(InputError, match="damaged"):
        trajectory.density[69]


def test_stored_fields_behave_like_arrays(tmp_path):
    whole = wgflow.run(TEACHER).density
    field = wgflow.run(TEACHER, tmp_path / "run.h5").density
    assert (field.shape, field.ndim, field.size, len(field)) == (whole.shape, 3, whole.size, 5)
    for key in (
        0,
        -1,
        slice(1, 4, 2),
        slice(None, None, -1),
        (2, 0),
        (slice(1, 3), 1, 5),
        [0, 3],
        ...,
        whole[:, 0, 0] > 0,
    ):
        np.testing.assert_array_equal(field[key], whole[key])
    np.testing.assert_array_equal(np.asarray(field), whole)
    np.testing.assert_array_equal(2.0 * field - field / 3.0, 2.0 * whole - whole / 3.0)
    np.testing.assert_array_equal(np.sqrt(field), np.sqrt(whole))
    np.testing.assert_array_equal(np.stack(list(field)), whole)
    np.testing.assert_array_equal(np.einsum("tij->t", field), np.einsum("tij->t", whole))
    assert field.max() == np.max(field) == whole.max()
    assert (field >= 0.0).all()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(field))[1], whole[1])
    with pytest.raises(IndexError):
        field[5]
    with pytest.raises(AttributeError):
        _ = field.nonsense


def test_file_that_was_replaced_is_not_mistaken_for_the_old_one(tmp_path):
    old = wgflow.run(TEACHER, tmp_path / "run.h5")
    wgflow.run({**TEACHER, "initial": {"kind": "uniform", "mass": 2.0}}, tmp_path / "run.h5", overwrite=True)
    with pytest.raises(InputError, match="was replaced since it was loaded"):
        _ = old.density[0]


def test_damaged_snapshot_is_noticed(tmp_path):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as file:
        chunk = file["density"].id.get_chunk_info(2)
    content = bytearray((tmp_path / "run.h5").read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    (tmp_path / "run.h5").write_bytes(content)
    trajectory = wgflow.load(tmp_path / "run.h5")
    assert trajectory.density[1].shape == trajectory.density[3].shape == (2, 32)
    for damaged in (2, slice(0, 3), slice(None)):
        with pytest.raises(InputError, match=r"run\.h5 is damaged: density"):
            trajectory.density[damaged]
