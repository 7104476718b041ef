"""Whether a trajectory file is what it should be: its schema, its labels, and every checksum in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from wgflow.errors import InputError
from wgflow.flows.endings import COMPLETE, FAILED, INTERRUPTED, RUNNING
from wgflow.trajectory.checkpoint import stored_checkpoint
from wgflow.trajectory.dimensions import is_bare_dimension
from wgflow.trajectory.hdf5.appender import growing_variables
from wgflow.trajectory.hdf5.integrity import check_seal
from wgflow.trajectory.lazy_field import check_chunks
from wgflow.trajectory.live_reading import read_steadily
from wgflow.trajectory.locking import open_to_read
from wgflow.trajectory.reader import (
    DAMAGE,
    check_exists,
    check_increasing,
    check_rows,
    check_schema,
    read_steps,
    reason,
)
from wgflow.trajectory.schema import CHECKSUM, ERRORS, FIELDS, SCALARS, SEAL, STEP, STEPS
from wgflow.trajectory.structure import check_structure

STRUCTURE = "structure"
GATES = frozenset({SEAL, STRUCTURE})  # checks without which no other is made; they are listed where they fail


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

    What fails while a run writes the file is checked once more, as `read_trajectory` reads it once more.

    Raises
    ------
    InputError
        If the file does not exist or cannot be opened at all.
    """
    check_exists(path)
    found: dict[str, Check] = {}

    def check() -> None:
        if GATES & found.keys():  # nothing else was checked
            found.clear()
        made = _check_all(path, [name for name in _CHECKS if name not in found or not found[name].passed])
        if GATES & made.keys():
            found.clear()
        found.update(made)
        faults = [one.found for one in found.values() if not one.passed]
        if faults:
            raise _FaultError(faults[0])

    with suppress(_FaultError):
        read_steadily(path, check)
    return list(found.values())


class _FaultError(InputError):
    """A check has failed, which may be because a run was writing just then."""


def _check_all(path: Path, names: list[str]) -> dict[str, Check]:
    """Make some checks, but that of the seal, or of the structure, alone where it fails."""
    try:
        check_seal(path)
    except ValueError as error:  # such a file can do harm to the library
        return {SEAL: Check(SEAL, str(error), passed=False)}
    except OSError as error:
        raise InputError(f"{path} is not a readable HDF5 file ({error})") from None
    try:
        with open_to_read(path) as file:
            structure = _outcome(STRUCTURE, _structure, file)
            if not structure.passed:  # what else is there must not be read
                return {STRUCTURE: structure}
            return {name: _outcome(name, _CHECKS[name], file) for name in names}
    except InputError:  # of a file system without locks
        raise
    except DAMAGE as error:
        raise InputError(f"{path} is not a readable HDF5 file ({reason(error)})") from None


def _outcome(name: str, check: Callable[[h5py.File], str], file: h5py.File) -> Check:
    try:
        return Check(name, check(file), passed=True)
    except DAMAGE as error:  # InputError is one of them
        return Check(name, reason(error), passed=False)


def _expect(condition: object, fault: str) -> None:
    if not condition:
        raise ValueError(fault)


def _structure(file: h5py.File) -> str:
    check_structure(file, Path(file.filename))
    return "only numbers, texts and groups of this file"


def _schema(file: h5py.File) -> str:
    path = Path(file.filename)
    sealed = check_seal(path)
    check_schema(file, path, sealed=sealed)
    missing = [name for name in ("time", *SCALARS) if name not in file]
    _expect(not missing, f"the variables {', '.join(missing)} are missing")
    _expect(any(name in file for name in FIELDS), "there is neither a density nor particles")
    intact = "headers, attributes, coordinates and data are intact" if sealed else "without a checksum"
    return f"version {file.attrs['schema_version']}; {intact}"


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
            scales = _scales(file, variable, axis)
            _expect(scales, f"axis {axis} of {variable.name[1:]} has no dimension scale")
            found = scales[0].shape[0]
            _expect(found == size, f"axis {axis} of {variable.name[1:]} has {size} values, its scale {found}")
            count += 1
    return f"{count} axes have scales of their length"


def _scales(file: h5py.File, variable: h5py.Dataset, axis: int) -> list[h5py.Dataset]:
    """Dimension scales of an axis, read with care: the library trusts what this attribute holds."""
    if "DIMENSION_LIST" not in variable.attrs:
        return []
    attribute = variable.attrs.get_id("DIMENSION_LIST")
    plain = h5py.check_vlen_dtype(attribute.dtype) or np.dtype(float)
    fits = h5py.check_ref_dtype(plain) is h5py.Reference and attribute.shape == (variable.ndim,)
    _expect(fits, f"the dimension scales of {variable.name[1:]} are damaged")
    references = variable.attrs["DIMENSION_LIST"][axis]
    return [file[reference] for reference in references if isinstance(file[reference], h5py.Dataset)]


def _units(file: h5py.File) -> str:
    variables = list(_labelled(file))
    for variable in variables:
        for name in ("long_name", "units"):
            exempt = name == "units" and "cf_role" in variable.attrs
            _expect(exempt or name in variable.attrs, f"{variable.name[1:]} has no {name}")
    return f"{len(variables)} variables have a name and units"


def _times(file: h5py.File) -> str:
    time = file["time"][:]
    check_increasing(time)
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
        check_chunks(variable, slice(None), Path(file.filename).stat().st_size)
        for index in range(variable.shape[0]):
            try:
                values = variable[index]
            except (OSError, RuntimeError) as error:
                raise ValueError(f"snapshot {index} of {variable.name[1:]} is damaged ({reason(error)})") from None
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
