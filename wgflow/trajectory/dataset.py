"""A trajectory as a labelled dataset of xarray."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wgflow.errors import MissingExtraError
from wgflow.trajectory.schema import ERRORS, FIELDS, GRID, QUANTITIES
from wgflow.trajectory.ugrid import ANGLES, describe_angle, in_degrees, sphere_of

if TYPE_CHECKING:
    import xarray

    from wgflow.trajectory.trajectory import Trajectory


def as_dataset(trajectory: Trajectory) -> xarray.Dataset:
    """Scalars and fields of a trajectory with their coordinates; see `Trajectory.to_xarray`."""
    try:
        import xarray
    except ImportError:
        raise MissingExtraError("xarray", "xarray", "Trajectory.to_xarray") from None
    labels, domain = trajectory.labels, trajectory.domain
    grid = tuple(axis.name for axis in domain.coordinates) if domain is not None else ()
    variables: dict[str, Any] = {
        name: ("time", values, labels.of(name).described) for name, values in trajectory.scalars.items()
    }
    for name, values in trajectory.fields.items():
        known = FIELDS[name]
        dimensions = grid if known.dimensions == GRID else known.dimensions
        variables[name] = (("time", *dimensions), values, {"long_name": known.long_name})
    kept = {name: value for name, value in trajectory.attributes.items() if value is not None}
    return xarray.Dataset(variables, _coordinates(trajectory), kept)


def _coordinates(trajectory: Trajectory) -> dict[str, Any]:
    """Coordinates of the outputs, of cells and of particles."""
    coordinates: dict[str, Any] = {"time": ("time", trajectory.time, trajectory.labels.time.described)}
    if trajectory.domain is not None and "density" in trajectory.fields:
        for axis in trajectory.domain.coordinates:
            described = {"units": axis.units, "long_name": axis.long_name}
            coordinates[axis.name] = (axis.name, axis.values, described)
    sphere = sphere_of(trajectory.domain)
    if sphere is not None and "density" in trajectory.fields:
        for angle, values in zip(ANGLES, in_degrees(sphere.points), strict=True):
            coordinates[f"cell_{angle}"] = ("cell", values, describe_angle("cell", angle))
    if trajectory.sign is not None:
        coordinates["particle_sign"] = ("particle", trajectory.sign, {"long_name": "sign of each particle"})
    if ERRORS in trajectory.fields:
        coordinates["quantity"] = ("quantity", list(QUANTITIES), {"long_name": "what is estimated"})
    return coordinates
