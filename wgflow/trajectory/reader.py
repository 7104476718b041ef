"""Reading trajectory files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from wgflow.domains import Domain, make_domain
from wgflow.errors import InputError
from wgflow.trajectory.schema import FIELDS, SCALARS, SCHEMA_VERSION
from wgflow.trajectory.trajectory import Trajectory
from wgflow.trajectory.ugrid import sphere_of
from wgflow.typing import FloatArray

CELL_TOLERANCE = 1e-9  # of cell volumes: round-off differs between machines, another order by far more


def read_trajectory(path: Path) -> tuple[Trajectory, dict[str, FloatArray]]:
    """Read a trajectory file and the data arrays that belong to its problem.

    Snapshots that a killed process left incomplete are dropped: ``time`` is written last.

    Raises
    ------
    InputError
        If the file does not exist, is not a trajectory, is damaged, or is of a newer schema.
    """
    if not path.is_file():
        raise InputError(f"trajectory {path} does not exist; `wgflow run PROBLEM.toml -o {path}` writes one")
    try:
        with h5py.File(path, "r") as file:
            return _read(file, path)
    except BlockingIOError:
        raise InputError(f"{path} is being written by a run; wait for it, or interrupt it with Ctrl-C") from None
    except InputError as error:
        raise InputError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise InputError(f"{path} is not a readable trajectory file ({error})") from None


def _read(file: h5py.File, path: Path) -> tuple[Trajectory, dict[str, FloatArray]]:
    if "schema_version" not in file.attrs or "time" not in file:
        raise InputError(f"{path} is an HDF5 file, but not a trajectory written by wgflow")
    if int(file.attrs["schema_version"]) > SCHEMA_VERSION:
        raise InputError(
            f"{path} has the schema version {file.attrs['schema_version']}; this wgflow reads up to "
            f"{SCHEMA_VERSION}: install a newer one"
        )
    time = file["time"][:]
    if time.size == 0:
        raise InputError(f"{path} holds no snapshot yet")
    scalars = {name: file[name][: time.size] for name in SCALARS}
    fields = {name: file[name][: time.size] for name in FIELDS if name in file}
    sign = file["particle_sign"][:] if "particle_sign" in file else None
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    domain = _rebuild_domain(attributes.get("domain", "{}"))
    _check_cells(file, domain)
    data = {name: values[:] for name, values in file["data"].items()} if "data" in file else {}
    trajectory = Trajectory(time, scalars, fields, domain, sign, attributes=attributes)
    return trajectory, data


def _check_cells(file: h5py.File, domain: Domain | None) -> None:
    """Raise InputError where a sphere is cut in another way, or its cells have another order, than they have today."""
    sphere = sphere_of(domain)
    if sphere is None or "cell_volume" not in file:
        return
    volumes = np.atleast_2d(file["cell_volume"][:])[0]
    if volumes.shape != sphere.shape or not np.allclose(volumes, sphere.volumes, rtol=CELL_TOLERANCE, atol=0.0):
        raise InputError(
            f"its cells of the sphere are not those of this version (it was written by {file.attrs.get('source')}); "
            "run the problem again"
        )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _rebuild_domain(text: str) -> Domain | None:
    parameters = json.loads(text)
    return make_domain(**parameters) if parameters else None
