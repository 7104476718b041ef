"""Writing trajectories: to memory, or to a netCDF-4 file that is flushed after each snapshot."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from wgflow.domains import Domain
from wgflow.errors import ComputationError, InputError
from wgflow.schemes import Snapshot
from wgflow.trajectory.schema import FIELDS, GRID, RUNNING, SCALARS, SCHEMA_VERSION
from wgflow.trajectory.ugrid import define_mesh, mesh_arrays, place_on_mesh
from wgflow.typing import FloatArray

# What adds up over the legs of a run that was resumed.
ACCUMULATED = ("accepted_steps", "rejected_steps", "evaluations", "compile_seconds", "run_seconds")

METADATA_BYTES = 2**18  # room for indices and attributes, beside the arrays themselves


class Recorder(Protocol):
    """Takes the snapshots of a run."""

    def append(self, snapshot: Snapshot) -> None:
        """Keep a snapshot."""

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended."""

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:
        """After `finish`: go on with a larger domain, empty cells added to all densities; gives the last state."""


class MemoryRecorder:
    """Keeps snapshots in memory."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []
        self.attributes: dict[str, Any] = {}

    def append(self, snapshot: Snapshot) -> None:
        """Keep a snapshot."""
        self.snapshots.append(snapshot)

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended."""
        earlier = {name: self.attributes[name] for name in ACCUMULATED if name in self.attributes}
        self.attributes.update(attributes)
        self.attributes.update({name: value + attributes[name] for name, value in earlier.items()})

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:  # noqa: ARG002
        """Add empty cells to all densities; gives the last time and density."""
        self.snapshots = [
            replace(snapshot, fields={"density": np.pad(snapshot.fields["density"], list(padding))})
            for snapshot in self.snapshots
        ]
        return self.snapshots[-1].time, self.snapshots[-1].fields["density"]


class FileRecorder:
    """Appends snapshots to a trajectory file.

    The file is complete and readable after each snapshot; its attribute ``status`` is "running" until
    `finish` sets another.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self.path = Path(file.filename)

    @classmethod
    def create(
        cls,
        path: Path,
        first: Snapshot,
        *,
        domain: Domain | None,
        sign: FloatArray | None = None,
        attributes: Mapping[str, Any] | None = None,
        data: Mapping[str, FloatArray] | None = None,
        overwrite: bool = False,
    ) -> FileRecorder:
        """Create a file for snapshots that look like the first one (which is not written yet).

        Parameters
        ----------
        path : Path
            The new file.
        first : Snapshot
            A snapshot with the fields and shapes of all that follow.
        domain : Domain or None
            Gives the coordinates and cell volumes.
        sign : array, shape (m,), optional
            Sign of each particle.
        attributes : mapping, optional
            Global attributes, beside those that every file has.
        data : mapping of str to array, optional
            Arrays that rebuild the functional, kept in the group ``data``.
        overwrite : bool
            Whether an existing file may be replaced.

        Raises
        ------
        InputError
            If the file exists and must not be replaced, or cannot be written.
        """
        check_output(path, overwrite=overwrite)
        try:
            file = h5py.File(path, "w", track_order=True)
        except OSError as error:
            raise InputError(f"output {path} cannot be written: {_reason(error)}; choose another path") from None
        try:
            _define(file, first, domain, sign, attributes or {}, data or {})
        except Exception as error:
            file.close()
            path.unlink()
            if isinstance(error, OSError):
                raise InputError(f"output {path} cannot be written: {_reason(error)}; choose another path") from None
            raise
        return cls(file)

    @classmethod
    def reopen(cls, path: Path, attributes: Mapping[str, Any]) -> FileRecorder:
        """Open an existing file to append to it, with new global attributes; its counts of steps go on."""
        try:
            file = h5py.File(path, "r+")
        except BlockingIOError:
            raise InputError(f"trajectory {path} is being written by another run; wait for it") from None
        except OSError as error:
            raise InputError(f"trajectory {path} cannot be continued: {_reason(error)}") from None
        file.attrs.update({**attributes, "status": RUNNING})
        return cls(file)

    def append(self, snapshot: Snapshot) -> None:
        """Append a snapshot and flush the file; raises ComputationError if the disk does not take it."""
        count = self._file["time"].shape[0]
        try:
            _reserve(self._file, [snapshot.fields])
            for name in snapshot.fields:
                _append(self._file[name], count, snapshot.fields[name])
            for name in SCALARS:
                _append(self._file[name], count, getattr(snapshot, name))
            _append(self._file["time"], count, snapshot.time)
            self._file.flush()
        except (OSError, RuntimeError) as error:
            raise ComputationError(
                f"snapshot at t = {snapshot.time:g} cannot be written to {self.path}: {_reason(error)}; the "
                f"{count} snapshots before it are kept"
            ) from None

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:
        """Write the file anew with empty cells added to all densities, and open it; gives the last state."""
        larger = self.path.with_name(f"{self.path.name}.larger")
        try:
            last = _write_larger(self.path, larger, domain, padding)
            larger.replace(self.path)
        except OSError as error:
            raise ComputationError(
                f"{self.path} cannot be written with a larger box: {_reason(error)}; its snapshots are kept"
            ) from None
        finally:
            larger.unlink(missing_ok=True)
        self._file = self.reopen(self.path, {})._file
        return last

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended and close the file."""
        with suppress(OSError, RuntimeError):  # a full disk must not hide the error that ended the run
            earlier = {name: self._file.attrs[name] for name in ACCUMULATED if name in self._file.attrs}
            self._file.attrs.update(attributes)
            self._file.attrs.update({name: value + attributes[name] for name, value in earlier.items()})
            self._file.close()


def _write_larger(
    path: Path, larger: Path, domain: Domain, padding: Sequence[tuple[int, int]]
) -> tuple[float, FloatArray]:
    """Copy a trajectory with empty cells added to all densities; gives the last time and density."""
    first = Snapshot(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, {"density": np.empty(domain.shape)})
    with h5py.File(path, "r") as old, h5py.File(larger, "w", track_order=True) as new:
        data = {name: values[:] for name, values in old["data"].items()} if "data" in old else {}
        _define(new, first, domain, None, {**old.attrs, "domain": domain_attribute(domain)}, data)
        count = old["time"].shape[0]
        for index in range(count):
            density = np.pad(old["density"][index], list(padding))
            _append(new["density"], index, density)
        for name in (*SCALARS, "time"):
            new[name].resize(count, axis=0)
            new[name][:] = old[name][:]
        return float(old["time"][count - 1]), density


def _reserve(file: h5py.File, arrays: Iterable[Mapping[str, FloatArray]]) -> None:
    """Allocate room on the disk before HDF5 writes: a write that fails halfway would leave a damaged file.

    The file is longer than its content while a run goes on; HDF5 cuts it when it is closed.
    """
    needed = sum(values.nbytes for group in arrays for values in group.values()) + METADATA_BYTES
    wanted = file.id.get_filesize() + needed
    if hasattr(os, "posix_fallocate") and Path(file.filename).stat().st_size < wanted:
        with Path(file.filename).open("r+b") as raw:
            os.posix_fallocate(raw.fileno(), 0, wanted)


def check_output(path: Path, *, overwrite: bool = False) -> None:
    """Raise InputError, before any work, if a file cannot be created or must not be replaced."""
    if path.is_dir():
        raise InputError(f"output {path} is a folder; give the name of a file, e.g. {path / 'run.h5'}")
    if path.exists() and not path.is_file():
        raise InputError(f"output {path} is not a regular file; choose another path")
    if path.exists() and not overwrite:
        raise InputError(
            f"output {path} exists; choose another name (-o), continue it (--resume, resume=True), or replace it "
            "(--overwrite, overwrite=True)"
        )
    if path.exists():
        _check_replaceable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        existed = path.exists()
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise InputError(f"output {path} cannot be written: {_reason(error)}; choose another path") from None


def _check_replaceable(path: Path) -> None:
    """Raise InputError unless a file is a trajectory that nobody is writing (or empty)."""
    if path.stat().st_size == 0:
        return
    try:
        with h5py.File(path, "r+") as file:  # takes the lock that a run holds
            known = "schema_version" in file.attrs
    except BlockingIOError:
        raise InputError(f"output {path} is being written by another run; wait, or choose another path") from None
    except OSError:
        known = h5py.is_hdf5(path)  # a damaged trajectory may be replaced
    if not known:
        raise InputError(f"output {path} is not a trajectory and is not replaced; choose another path")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def domain_attribute(domain: Domain | None) -> str:
    """Text from which `wgflow.trajectory.reader` rebuilds a domain."""
    return json.dumps({"kind": domain.kind, **domain.parameters} if domain is not None else {})


def _define(
    file: h5py.File,
    first: Snapshot,
    domain: Domain | None,
    sign: FloatArray | None,
    attributes: Mapping[str, Any],
    data: Mapping[str, FloatArray],
) -> None:
    """Write all of a new file but its snapshots."""
    mesh = mesh_arrays(domain) if "density" in first.fields else {}
    _reserve(file, [first.fields, data, mesh, {"volumes": domain.volumes} if domain is not None else {}])
    _write_attributes(file, domain, attributes)
    _define_dimensions(file, domain, first, sign)
    if mesh:
        define_mesh(file, mesh)
    for name in SCALARS:
        _define_variable(file, name, (), ())
    for name, values in first.fields.items():
        _define_variable(file, name, _dimensions(name, domain), values.shape)
    if mesh:
        place_on_mesh(file["density"])
    for name, values in data.items():
        file.require_group("data").create_dataset(name, data=values)
    file.flush()


def _write_attributes(file: h5py.File, domain: Domain | None, attributes: Mapping[str, Any]) -> None:
    file.attrs["Conventions"] = "CF-1.11"
    file.attrs["title"] = "Trajectory of a Wasserstein gradient flow"
    file.attrs["source"] = f"wgflow {version('wgflow')}"
    file.attrs["wgflow_version"] = version("wgflow")
    file.attrs["schema_version"] = SCHEMA_VERSION
    file.attrs["status"] = RUNNING
    file.attrs["domain"] = domain_attribute(domain)
    file.attrs.update(attributes)


def _define_dimensions(file: h5py.File, domain: Domain | None, first: Snapshot, sign: FloatArray | None) -> None:
    file.create_dataset("time", shape=(0,), maxshape=(None,), dtype="f8", chunks=(512,), fletcher32=True)
    _describe(file["time"], "time of the flow", "1")
    file["time"].attrs["axis"] = "T"
    file["time"].make_scale("time")
    if domain is not None and "density" in first.fields:
        for axis in domain.coordinates:
            _define_scale(file, axis.name, axis.values, axis.long_name, axis.units)
        names = [axis.name for axis in domain.coordinates]
        file.create_dataset("cell_volume", data=domain.volumes)
        _describe(file["cell_volume"], "volume of each cell", "1")
        _attach(file, "cell_volume", names)
    if "position" in first.fields:
        count, components = first.fields["position"].shape
        _define_scale(file, "particle", np.arange(count), "number of the particle", "1")
        _define_scale(file, "component", np.arange(components), "Cartesian component", "1")
    if sign is not None:
        file.create_dataset("particle_sign", data=sign)
        _describe(file["particle_sign"], "sign of the output weight", "1")
        _attach(file, "particle_sign", ["particle"])


def _define_scale(file: h5py.File, name: str, values: Any, long_name: str, units: str) -> None:
    file.create_dataset(name, data=values)
    _describe(file[name], long_name, units)
    file[name].make_scale(name)


def _dimensions(name: str, domain: Domain | None) -> tuple[str, ...]:
    if FIELDS[name].dimensions != GRID:
        return FIELDS[name].dimensions
    return tuple(axis.name for axis in domain.coordinates) if domain is not None else ()


def _define_variable(file: h5py.File, name: str, dimensions: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """One chunk per snapshot, compressed, with a checksum; scalars 512 to a chunk."""
    chunks = (1, *shape) if shape else (512,)
    file.create_dataset(
        name,
        shape=(0, *shape),
        maxshape=(None, *shape),
        dtype="f8",
        chunks=chunks,
        shuffle=True,
        compression="gzip",
        compression_opts=1,
        fletcher32=True,
    )
    _describe(file[name], {**SCALARS, **FIELDS}[name].long_name, "1")
    _attach(file, name, ["time", *dimensions])


def _describe(variable: h5py.Dataset, long_name: str, units: str) -> None:
    variable.attrs["long_name"] = long_name
    variable.attrs["units"] = units


def _attach(file: h5py.File, name: str, dimensions: list[str]) -> None:
    for axis, dimension in enumerate(dimensions):
        file[name].dims[axis].attach_scale(file[dimension])


def _append(variable: h5py.Dataset, count: int, value: Any) -> None:
    variable.resize(count + 1, axis=0)
    variable[count] = value
