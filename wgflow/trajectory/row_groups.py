"""How a field is cut into the chunks of its file: as a whole where it is small, else into groups of its rows.

The groups depend on the shape alone, so that files are the same however many ranks wrote them, and none of these needs
room for more than one group beside its own part of the field.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from math import prod

LARGEST_CHUNK = 2**27  # bytes; HDF5 has no chunks of 4 GiB
GROUP = 2**25  # bytes of a group of rows where a field is larger
NUMBER = 8  # bytes


def chunk_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of a chunk of a field that has the given shape in one snapshot.

    Examples
    --------
    >>> from wgflow.trajectory.row_groups import chunk_shape
    >>> chunk_shape((2, 128, 128)), chunk_shape((2, 512, 512, 512))
    ((2, 128, 128), (1, 16, 512, 512))
    """
    if NUMBER * prod(shape) <= LARGEST_CHUNK:
        return shape
    axis = next(axis for axis in range(len(shape)) if NUMBER * prod(shape[axis + 1 :]) <= GROUP)
    rows = min(max(GROUP // (NUMBER * prod(shape[axis + 1 :])), 1), shape[axis])
    return (*(1,) * axis, rows, *shape[axis + 1 :])


def groups_of(shape: tuple[int, ...], chunk: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """The part of each chunk in a field, in the order of the file; that of the last ones may be smaller."""
    starts = itertools.product(*(range(0, max(n, 1), max(step, 1)) for n, step in zip(shape, chunk, strict=True)))
    for first in starts:
        yield tuple(slice(k, min(k + step, n)) for k, step, n in zip(first, chunk, shape, strict=True))


def group_count(shape: tuple[int, ...], chunk: tuple[int, ...]) -> int:
    """Number of chunks of a field."""
    return prod(-(-n // step) for n, step in zip(shape, chunk, strict=True))
