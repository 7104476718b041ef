"""Trajectories in the formats of other programs: CSV for tables, VTK for ParaView, MAT for MATLAB and Octave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from wgflow.app.vtk_cells import CELL_WRITERS, in_space
from wgflow.domains import Domain
from wgflow.errors import ComputationError, InputError, MissingExtraError
from wgflow.measures import Particles
from wgflow.system.drafts import replacing, replacing_by_name, target_of
from wgflow.system.paths import check_target, kind_of
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

_SHEETS = ("density_plus", "density_minus")


def export(trajectory: Trajectory, path: Path, snapshot: int | None = None) -> None:
    """Write a trajectory for another program; the ending of the path chooses the format.

    Parameters
    ----------
    trajectory : Trajectory
        What to write.
    path : Path
        ``.csv``: a table of the scalars at all times, or of the state at one snapshot (coordinates and density of each
        cell, or position, weight and sign of each particle). ``.mat``: all scalars, fields and coordinates. ``.pvd``: a
        collection for ParaView, with one file for each snapshot in a folder beside it.
    snapshot : int, optional
        The only snapshot to write, -1 for the last; all by default.

    Raises
    ------
    InputError
        If the ending or the snapshot is not known.
    MissingExtraError
        If pyevtk is not installed, for ``.pvd``; it comes with the extra ``vtk``.
    ComputationError
        If the file cannot be written.
    """
    write = check_export(path)
    count = len(trajectory.time)
    if snapshot is not None and not -count <= snapshot < count:
        raise InputError(f"snapshot = {snapshot} is not allowed; the trajectory has the snapshots 0 to {count - 1}")
    try:
        write(trajectory, path, snapshot)
    except OSError as error:
        raise ComputationError(f"{path} cannot be written: {error.strerror or error}") from None


def check_export(path: Path) -> Callable[[Trajectory, Path, int | None], None]:
    """Give the writer of a format.

    Raises
    ------
    InputError
        If a path has no known ending, or no file can be written there.
    """
    check_target(path, "output", _WRITERS)
    if path.suffix.lower() == ".pvd" and kind_of(path.with_suffix(""), "output") not in {"folder", "missing"}:
        raise InputError(f"output {path} needs the folder {path.with_suffix('')}, but a file has that name; remove it")
    return _WRITERS[path.suffix.lower()]


def _write_csv(trajectory: Trajectory, path: Path, snapshot: int | None) -> None:
    if snapshot is None:
        columns = {"time": trajectory.time, **trajectory.scalars}
    elif trajectory.has_particles:
        columns = _particle_columns(trajectory.measure(snapshot))
    else:
        columns = _cell_columns(_domain_of(trajectory), trajectory.density[snapshot])
    table = np.column_stack(list(columns.values()))
    with replacing(path) as file:
        np.savetxt(file, table, fmt="%.17g", delimiter=",", header=",".join(columns), comments="")


def _particle_columns(measure: Particles) -> dict[str, FloatArray]:
    position = {f"x{axis}": values for axis, values in enumerate(measure.points.T)}
    return {**position, "weight": measure.weights, "sign": measure.signs}


def _cell_columns(domain: Domain, density: FloatArray) -> dict[str, FloatArray]:
    """Coordinates of each cell (on surfaces those of its centre), its volume and density, one row for each cell."""
    if domain.base.lattice is None:
        centres = {f"x{axis}": domain.points[..., axis].ravel() for axis in range(domain.geometry.components)}
        signs = np.repeat(domain.signs, domain.base.volumes.size)
        coordinates = {**centres, "sign": signs} if domain.sheets == 2 else centres
    else:
        names = [axis.name for axis in domain.coordinates]
        grids = np.meshgrid(*(axis.values for axis in domain.coordinates), indexing="ij")
        coordinates = {name: grid.ravel() for name, grid in zip(names, grids, strict=True)}
    return {**coordinates, "cell_volume": domain.volumes.ravel(), "density": density.ravel()}


def _write_mat(trajectory: Trajectory, path: Path, snapshot: int | None) -> None:
    from scipy.io import savemat

    chosen = slice(None) if snapshot is None else [snapshot]
    arrays: dict[str, Any] = {"time": trajectory.time[chosen]}
    arrays |= {name: values[chosen] for name, values in trajectory.scalars.items()}
    arrays |= {name: np.asarray(values)[chosen] for name, values in trajectory.fields.items()}
    if trajectory.sign is not None:
        arrays["particle_sign"] = trajectory.sign
    if trajectory.domain is not None and not trajectory.has_particles:
        arrays |= {axis.name: axis.values for axis in trajectory.domain.coordinates}
        arrays |= {"points": trajectory.domain.points, "cell_volume": trajectory.domain.volumes}
    arrays["problem"] = str(trajectory.attributes.get("problem", ""))
    with replacing(path) as file:
        savemat(cast("Any", file), arrays, do_compression=True, oned_as="column")  # its types know names alone


def _write_vtk(trajectory: Trajectory, path: Path, snapshot: int | None) -> None:
    try:
        from pyevtk.vtk import VtkGroup
    except ImportError:
        raise MissingExtraError("pyevtk", "vtk", f"export to {path.name}") from None
    with replacing_by_name(path) as draft:
        states = draft.with_suffix("")
        states.mkdir()
        collection = VtkGroup(str(states))
        chosen = range(len(trajectory.time)) if snapshot is None else [snapshot % len(trajectory.time)]
        for index in chosen:
            written = _write_state(trajectory, index, str(states / f"state_{index:05d}"))
            collection.addFile(filepath=written, sim_time=float(trajectory.time[index]))
        collection.save()
        folder = target_of(path).with_name(states.name)
        folder.mkdir(exist_ok=True)
        for state in states.iterdir():
            state.replace(folder / state.name)


def _write_state(trajectory: Trajectory, index: int, path: str) -> str:
    """Write one snapshot without the ending that VTK wants, and give the whole path."""
    from pyevtk.hl import pointsToVTK

    if trajectory.has_particles:
        measure = trajectory.measure(index)
        return str(
            pointsToVTK(path, *in_space(measure.points), data={"weight": measure.weights, "sign": measure.signs})
        )
    domain = _domain_of(trajectory)
    rows = np.asarray(trajectory.density[index]).reshape(domain.sheets, *domain.base.shape)
    names = _SHEETS if domain.sheets == 2 else ("density",)
    return CELL_WRITERS.on(domain)(path, domain.base, dict(zip(names, rows, strict=True)))


def _domain_of(trajectory: Trajectory) -> Domain:
    if trajectory.domain is None:
        raise InputError("the domain of this trajectory is not known")
    return trajectory.domain


_WRITERS: Mapping[str, Callable[[Trajectory, Path, int | None], None]] = {
    ".csv": _write_csv,
    ".mat": _write_mat,
    ".pvd": _write_vtk,
}
