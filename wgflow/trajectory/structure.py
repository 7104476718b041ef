"""What a trajectory file may be made of, which is looked at before anything in it is read: it may come from anywhere.

An HDF5 file can lead its reader to other files (external storage, external links, virtual datasets) and to code
(filters that are loaded as plugins), give one thing many names, promise arrays that are far larger than itself, and
hold types that no trajectory has. Nothing of that is needed, and all of it is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from wgflow.errors import InputError
from wgflow.flows.steps import STEP_COLUMNS
from wgflow.text import named, shown
from wgflow.trajectory.dimensions import is_bare_dimension
from wgflow.trajectory.row_groups import chunk_shape
from wgflow.trajectory.schema import CHECKSUM, FIELDS, SCALARS, STEP, STEPS

GROUPS = (STEPS, "data", "checkpoint")
MOST_MEMBERS = 1000  # variables of a group, attributes of the file
MOST_NUMBERS, MOST_TEXTS = 8192, 64  # in an attribute
MOST_AXES = 5
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
NUMBERS = {h5py.h5t.INTEGER, h5py.h5t.FLOAT}
# Some data compress well, and nothing at all compresses better than 1032 times. What comes beside a field (volumes of
# cells, numbers of particles) is not compressed, so that no snapshot is much larger than its file.
SMALL, LARGEST_RATIO = 2**24, 64  # bytes that are no danger; bytes of an array over those that are stored
_LINKS = {h5py.SoftLink: "a soft link", h5py.ExternalLink: "an external link, to another file"}


def check_structure(file: h5py.File, path: Path) -> None:
    """Raise InputError naming the first thing in an open file that no trajectory has; values are not read.

    Parameters
    ----------
    file : h5py.File
        The file, open for reading.
    path : Path
        Its path.

    Raises
    ------
    InputError
        If there is a link other than a hard one, an array that lies elsewhere, is far larger than what is stored of
        it or does not hold numbers, an attribute that is neither text nor numbers, or a known variable of another
        type or shape.
    """
    size = path.stat().st_size
    _check_attributes(file)
    found = {name: item for group in _groups(file) for name, item in _variables(group)}
    for name, variable in found.items():
        _check_variable(name, variable)
    total = sum(variable.id.get_storage_size() for name, variable in found.items() if name not in FIELDS)
    if total > size:
        raise InputError(f"its arrays overlap: together they take {total} of {size} bytes")
    for name, variable in found.items():
        _check_kind(name, variable, size)


def checked_columns(file: h5py.File, names: Iterable[str]) -> dict[str, h5py.Dataset]:
    """Some columns of an open file, as far as it has them; raises InputError for them as `check_structure` does."""
    columns = {}
    for name in names:
        if name in file.keys():  # noqa: SIM118 - `in file` follows links
            _check_link(file, name)
            columns[name] = file[name]
            _check_variable(name, columns[name])
            _check_kind(name, columns[name], 0)
    return columns


def _groups(file: h5py.File) -> Iterator[h5py.Group]:
    """The file and its groups that are read."""
    yield file
    for name in GROUPS:
        if name in _names(file):
            _check_link(file, name)
            if isinstance(file[name], h5py.Group):
                yield file[name]
            else:
                raise InputError(f"{name} is no group")


def _names(group: h5py.Group) -> list[str]:
    if len(group) > MOST_MEMBERS:
        raise InputError(f"{named(group.name)} has {len(group)} members; at most {MOST_MEMBERS} are read")
    return list(group)


def _check_link(group: h5py.Group, name: str) -> None:
    """Raise InputError unless a name leads to something in the group itself."""
    try:
        link = group.get(name, getlink=True)
    except TypeError:
        raise InputError(f"{named(name)} is a link of an unknown kind, which is not followed") from None
    if not isinstance(link, h5py.HardLink):
        target = f"{named(getattr(link, 'filename', ''))} {named(link.path)}".strip()
        raise InputError(f"{named(name)} is {_LINKS[type(link)]} ({target}), which is not followed")


def _variables(group: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    """Variables of a group by their names in the file."""
    for name in _names(group):
        _check_link(group, name)
        kind = group.get(name, getclass=True)
        if kind is h5py.Dataset:
            yield f"{group.name[1:]}/{name}".lstrip("/"), group[name]
        elif kind is not h5py.Group or group.name != "/":
            raise InputError(f"{named(name)} is no variable")


def _check_variable(name: str, variable: h5py.Dataset) -> None:
    """Raise InputError unless a variable lies in this file and holds numbers."""
    name, layout = named(name), variable.id.get_create_plist()
    if layout.get_external_count() > 0:
        other = layout.get_external(0)[0].decode("utf-8", "replace")
        raise InputError(f"{name} is stored in another file, {named(other)}, which is not read")
    if layout.get_layout() == h5py.h5d.VIRTUAL:
        raise InputError(f"{name} is a virtual dataset, put together from other files, which are not read")
    filters = {layout.get_filter(number)[0] for number in range(layout.get_nfilters())}
    if not filters <= FILTERS:
        raise InputError(f"{name} has the filter {min(filters - FILTERS)}; known are gzip, shuffle and fletcher32")
    kind = variable.id.get_type()
    if kind.get_class() not in NUMBERS or kind.get_size() > 8:
        raise InputError(f"{name} has the type {_type_name(variable)}; allowed are real numbers")
    if variable.shape is None or variable.ndim > MOST_AXES:
        raise InputError(f"{name} has no shape, or more than {MOST_AXES} axes")


def _type_name(variable: h5py.Dataset) -> str:
    try:
        return named(variable.dtype)
    except TypeError:  # numpy has no such type
        return "unknown"


def _check_kind(name: str, variable: h5py.Dataset, size: int) -> None:
    """Raise InputError unless a variable has the type and shape of its name, and no more values than are stored."""
    columns = {"time", CHECKSUM, *SCALARS, *(f"{STEPS}/{column}" for column in (STEP, CHECKSUM, *STEP_COLUMNS))}
    if name in columns:
        _expect_type(name, variable, {CHECKSUM: "<u8", STEP: "<i8"}.get(name.rpartition("/")[-1], "<f8"))
        if variable.ndim != 1 or variable.chunks is None:
            raise InputError(f"{name} has the shape {shown(variable.shape)}; a column has one axis that grows")
        _check_stored(name, variable)
    elif name in FIELDS:
        _expect_type(name, variable, "<f8")
        _check_field(name, variable, size)
    elif not is_bare_dimension(variable):
        _check_stored(name, variable)


def _expect_type(name: str, variable: h5py.Dataset, wanted: str) -> None:
    if variable.dtype != np.dtype(wanted):
        raise InputError(f"{name} has the type {variable.dtype}; allowed is {np.dtype(wanted)}")


def _check_field(name: str, variable: h5py.Dataset, size: int) -> None:
    """Raise InputError unless each snapshot of a field has chunks of its own, and is not much larger than the file."""
    one = tuple(max(n, 1) for n in variable.shape[1:])
    if variable.ndim == 0 or variable.chunks not in {(1, *one), (1, *chunk_shape(one))}:
        raise InputError(
            f"{name} has the shape {shown(variable.shape)} in chunks of {shown(variable.chunks)}; a field has one "
            "chunk for each snapshot, or where that is large for each group of its rows"
        )
    row = math.prod(variable.shape[1:]) * variable.dtype.itemsize
    if row > max(SMALL, LARGEST_RATIO * size):
        raise InputError(f"{name} has {row} bytes in each snapshot, but the whole file {size}")


def _check_stored(name: str, variable: h5py.Dataset) -> None:
    """Raise InputError where a variable has values that were never written, or far more than the bytes it takes."""
    stored = variable.id.get_storage_size()
    declared = math.prod(variable.shape) * variable.dtype.itemsize
    if variable.chunks is None:
        whole = stored >= declared
    else:
        whole = variable.id.get_num_chunks() >= _chunks_of(variable)
        declared = max(declared, math.prod(variable.chunks) * variable.dtype.itemsize)  # chunks are read as a whole
    if not whole or declared > max(SMALL, LARGEST_RATIO * stored):
        raise InputError(
            f"{named(name)} has the shape {shown(variable.shape)}, so {declared} bytes, of which {stored} are stored"
        )


def _chunks_of(variable: h5py.Dataset) -> int:
    """Number of chunks that hold all values."""
    return math.prod(-(-size // chunk) for size, chunk in zip(variable.shape, variable.chunks, strict=True))


def _check_attributes(file: h5py.File) -> None:
    """Raise InputError unless the attributes of a file are texts and numbers, or short lists of them."""
    if len(file.attrs) > MOST_MEMBERS:
        raise InputError(f"it has {len(file.attrs)} attributes; at most {MOST_MEMBERS} are read")
    for name in file.attrs:
        attribute = file.attrs.get_id(name)
        kind, shape = attribute.get_type().get_class(), attribute.shape
        most = {h5py.h5t.STRING: MOST_TEXTS, **dict.fromkeys(NUMBERS, MOST_NUMBERS)}.get(kind, 0)
        if shape is None or math.prod(shape) > most or len(shape) > 1:
            raise InputError(f"the attribute {shown(name)} is neither a text nor a number, nor a short list of them")


def plain_attribute(name: str, value: Any) -> Any:
    """Give the value of an attribute as a Python object, or as an array; raises InputError where it is no text.

    Parameters
    ----------
    name : str
        Name of the attribute.
    value : Any
        What h5py read.

    Returns
    -------
    str, int, float or array
    """
    if isinstance(value, bytes | np.bytes_ | str):
        try:
            return value.decode("utf-8") if isinstance(value, bytes) else value.encode("utf-8").decode("utf-8")
        except UnicodeError:
            raise InputError(f"the attribute {shown(name)} is no text in UTF-8") from None
    return value.item() if isinstance(value, np.generic) else value
