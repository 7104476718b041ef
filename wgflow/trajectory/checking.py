"""Whether a trajectory file is what it should be: its schema, its labels, and every checksum in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from wgflow.errors import InputError
from wgflow.paths import kind_of
from wgflow.trajectory.checkpoint import stored_checkpoint
from wgflow.trajectory.dimensions import is_bare_dimension
from wgflow.trajectory.growing_file import growing_variables
from wgflow.trajectory.reader import DAMAGE, check_rows, check_schema, read_steps
from wgflow.trajectory.schema import (
    CHECKSUM,
    COMPLETE,
    ERRORS,
    FAILED,
    FIELDS,
    INTERRUPTED,
    RUNNING,
    SCALARS,
    STEP,
    STEPS,
)
from wgflow.trajectory.seal import check_seal
from wgflow.trajectory.stored import check_filters


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Parameters
    ----------
    name : str
        What was checked.
    found : str
        What was found: how much is in order, or the fault.
    passed : bool
        Whether it is in order.
    """

    name: str
    found: str
    passed: bool


def check_trajectory(path: Path) -> list[Check]:
    """Check a trajectory file in every respect; a fault does not keep the other checks from being made.

    Raises
    ------
    InputError
        If the file does not exist or cannot be opened at all.
    """
    if kind_of(path, "trajectory") != "file":
        raise InputError(f"trajectory {path} does not exist")
    try:
        check_seal(path)
    except ValueError as error:  # such a file can do harm to the library
        return [Check("seal", str(error), passed=False)]
    try:
        with h5py.File(path, "r") as file:
            return [_outcome(name, check, file) for name, check in _CHECKS.items()]
    except OSError as error:
        raise InputError(f"{path} is not a readable HDF5 file ({error})") from None


def _outcome(name: str, check: Callable[[h5py.File], str], file: h5py.File) -> Check:
    try:
        return Check(name, check(file), passed=True)
    except DAMAGE as error:  # InputError is one of them
        return Check(name, " ".join(str(error).split()), passed=False)


def _expect(condition: object, fault: str) -> None:
    if not condition:
        raise ValueError(fault)


def _schema(file: h5py.File) -> str:
    path = Path(file.filename)
    sealed = check_seal(path)
    check_schema(file, path, sealed=sealed)
    missing = [name for name in ("time", *SCALARS) if name not in file]
    _expect(not missing, f"the variables {', '.join(missing)} are missing")
    _expect(any(name in file for name in FIELDS), "there is neither a density nor particles")
    seal = "the seal of headers, attributes, coordinates and data is intact" if sealed else "without a seal"
    return f"version {file.attrs['schema_version']}; {seal}"


def _attributes(file: h5py.File) -> str:
    names = ("Conventions", "title", "source", "history", "status", "domain")
    missing = [name for name in names if name not in file.attrs]
    _expect(not missing, f"the attributes {', '.join(missing)} are missing")
    _expect(file.attrs["Conventions"].startswith("CF-"), "Conventions does not name CF")
    status = file.attrs["status"]
    _expect(status in {RUNNING, COMPLETE, INTERRUPTED, FAILED}, f"status = {status!r} is none that a run has")
    return f"{file.attrs['Conventions']}, status {status}"


def _shapes(file: h5py.File) -> str:
    count = file["time"].shape[0]
    _expect(count > 0, "there is no snapshot")
    for variable in growing_variables(file):
        wanted = file[f"{STEPS}/time"].shape[0] if variable.name.startswith(f"/{STEPS}/") else count
        _expect(variable.shape[0] == wanted, f"{variable.name[1:]} has {variable.shape[0]} rows, not {wanted}")
    return f"{count} snapshots of {', '.join(name for name in FIELDS if name in file)}"


def _labelled(file: h5py.File) -> Iterator[h5py.Dataset]:
    """Variables that have names and units."""
    for item in [*file.values(), *(file[STEPS].values() if STEPS in file else ())]:
        if isinstance(item, h5py.Dataset) and item.ndim > 0 and not is_bare_dimension(item):
            yield item


def _dimensions(file: h5py.File) -> str:
    count = 0
    for variable in _labelled(file):
        for axis, size in enumerate(variable.shape if not h5py.h5ds.is_scale(variable.id) else ()):
            scales = variable.dims[axis].values()
            _expect(scales, f"axis {axis} of {variable.name[1:]} has no dimension scale")
            found = scales[0].shape[0]
            _expect(found == size, f"axis {axis} of {variable.name[1:]} has {size} values, its scale {found}")
            count += 1
    return f"{count} axes have scales of their length"


def _units(file: h5py.File) -> str:
    variables = list(_labelled(file))
    for variable in variables:
        for name in ("long_name", "units"):
            exempt = name == "units" and "cf_role" in variable.attrs
            _expect(exempt or name in variable.attrs, f"{variable.name[1:]} has no {name}")
    return f"{len(variables)} variables have a name and units"


def _times(file: h5py.File) -> str:
    time = file["time"][:]
    _expect(np.isfinite(time).all(), "a time is not finite")
    _expect((np.diff(time) > 0.0).all(), "times do not increase")
    return f"increasing from {time[0]:g} to {time[-1]:g}"


def _scalars(file: h5py.File) -> str:
    columns = [file[name][:] for name in ("time", *SCALARS)]
    if CHECKSUM not in file:
        return "without checksums (schema version 1)"
    check_rows(columns, file[CHECKSUM][:], "snapshots")
    return f"{len(columns[0])} rows fit their checksums"


def _steps(file: h5py.File) -> str:
    steps = read_steps(file)
    _expect((np.diff(steps["time"]) > 0.0).all(), "times of steps do not increase")
    numbers = file[f"{STEPS}/{STEP}"][:] if f"{STEPS}/{STEP}" in file else np.arange(len(steps["time"]))
    _expect(np.array_equal(numbers, np.arange(len(steps["time"]))), "steps are not numbered from 0 on")
    return f"{len(steps['time'])} rows fit their checksums"


def _fields(file: h5py.File) -> str:
    chunks = 0
    for variable in (file[name] for name in FIELDS if name in file):
        check_filters(variable, slice(None))
        for index in range(variable.shape[0]):
            try:
                values = variable[index]
            except (OSError, RuntimeError) as error:
                raise ValueError(f"snapshot {index} of {variable.name[1:]} is damaged ({error})") from None
            whole = ~np.isnan(values) if variable.name[1:] == ERRORS else np.isfinite(values)
            _expect(whole.all(), f"snapshot {index} of {variable.name[1:]} is missing or not finite")
            chunks += 1
    return f"{chunks} chunks fit their checksums"


def _checkpoint(file: h5py.File) -> str:
    found = stored_checkpoint(file)
    return "none" if found is None else f"{len(found)} intact arrays at t = {float(found['time']):g}"


def _others(file: h5py.File) -> str:
    arrays = [item for item in [*file.values(), *file.get("data", {}).values()] if isinstance(item, h5py.Dataset)]
    fixed = [item for item in arrays if item.maxshape is not None and None not in item.maxshape]
    for variable in fixed:
        variable[()]
    return f"{len(fixed)} arrays can be read"


_CHECKS: dict[str, Callable[[h5py.File], str]] = {
    "schema": _schema,
    "attributes": _attributes,
    "shapes": _shapes,
    "dimensions": _dimensions,
    "names, units": _units,
    "times": _times,
    "scalars": _scalars,
    "steps": _steps,
    "fields": _fields,
    "checkpoint": _checkpoint,
    "coordinates": _others,
}
