"""A new trajectory file: its dimensions, coordinates, attributes and variables, before the first snapshot."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import h5py
import numpy as np

from wgflow.domains import Domain
from wgflow.flows import Snapshot
from wgflow.flows.endings import ACCUMULATED, ENDINGS, RUNNING
from wgflow.flows.labels import Labels
from wgflow.flows.steps import STEP_COLUMNS
from wgflow.trajectory.checkpoint import define_state
from wgflow.trajectory.dimensions import attach_sizes
from wgflow.trajectory.hdf5.appender import TABLE_ROWS, GrowingFile, memory_file
from wgflow.trajectory.hdf5.hdf5_bytes import PAGE, write_all
from wgflow.trajectory.hdf5.integrity import put_seal, reserve_seal
from wgflow.trajectory.hdf5.interface import AppendableFile
from wgflow.trajectory.hdf5.opening import announces_at_once, safest
from wgflow.trajectory.provenance import describe_data, describe_machine
from wgflow.trajectory.row_groups import chunk_shape
from wgflow.trajectory.schema import (
    CHECKSUM,
    ERRORS,
    FIELDS,
    GRID,
    INTERRUPTED_AT,
    QUANTITIES,
    SCALARS,
    SCHEMA_VERSION,
    SEAL,
    STEP,
    STEPS,
)
from wgflow.trajectory.ugrid import define_mesh, mesh_arrays, place_on_mesh
from wgflow.typing import FloatArray

META_BLOCK = 2**14  # headers are laid down side by side in blocks of this size
HEADER_BYTES = 400  # more than the header of a variable takes
ATTEMPTS = 64  # to get headers onto one page

SMALL_FIELD = 2**20  # bytes up to which compression costs no time to speak of
WORTHWHILE = 0.1  # compressed over plain size of larger fields that are worth the time, such as those mostly zero
SAMPLE = 2**17  # values of a field from which its compressed size is guessed

CHECKSUM_NAME = "sum of the bits of time and scalars, times odd multiples of 0x9E3779B97F4A7C15"
UNKNOWN = "; NaN where only samples of it are known"
STEP_NOTES = {"time": ", after the step", "risk": UNKNOWN, "min_potential": UNKNOWN}  # behind the names of outputs

Create = Callable[[], list[h5py.Dataset]]


def define(
    descriptor: int,
    first: Snapshot,
    domain: Domain | None,
    sign: FloatArray | None,
    attributes: Mapping[str, Any],
    data: Mapping[str, FloatArray],
    labels: Labels,
    *,
    durable: bool = False,
) -> AppendableFile:
    """Write a new file with everything but snapshots, in the oldest format of HDF5, which every program reads.

    Parameters
    ----------
    descriptor : int
        Descriptor of the file, open for reading and writing, and locked; its content is replaced.
    first : Snapshot
        A snapshot with the fields and shapes of all that follow.
    domain : Domain or None
        Gives the coordinates and cell volumes.
    sign : array, shape (m,), or None
        Sign of each particle.
    attributes : mapping
        All global attributes, see `file_attributes`.
    data : mapping of str to array
        Arrays that rebuild the functional, kept in the group ``data``.
    labels : Labels
        What the outputs of the solver are.
    durable : bool
        Whether what is announced survives a loss of power.

    Returns
    -------
    AppendableFile
        The file, open for appending.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    for skipped in range(ATTEMPTS):
        os.ftruncate(descriptor, 0)
        write_all(descriptor, _content(first, domain, sign, attributes, data, labels, skipped))
        file = GrowingFile(descriptor, durable=durable)
        if announces_at_once(file) or _is_too_large(file):
            break
    put_seal(file)
    return safest(file)


def _is_too_large(file: GrowingFile) -> bool:
    """Whether the headers of a snapshot take more than a page, wherever they begin."""
    snapshots = [variable for name, variable in file.variables.items() if not name.startswith(STEPS)]
    return sum(variable.header_size for variable in snapshots) > PAGE


def _content(
    first: Snapshot,
    domain: Domain | None,
    sign: FloatArray | None,
    attributes: Mapping[str, Any],
    data: Mapping[str, FloatArray],
    labels: Labels,
    skipped: int,
) -> bytes:
    """Bytes of the new file; the headers of its variables lie behind some that are not used."""
    # The library does not take a full disk well: it writes to memory.
    with memory_file(libver=("earliest", "latest"), meta_block_size=META_BLOCK) as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        unused = [_create_table(file, "time") for _ in range(skipped)]
        _create_variables(file, first, labels)
        del unused
        _create_steps(file, labels)
        _create_checkpoint(file)
        _define_coordinates(file, domain, first, sign)
        for name in (CHECKSUM, *SCALARS, *first.fields):
            _attach(file, name, ["time", *_dimensions(name, domain)])
        mesh = mesh_arrays(domain) if "density" in first.fields else {}
        if mesh:
            define_mesh(file, mesh)
            place_on_mesh(file["density"])
        for name, values in data.items():
            group = file.require_group("data")
            attach_sizes(group, group.create_dataset(name, data=values, **_checked(values)))
        reserve_seal(file)
        file.flush()
        return bytes(file.id.get_file_image())


def domain_attribute(domain: Domain | None) -> str:
    """Text from which `wgflow.trajectory.reader` rebuilds a domain."""
    return json.dumps({"kind": domain.kind, **domain.parameters} if domain is not None else {})


def file_attributes(
    domain: Domain | None, attributes: Mapping[str, Any], data: Mapping[str, FloatArray]
) -> dict[str, Any]:
    """All global attributes of a new file.

    Those that change come first: all of them lie in the first page, and change at once.

    Parameters
    ----------
    domain : Domain or None
        Where the measure lives.
    attributes : mapping
        Attributes beside those that every file has, and other values of some that it has; None for none.
    data : mapping of str to array
        Arrays that rebuild the functional.
    """
    changing: dict[str, Any] = {"status": RUNNING, "stop_reason": RUNNING, "problem": None, "history": ""}
    changing |= {name: np.float64(0) if "seconds" in name else np.int64(0) for name in ACCUMULATED}
    changing[INTERRUPTED_AT] = np.int64(-1)
    changing |= {name: attributes.get(name, value) for name, value in changing.items()}
    fixed = {
        "endings": list(ENDINGS),
        "Conventions": "CF-1.8",
        "title": "Trajectory of a Wasserstein gradient flow",
        "source": f"wgflow {version('wgflow')}",
        "wgflow_version": version("wgflow"),
        "schema_version": SCHEMA_VERSION,
        "domain": domain_attribute(domain),
        **describe_data(data),
        **describe_machine(),
    }
    fixed |= {name: value for name, value in attributes.items() if name not in {*changing, *fixed, SEAL}}
    return {name: value for name, value in {**changing, **fixed}.items() if value is not None}


def _create_variables(file: h5py.File, first: Snapshot, labels: Labels) -> None:
    names = ["time", CHECKSUM, *SCALARS]

    def create() -> list[h5py.Dataset]:
        tables = [_create_table(file, name) for name in names]
        return tables + [_create_field(file, values) for values in first.fields.values()]

    for name, variable in zip([*names, *first.fields], _on_one_page(create), strict=True):
        file[name] = variable
        known = labels.of(name) if name in ("time", *SCALARS) else None
        if known is not None:
            _describe(variable, known.long_name, known.units)
        else:
            _describe(variable, CHECKSUM_NAME if name == CHECKSUM else FIELDS[name].long_name, "1")
    file["time"].make_scale("time")  # no T axis of CF, which counts from a date: the time of a flow is a number


def _create_steps(file: h5py.File, labels: Labels) -> None:
    group = file.create_group(STEPS)
    names = [STEP, *STEP_COLUMNS, CHECKSUM]
    variables = _on_one_page(lambda: [_create_table(group, name) for name in names])
    for name, variable in zip(names, variables, strict=True):
        group[name] = variable
    group[STEP].make_scale(STEP)
    for name in names[1:]:
        group[name].dims[0].attach_scale(group[STEP])
    _describe(group[STEP], "number of the step", "1")  # after the scales: the library then leaves the lengths
    _describe(group[CHECKSUM], CHECKSUM_NAME, "1")
    for name in STEP_COLUMNS:
        _describe(group[name], labels.of(name).long_name + STEP_NOTES.get(name, ""), labels.of(name).units)
    for name in (*STEP_COLUMNS[1:], CHECKSUM):
        group[name].attrs["coordinates"] = "time"  # of this group, not the times of the snapshots


def _create_checkpoint(file: h5py.File) -> None:
    """Room for what a run goes on from."""
    [state] = _on_one_page(lambda: [file.create_dataset(None, shape=(0,), dtype="u1")])
    define_state(file, state)


def _on_one_page(create: Create) -> list[h5py.Dataset]:
    """Create variables without names until their headers lie on one page, if they can; others are forgotten.

    On several pages lengths would not be announced at the same instant, and `safest` lets the library write.
    """
    given_up = []
    for _ in range(ATTEMPTS):
        variables = create()
        headers = [h5py.h5o.get_info(variable.id) for variable in variables]
        places = [header.addr for header in headers]
        if min(places) // PAGE == (max(places) + HEADER_BYTES) // PAGE:
            return variables
        if sum(header.hdr.space.total for header in headers) > PAGE:
            return variables
        given_up.append(variables)
    return create()


def _create_table(group: h5py.Group, name: str) -> h5py.Dataset:
    """One number for each row, with a checksum of all columns in one of them."""
    dtype = {CHECKSUM: "<u8", STEP: "<i8"}.get(name, "<f8")
    return group.create_dataset(None, shape=(0,), maxshape=(None,), dtype=dtype, chunks=(TABLE_ROWS,))


def _create_field(file: h5py.File, values: FloatArray) -> h5py.Dataset:
    """Chunks with checksums for each snapshot, compressed where it pays; missing chunks read as NaN."""
    shape = values.shape
    packed = {"shuffle": True, "compression": "gzip", "compression_opts": 1} if _is_worth_packing(values) else {}
    return file.create_dataset(
        None,
        shape=(0, *shape),
        maxshape=(None, *shape),
        dtype="<f8",
        chunks=(1, *chunk_shape(shape)),
        fletcher32=True,
        fillvalue=np.nan,
        **packed,
    )


def _is_worth_packing(values: FloatArray) -> bool:
    if values.nbytes <= SMALL_FIELD:
        return True
    if chunk_shape(values.shape) != values.shape:
        return False
    start = max(0, (values.size - SAMPLE) // 2)
    sample = values.reshape(-1)[start : start + SAMPLE]
    with memory_file() as file:
        stored = file.create_dataset(
            "sample", data=sample, chunks=sample.shape, shuffle=True, compression="gzip", compression_opts=1
        )
        return bool(stored.id.get_storage_size() < WORTHWHILE * sample.nbytes)


def _define_coordinates(file: h5py.File, domain: Domain | None, first: Snapshot, sign: FloatArray | None) -> None:
    if domain is not None and "density" in first.fields:
        for axis in domain.coordinates:
            _define_scale(file, axis.name, axis.values, axis.long_name, axis.units)
        names = [axis.name for axis in domain.coordinates]
        file.create_dataset("cell_volume", data=domain.volumes, **_checked(domain.volumes))
        _describe(file["cell_volume"], "volume of each cell", "1")
        _attach(file, "cell_volume", names)
    if "position" in first.fields:
        count, components = first.fields["position"].shape
        _define_scale(file, "particle", np.arange(count), "number of the particle", "1")
        _define_scale(file, "component", np.arange(components), "Cartesian component", "1")
    if "multipliers" in first.fields:
        _define_scale(file, "datum", np.arange(first.fields["multipliers"].size), "number of the datum", "1")
    if ERRORS in first.fields:
        _define_scale(file, "quantity", np.arange(len(QUANTITIES)), "what is estimated", "1")
        file["quantity"].attrs["flag_values"] = np.arange(len(QUANTITIES))
        file["quantity"].attrs["flag_meanings"] = " ".join(QUANTITIES)
    if sign is not None:
        file.create_dataset("particle_sign", data=sign, **_checked(sign))
        _describe(file["particle_sign"], "sign of the output weight", "1")
        _attach(file, "particle_sign", ["particle"])


def _define_scale(file: h5py.File, name: str, values: Any, long_name: str, units: str) -> None:
    file.create_dataset(name, data=values, **_checked(values))
    _describe(file[name], long_name, units)
    file[name].make_scale(name)


def _checked(values: Any) -> dict[str, bool]:
    """Options that give an array checksums; numbers and empty arrays have no chunks to check."""
    return {"fletcher32": True} if np.size(values) > 0 and np.ndim(values) > 0 else {}


def _dimensions(name: str, domain: Domain | None) -> tuple[str, ...]:
    dimensions = FIELDS[name].dimensions if name in FIELDS else ()
    if dimensions != GRID:
        return dimensions
    return tuple(axis.name for axis in domain.coordinates) if domain is not None else ()


def _describe(variable: h5py.Dataset, long_name: str, units: str) -> None:
    variable.attrs["long_name"] = long_name
    variable.attrs["units"] = units


def _attach(file: h5py.File, name: str, dimensions: list[str]) -> None:
    for axis, dimension in enumerate(dimensions):
        file[name].dims[axis].attach_scale(file[dimension])
