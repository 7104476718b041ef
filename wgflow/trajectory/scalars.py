"""Scalars of trajectory files without all that belongs to them: what is read of ten thousand runs at once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from wgflow.trajectory.hdf5.integrity import check_seal
from wgflow.trajectory.live_reading import read_steadily
from wgflow.trajectory.locking import open_to_read
from wgflow.trajectory.reader import check_exists, check_schema, described, read_columns, refusing_damage
from wgflow.trajectory.schema import CHECKSUM, SCALARS
from wgflow.trajectory.stored_labels import stored_labels
from wgflow.trajectory.structure import checked_columns, plain_attribute
from wgflow.trajectory.trajectory import Trajectory

ATTRIBUTES = ("status", "stop_reason", "solver")


def read_scalars(path: Path) -> Trajectory:
    """Read times and scalars of a trajectory file, and how its run ended; the file is closed again.

    That takes a quarter of the time of `wgflow.trajectory.read_trajectory`, which looks at all that a file holds.

    Returns
    -------
    Trajectory
        Without fields, steps and domain.

    Raises
    ------
    InputError
        If the file does not exist, is not a trajectory, is of a newer schema, or what is read of it is damaged.
    """
    check_exists(path)
    return read_steadily(path, lambda: _read_file(path))


def _read_file(path: Path) -> Trajectory:
    with refusing_damage(path):
        sealed = check_seal(path)
        with open_to_read(path) as file:
            check_schema(file, path, sealed=sealed)
            columns = checked_columns(file, ("time", *SCALARS, CHECKSUM))
            time, scalars = read_columns(columns, path)
            attributes = {name: plain_attribute(name, file.attrs[name]) for name in ATTRIBUTES if name in file.attrs}
            labels = stored_labels(attributes.get("solver"), partial(described, columns))
    return Trajectory(time, scalars, {}, None, attributes=attributes, labels=labels)
