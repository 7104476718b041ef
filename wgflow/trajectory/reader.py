"""Reading trajectory files."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from wgflow.domains import Domain, make_domain
from wgflow.errors import InputError
from wgflow.flows.steps import STEP_COLUMNS
from wgflow.system.paths import kind_of
from wgflow.text import named, shown
from wgflow.trajectory.dimensions import stored_data
from wgflow.trajectory.hdf5.integrity import check_seal
from wgflow.trajectory.lazy_field import StoredField
from wgflow.trajectory.live_reading import read_steadily
from wgflow.trajectory.locking import open_to_read
from wgflow.trajectory.schema import CHECKSUM, FIELDS, INTERNAL, SCALARS, SCHEMA_VERSION, STEPS, row_checksums
from wgflow.trajectory.shapes import check_kinds, check_shapes
from wgflow.trajectory.stored_labels import stored_labels
from wgflow.trajectory.structure import check_structure, plain_attribute
from wgflow.trajectory.trajectory import Trajectory
from wgflow.typing import FloatArray

CELL_TOLERANCE = 1e-9  # of cell volumes: round-off differs between machines, another order by far more
LONGEST_REASON = 200  # characters
FIRST_SEALED = 2  # schema version

PROBLEM_SUFFIX = ".toml"

# What damaged bytes make the libraries raise.
DAMAGE = (
    OSError,
    LookupError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


def read_trajectory(path: Path) -> tuple[Trajectory, dict[str, FloatArray]]:
    """Read a trajectory file and the data arrays that belong to its problem.

    Scalars and steps are read and compared with their checksums; fields are read when they are used. The file may be
    one that a run is still writing, or that a killed process left.

    Raises
    ------
    InputError
        If the file does not exist, is not a trajectory, is damaged, or is of a newer schema.
    """
    check_exists(path, f"; `wgflow run PROBLEM.toml -o {path}` writes one")
    return read_steadily(path, lambda: _read_file(path))


def check_exists(path: Path, advice: str = "") -> None:
    """Raise InputError unless a path is that of a file."""
    kind = kind_of(path, "trajectory")
    if kind == "missing":
        raise InputError(f"trajectory {path} does not exist{advice}")
    if kind != "file":
        raise InputError(f"trajectory {path} is no regular file")


def _read_file(path: Path) -> tuple[Trajectory, dict[str, FloatArray]]:
    with refusing_damage(path):
        sealed = check_seal(path)
        with open_to_read(path) as file:
            check_schema(file, path, sealed=sealed)
            check_structure(file, path)
            return _read(file, path)


@contextmanager
def refusing_damage(path: Path) -> Iterator[None]:
    """Raise InputError that names a file where reading it goes wrong."""
    try:
        yield
    except BlockingIOError:
        raise InputError(f"{path} is open for writing in another program; wait for it") from None
    except InputError as error:
        raise InputError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
    except DAMAGE as error:
        if path.suffix == PROBLEM_SUFFIX:
            raise InputError(f"{path} is a problem file, no trajectory; `wgflow run {path}` writes one") from None
        raise InputError(f"{path} is not a readable trajectory file ({reason(error)})") from None


def reason(error: Exception) -> str:
    """What went wrong in a library that met damaged bytes, in one line."""
    return named(str(error) or type(error).__name__, LONGEST_REASON)


def check_schema(file: h5py.File, path: Path, *, sealed: bool) -> None:
    """Raise InputError unless a file is a trajectory of a known schema, and has a seal if it must have one."""
    if "schema_version" not in file.attrs or "time" not in file.keys():  # noqa: SIM118 - `in file` follows links
        raise InputError(f"{path} is an HDF5 file, but not a trajectory written by wgflow")
    number = file.attrs.get_id("schema_version")
    if number.shape != () or number.get_type().get_class() != h5py.h5t.INTEGER:
        raise InputError(f"{path} has a schema version that is no whole number")
    schema = int(file.attrs["schema_version"])
    if schema > SCHEMA_VERSION:
        raise InputError(
            f"{path} has the schema version {schema}; this wgflow reads up to {SCHEMA_VERSION}: install a newer one"
        )
    if schema >= FIRST_SEALED and not sealed:
        raise InputError(f"{path} is damaged: it has lost its seal")


def read_columns(file: Mapping[str, h5py.Dataset], path: Path) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Times and scalars of all snapshots; raises InputError or ValueError where they are none, short or damaged."""
    time = file["time"][:]
    if time.size == 0:
        raise InputError(f"{path} holds no snapshot yet")
    check_increasing(time)
    _expect_rows(file, SCALARS, time.size)
    scalars = {name: file[name][: time.size] for name in SCALARS}
    if CHECKSUM in file:
        check_rows([time, *scalars.values()], file[CHECKSUM][: time.size], "snapshots")
    return time, scalars


def _expect_rows(file: Mapping[str, h5py.Dataset], names: Iterable[str], rows: int) -> None:
    short = [name for name in names if name in file and len(file[name]) < rows]
    if short:
        raise InputError(f"{short[0]} has {len(file[short[0]])} rows, fewer than the {rows} of time")


def _read(file: h5py.File, path: Path) -> tuple[Trajectory, dict[str, FloatArray]]:
    time, scalars = read_columns(file, path)
    _expect_rows(file, FIELDS, time.size)
    rows = range(time.size)
    fields = {name: StoredField(path, f"/{name}", file[name].shape[1:], rows) for name in FIELDS if name in file}
    sign = file["particle_sign"][:] if "particle_sign" in file else None
    # Names first: what iterates over pairs holds the library's lock, for good where a value is refused.
    attributes = {name: plain_attribute(name, file.attrs[name]) for name in list(file.attrs)}
    check_kinds(attributes)
    domain = _rebuild_domain(attributes.get("domain", "{}"))
    check_shapes(fields, sign, domain)
    _check_cells(file, domain)
    data = stored_data(file)
    trajectory = Trajectory(
        time,
        scalars,
        fields,  # type: ignore[arg-type]  # they behave like the arrays that they hold
        domain,
        sign,
        attributes={name: value for name, value in attributes.items() if name not in INTERNAL},
        steps=read_steps(file),
        labels=stored_labels(attributes.get("solver"), partial(described, file)),
    )
    return trajectory, data


def described(file: Mapping[str, h5py.Dataset], name: str) -> tuple[str, str]:
    """Long name and units of a variable, which may be damaged where nobody looks; empty where they are no texts."""
    texts = []
    for attribute in ("long_name", "units"):
        value = file[name].attrs.get(attribute, "")
        texts.append(str(plain_attribute(attribute, value)) if isinstance(value, str | bytes) else "")
    return texts[0], texts[1]


def check_increasing(time: FloatArray) -> None:
    """Raise ValueError unless times are finite and increase."""
    if not np.isfinite(time).all():
        raise ValueError("a time is not finite")
    if not (np.diff(time) > 0.0).all():
        raise ValueError("times do not increase")


def read_steps(file: h5py.File) -> dict[str, FloatArray]:
    """Table of steps by column, each of shape (n,); raises ValueError where its checksums do not fit."""
    if STEPS not in file:
        return {name: np.empty(0) for name in STEP_COLUMNS}
    columns = {name: file[STEPS][name][:] for name in STEP_COLUMNS}
    check_rows(list(columns.values()), file[STEPS][CHECKSUM][:], STEPS)
    return columns


def check_rows(columns: list[FloatArray], checksums: FloatArray, what: str) -> None:
    """Raise ValueError naming the first row of a table that differs from its checksum."""
    if len({len(column) for column in (*columns, checksums)}) > 1:
        raise ValueError(f"columns of {what} have different lengths")
    wrong = np.flatnonzero(row_checksums(columns) != checksums)
    if wrong.size > 0:
        raise ValueError(f"the scalars of {what} are damaged, first those of number {wrong[0]}")


def _check_cells(file: h5py.File, domain: Domain | None) -> None:
    """Raise InputError where a surface is cut in another way, or its cells have another order, than it has today."""
    base = None if domain is None else domain.base
    if base is None or not base.has_cells or base.lattice is not None or "cell_volume" not in file:
        return
    volumes = np.atleast_2d(file["cell_volume"][:])[0]
    if volumes.shape != base.shape or not np.allclose(volumes, base.volumes, rtol=CELL_TOLERANCE, atol=0.0):
        raise InputError(
            f"its cells of the {base.kind} are not those of this version (it was written by "
            f"{file.attrs.get('source')}); run the problem again"
        )


def _rebuild_domain(text: str) -> Domain | None:
    """Domain of an attribute, None where it names none; raises InputError where it cannot be read."""
    try:
        parameters = json.loads(text)
        return make_domain(**parameters) if parameters else None
    except InputError as error:
        raise InputError(f"the attribute domain is damaged: {error}") from None
    except DAMAGE as error:
        raise InputError(f"the attribute domain = {shown(text)} is damaged ({reason(error)})") from None
