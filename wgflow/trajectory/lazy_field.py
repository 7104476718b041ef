"""Fields that stay in their file until a snapshot of them is wanted."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from wgflow.errors import InputError
from wgflow.text import named
from wgflow.trajectory.live_reading import read_steadily
from wgflow.trajectory.locking import open_to_read
from wgflow.trajectory.row_groups import group_count
from wgflow.typing import FloatArray, IntArray


class StoredField(NDArrayOperatorsMixin):
    """An array in a trajectory file that reads what is asked of it.

    ``field[i]`` and ``field[i:j]`` read those snapshots alone; arithmetic, functions and methods of numpy read all.
    Each snapshot is compared with its checksum as it is read.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Path of the variable in the file, which is opened for each read, so that no lock keeps a run from continuing.
    shape : tuple of int
        Shape of one snapshot.
    snapshots : range
        Numbers of the snapshots in the file that are its elements.
    places : array, shape (N,), optional
        Place in the file of each element along the last axis, where that is another one.

    Raises
    ------
    InputError
        When a snapshot that is read is damaged, or the file is not the same one any more.
    """

    def __init__(
        self, path: Path, name: str, shape: tuple[int, ...], snapshots: range, places: IntArray | None = None
    ) -> None:
        self._path, self._name, self._places = path, name, places
        self._identity = _identity(path)
        self._snapshots, self._rest = snapshots, shape
        self.dtype: np.dtype[Any] = np.dtype("<f8")

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of snapshots, then the shape of one."""
        return len(self._snapshots), *self._rest

    def part(self, rows: slice) -> StoredField:
        """Some of the snapshots, none of which is read yet."""
        chosen = copy.copy(self)
        chosen._snapshots = self._snapshots[rows]
        return chosen

    def __len__(self) -> int:
        return len(self._snapshots)

    def __getitem__(self, key: Any) -> Any:
        """Values of the array; a first index of one snapshot or a slice reads those alone."""
        first, *others = key if isinstance(key, tuple) else (key,)
        if isinstance(first, int | np.integer):
            if not -len(self) <= first < len(self):
                raise IndexError(f"snapshot {first} of {len(self)}")
            one = self._snapshots[first : first + 1 or None]
            if self._places is None and 0 < len(others) <= len(self._rest) and all(map(_is_forwards, others)):
                return self._read(one, *others)[0]
            return self._read(one)[0][tuple(others)]
        if isinstance(first, slice):
            return self._read(self._snapshots[first])[(slice(None), *others)]
        return self.__array__()[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        """All snapshots."""
        return self._read(self._snapshots).astype(dtype or self.dtype, copy=False)

    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [np.asarray(value) if isinstance(value, StoredField) else value for value in inputs]
        return getattr(function, method)(*arrays, **options)

    def __getattr__(self, name: str) -> Any:
        """What arrays have beside their elements: methods, ``T`` and so on."""
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(name)
        shape = self.shape
        if name in {"ndim", "size", "nbytes"}:
            return {"ndim": len(shape), "size": np.prod(shape), "nbytes": np.prod(shape) * self.dtype.itemsize}[name]
        return getattr(self.__array__(), name)

    def __repr__(self) -> str:
        return f"StoredField({self._name[1:]} {self.shape} in {self._path})"

    def _read(self, snapshots: range, *parts: slice) -> FloatArray:
        """Read some snapshots of the file, or parts of them, forwards as the library does; in their order."""
        forwards = snapshots if snapshots.step > 0 else snapshots[::-1]
        rows = slice(forwards.start, max(forwards.stop, forwards.start), forwards.step)
        values = read_steadily(self._path, lambda: self._read_once(rows, *parts))
        return values if snapshots.step > 0 else values[::-1]

    def _read_once(self, rows: slice, *parts: slice) -> FloatArray:
        try:
            if _identity(self._path) != self._identity:
                raise InputError(f"{self._path} was replaced since it was loaded; load it again")
            with open_to_read(self._path) as file:
                check_chunks(file[self._name], rows, self._path.stat().st_size)
                values = file[self._name][(rows, *parts)]
        except InputError:
            raise
        except (MemoryError, OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            which = f"{self._name[1:]} {rows.start} to {rows.stop - 1}"
            if isinstance(error, MemoryError):
                raise InputError(f"{self._path}: {which} do not fit into memory; take fewer snapshots") from None
            raise InputError(f"{self._path} is damaged: {which} cannot be read ({named(error, 200)})") from None
        # Chunks that are missing read as NaN, which no snapshot holds.
        if values.size > 0 and np.isnan(values.reshape(len(values), -1)[:, 0]).any():
            raise InputError(f"{self._path} is damaged: a snapshot of {self._name[1:]} is missing")
        return values if self._places is None else values[..., self._places]


def _is_forwards(part: Any) -> bool:
    """Whether the library reads a part of an axis as it is."""
    return isinstance(part, slice) and (part.step is None or part.step > 0)


def source_of(values: Any) -> Path | None:
    """The file that a field is read from; None where it lies in memory."""
    return values._path if isinstance(values, StoredField) else None


def check_chunks(variable: h5py.Dataset, rows: slice, size: int) -> None:
    """Raise ValueError where the index of chunks cannot be right.

    No checksum covers the index. It could tell the library to skip filters that were not skipped: of those of a field
    (shuffle, gzip, fletcher32) only gzip may have been, for a chunk that it would have enlarged. Nor may chunks be
    missing, or be the same bytes of the file, which would make a small file a large array.

    Parameters
    ----------
    variable : h5py.Dataset
        The field.
    rows : slice
        The rows that are about to be read.
    size : int
        Bytes of the file.
    """
    plain = int(np.prod(variable.chunks)) * variable.dtype.itemsize + 4
    wanted, found, stored = range(*rows.indices(variable.shape[0])), 0, 0
    parts = group_count(variable.shape[1:], variable.chunks[1:])

    def check(chunk: h5py.h5d.StoreInfo) -> None:
        nonlocal found, stored
        if chunk.byte_offset is None or chunk.chunk_offset[0] not in wanted:
            return
        found, stored = found + 1, stored + chunk.size
        skipped_gzip = chunk.filter_mask == 2 and variable.compression and chunk.size == plain
        if chunk.filter_mask != 0 and not skipped_gzip:
            raise ValueError(f"the filters of row {chunk.chunk_offset[0]} are damaged")

    if len(wanted) == 1 and parts == 1:
        check(variable.id.get_chunk_info_by_coord((wanted[0], *(0,) * (variable.ndim - 1))))
    else:
        variable.id.chunk_iter(check)
    if found < len(wanted) * parts:
        raise ValueError(f"{len(wanted) * parts - found} of {len(wanted) * parts} chunks of snapshots are missing")
    if stored > size:
        raise ValueError(f"its chunks overlap: together they take {stored} of {size} bytes")


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
