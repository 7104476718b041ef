"""The cells of a sphere as a UGRID mesh: corners, faces and centres that mesh viewers know.

References
----------
UGRID Conventions 1.0, https://ugrid-conventions.github.io/ugrid-conventions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import h5py
import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Domain, HalfSphere, Sphere
from wgflow.domains.mesh import DEGREE, SurfaceMesh
from wgflow.domains.sphere import longitude_latitude, tangent_frames
from wgflow.trajectory.dimensions import define_bare_dimension
from wgflow.typing import FloatArray, IntArray

MESH, NODES, CORNERS = "mesh", "node", "corner"  # names of the topology and of its two dimensions
CONNECTIVITY = "face_nodes"
PLACES = {"node": "corner of cells", "cell": "cell centre"}
ANGLES = {"lon": ("longitude", "degrees_east"), "lat": ("latitude", "degrees_north")}
_AT_ONCE = 100_000  # corners of cells: bounds the memory
NO_CORNER = -1  # the sixth corner of the twelve pentagons

TOPOLOGY: Mapping[str, str] = {
    "cf_role": "mesh_topology",
    "long_name": "Voronoi cells of the unit sphere",
    "node_coordinates": "node_lon node_lat",
    "face_coordinates": "cell_lon cell_lat",
    "face_node_connectivity": CONNECTIVITY,
    "face_dimension": "cell",
}


IS_GLOBE = DomainTable("a mesh in longitude and latitude", {Sphere: True, HalfSphere: True, object: False})
"""Whether the cells of a domain are described by longitude and latitude."""


def sphere_of(domain: Domain | None) -> Sphere | None:
    """Give the sphere under a domain, or None where there is none."""
    return cast("Sphere", domain.base) if domain is not None and IS_GLOBE.on(domain) else None


def in_degrees(points: FloatArray) -> FloatArray:
    """Longitude in (-180, 180] and latitude in [-90, 90], in degrees, of unit vectors (N, 3), shape (2, N)."""
    return np.degrees(longitude_latitude(points).T)


def face_nodes(mesh: SurfaceMesh) -> IntArray:
    """Corners of each cell, counter-clockwise seen from outside.

    Parameters
    ----------
    mesh : SurfaceMesh
        N cells.

    Returns
    -------
    array, shape (N, 6)
        Indices into ``mesh.vertices``; pentagons end in ``NO_CORNER``.
    """
    count, corners = len(mesh.points), len(mesh.vertices)
    ends = (mesh.edges[:, :, None] * corners + mesh.edge_vertices[:, None, :]).ravel()
    cell, vertex = np.divmod(np.unique(ends), corners)  # each corner of a cell ends two of its faces
    angle = np.empty(len(cell))
    for begin in range(0, len(cell), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        seen = np.einsum("ki,kai->ka", mesh.vertices[vertex[part]], tangent_frames(mesh.points[cell[part]]))
        angle[part] = np.arctan2(seen[:, 1], seen[:, 0])
    order = np.lexsort((angle, cell))
    sides = np.bincount(cell, minlength=count)
    place = np.arange(cell.size) - np.repeat(np.cumsum(sides) - sides, sides)
    nodes = np.full((count, DEGREE), NO_CORNER, dtype=np.int64)
    nodes[cell, place] = vertex[order]
    return nodes


def describe_angle(place: str, angle: str) -> dict[str, str]:
    """CF attributes of ``lon`` or ``lat`` of each ``node`` or ``cell``."""
    name, units = ANGLES[angle]
    return {"standard_name": name, "long_name": f"{name} of each {PLACES[place]}", "units": units}


def mesh_arrays(domain: Domain | None) -> dict[str, FloatArray]:
    """Arrays of the mesh of a sphere by the names that they have in files; none on other domains."""
    sphere = sphere_of(domain)
    if sphere is None:
        return {}
    arrays: dict[str, FloatArray] = {}
    for name, points in (("node", sphere.mesh.vertices), ("cell", sphere.points)):
        arrays[f"{name}_lon"], arrays[f"{name}_lat"] = in_degrees(points)
    return {**arrays, CONNECTIVITY: face_nodes(sphere.mesh).astype(np.int32)}


def define_mesh(file: h5py.File, arrays: Mapping[str, FloatArray]) -> None:
    """Write what `mesh_arrays` gave; the dimension ``cell`` is there already."""
    define_bare_dimension(file, NODES, len(arrays["node_lon"]))
    define_bare_dimension(file, CORNERS, DEGREE)
    for place, short in ((place, short) for place in PLACES for short in ANGLES):
        _define(file, f"{place}_{short}", arrays[f"{place}_{short}"], (place,), describe_angle(place, short))
    described = {"cf_role": "face_node_connectivity", "long_name": "corners of each cell, counter-clockwise"}
    _define(file, CONNECTIVITY, arrays[CONNECTIVITY], ("cell", CORNERS), described)
    file[CONNECTIVITY].attrs["start_index"] = np.int32(0)
    file[CONNECTIVITY].attrs["_FillValue"] = np.array([NO_CORNER], dtype=np.int32)
    file.attrs["Conventions"] = f"{file.attrs['Conventions']} UGRID-1.0"
    mesh = file.create_dataset(MESH, data=np.int32(0))
    mesh.attrs.update(TOPOLOGY)
    mesh.attrs["topology_dimension"] = np.int32(2)


def place_on_mesh(variable: h5py.Dataset) -> None:
    """Note that a variable has one value for each face of the mesh."""
    variable.attrs.update({"mesh": MESH, "location": "face", "coordinates": TOPOLOGY["face_coordinates"]})


def _define(
    file: h5py.File, name: str, values: FloatArray, dimensions: tuple[str, ...], attributes: Mapping[str, str]
) -> None:
    fill = NO_CORNER if name == CONNECTIVITY else None
    variable = file.create_dataset(name, data=values, compression="gzip", shuffle=True, fletcher32=True, fillvalue=fill)
    variable.attrs.update(attributes)
    for axis, dimension in enumerate(dimensions):
        variable.dims[axis].attach_scale(file[dimension])
