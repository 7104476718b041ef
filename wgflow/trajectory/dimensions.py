"""Dimensions without coordinates, in the way of the netCDF library."""

from __future__ import annotations

import h5py

from wgflow.typing import FloatArray

# What netCDF-4 calls the scale of a dimension that has no coordinates.
_BARE = "This is a netCDF dimension but not a netCDF variable."


def define_bare_dimension(group: h5py.Group, name: str, size: int) -> None:
    """Define a dimension without coordinates; it takes no room."""
    group.create_dataset(name, shape=(size,), dtype=">f4")
    group[name].make_scale(f"{_BARE}{size:10d}")


def is_bare_dimension(variable: h5py.Dataset) -> bool:
    """Whether a variable is the scale of a dimension without coordinates, and holds nothing."""
    name = variable.attrs.get("NAME", b"")
    return isinstance(name, bytes) and name.startswith(_BARE.encode())


def attach_sizes(group: h5py.Group, variable: h5py.Dataset) -> None:
    """Give each axis of a variable a dimension that is named by its length."""
    for axis, size in enumerate(variable.shape):
        name = f"size_{size}"
        if name not in group:
            define_bare_dimension(group, name, size)
        variable.dims[axis].attach_scale(group[name])


def stored_data(file: h5py.File) -> dict[str, FloatArray]:
    """Arrays of the group ``data`` by name; none where there is no such group."""
    found = [*file["data"].items()] if "data" in file else []  # at once, since iterating holds the library's lock
    return {name: values[:] for name, values in found if not is_bare_dimension(values)}
