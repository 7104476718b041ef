"""Arrays as bytes of an .npz file: what numpy and its archive program read of them."""

from __future__ import annotations

import io
import zipfile

import numpy as np

from wgflow.trajectory.npz import npz_bytes

ARRAYS = {
    "density": np.random.default_rng(0).random((2, 7)),
    "last_output/time": np.array(0.1),
    "counts": np.arange(5, dtype=np.int32),
    "turned": np.arange(6.0).reshape(2, 3).T,
    "single": np.ones(9, dtype=np.float32),
    "none": np.empty((0, 3)),
    "words": np.array(["a", "bcd"]),
}


def test_numpy_reads_the_arrays_of_an_archive():
    content = npz_bytes(ARRAYS)
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        assert archive.files == list(ARRAYS)
        for name, values in ARRAYS.items():
            assert archive[name].dtype == values.dtype
            np.testing.assert_array_equal(archive[name], values)


def test_an_archive_holds_what_numpy_writes_with_checksums_and_places():
    ours, theirs = zipfile.ZipFile(io.BytesIO(npz_bytes(ARRAYS))), io.BytesIO()
    np.savez(theirs, **{**ARRAYS, "turned": np.ascontiguousarray(ARRAYS["turned"])})
    with zipfile.ZipFile(theirs) as expected, ours:
        assert ours.testzip() is None
        for found, entry in zip(ours.infolist(), expected.infolist(), strict=True):
            assert (found.filename, found.file_size, found.CRC) == (entry.filename, entry.file_size, entry.CRC)
            assert ours.read(found) == expected.read(entry)


def test_a_damaged_byte_is_found():
    content = bytearray(npz_bytes({"a": np.arange(100.0)}))
    content[len(content) // 2] ^= 1
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() == "a.npy"
