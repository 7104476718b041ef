"""The mesh of a sphere in a trajectory file: corners in order, areas, names, and readers without wgflow."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from tests.trajectory.files import reseal
from wgflow import Box, InputError, Quadratic, Signed, Sphere, load, solve
from wgflow.domains.icosphere import triangle_areas
from wgflow.trajectory.ugrid import NO_CORNER, face_nodes, in_degrees

CELLS = 162


@pytest.fixture(scope="module", params=[False, True], ids=["sphere", "signed"])
def file(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("mesh") / "flow.h5"
    domain = Signed(Sphere(CELLS)) if request.param else Sphere(CELLS)
    solve(Quadratic(0.3 * np.eye(3)), domain, np.ones(domain.shape), 0.1, times=[0.05], output=path)
    return path


def unit_vectors(longitude, latitude):
    east, north = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def test_corners_run_counter_clockwise_around_their_centre():
    mesh = Sphere(CELLS).mesh
    nodes = face_nodes(mesh)
    sides = (nodes != NO_CORNER).sum(axis=1)
    assert sorted(sides) == [5] * 12 + [6] * (CELLS - 12)
    assert np.bincount(nodes[nodes != NO_CORNER]).tolist() == [3] * len(mesh.vertices)
    for cell, count in enumerate(sides):
        assert (nodes[cell, count:] == NO_CORNER).all()
        corners = mesh.vertices[nodes[cell, :count]]
        following = np.roll(corners, -1, axis=0)
        turns = np.cross(corners - mesh.points[cell], following - mesh.points[cell]) @ mesh.points[cell]
        assert turns.min() > 0.0
        area = triangle_areas(mesh.points[cell], corners, following).sum()
        assert area == pytest.approx(mesh.volumes[cell], rel=1e-14, abs=0.0)


def test_neighbouring_corners_are_the_ends_of_a_face():
    mesh = Sphere(42).mesh
    nodes = face_nodes(mesh)
    faces = {tuple(sorted(ends)) for ends in mesh.edge_vertices.tolist()}
    for row in nodes:
        corners = row[row != NO_CORNER].tolist()
        assert {tuple(sorted(pair)) for pair in zip(corners, corners[1:] + corners[:1], strict=True)} <= faces


def test_longitude_and_latitude_in_degrees():
    points = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [0.6, 0.0, -0.8]])
    longitude, latitude = in_degrees(points)
    np.testing.assert_allclose(longitude, [0.0, 90.0, -90.0, 0.0, 0.0], rtol=1e-14)
    np.testing.assert_allclose(latitude, [0.0, 0.0, 0.0, 90.0, -np.degrees(np.arcsin(0.8))], rtol=1e-14)


def test_topology_follows_the_conventions(file):
    mesh = Sphere(CELLS).mesh
    with h5py.File(file) as content:
        assert text(content.attrs["Conventions"]) == "CF-1.8 UGRID-1.0"
        topology = {name: text(value) for name, value in content["mesh"].attrs.items()}
        assert (topology["cf_role"], topology["topology_dimension"]) == ("mesh_topology", 2)
        nodes = unit_vectors(*(content[name][:] for name in topology["node_coordinates"].split()))
        centres = unit_vectors(*(content[name][:] for name in topology["face_coordinates"].split()))
        np.testing.assert_allclose(nodes, mesh.vertices, rtol=0.0, atol=1e-14)
        np.testing.assert_allclose(centres, mesh.points, rtol=0.0, atol=1e-14)
        connectivity = content[topology["face_node_connectivity"]]
        np.testing.assert_array_equal(connectivity[:], face_nodes(mesh))
        assert connectivity.dtype == np.int32
        assert (connectivity.attrs["start_index"], connectivity.attrs["_FillValue"]) == (0, NO_CORNER)
        assert connectivity.dims[0][0].name == f"/{topology['face_dimension']}"
        density = {name: text(value) for name, value in content["density"].attrs.items()}
        assert (density["mesh"], density["location"]) == ("mesh", "face")


def test_xarray_reads_the_mesh_and_the_coordinates(file):
    xarray = pytest.importorskip("xarray")
    trajectory = load(file)
    with xarray.open_dataset(file, engine="h5netcdf") as dataset:
        assert dataset.sizes["corner"] == 6
        assert dataset.sizes["node"] == 2 * (CELLS - 2)
        assert np.isnan(dataset["face_nodes"]).sum() == 12  # the fill value of the pentagons
        np.testing.assert_allclose(dataset["density"], trajectory.density, rtol=1e-14)
        labelled = trajectory.to_xarray()
        for name in ("cell_lon", "cell_lat"):
            assert name in dataset["density"].coords
            np.testing.assert_array_equal(labelled["density"].coords[name], dataset[name])
            assert labelled[name].attrs["units"] == dataset[name].attrs["units"]
    north = labelled["density"].isel(time=-1).where(labelled["cell_lat"] > 0.0)
    assert int(north.count()) > 0


def test_the_netcdf_library_reads_the_mesh(file):
    netcdf = pytest.importorskip("netCDF4")
    with netcdf.Dataset(file) as dataset:
        assert dataset.variables["face_nodes"].dimensions == ("cell", "corner")
        assert dataset.variables["node_lon"].dimensions == ("node",)
        assert {"node", "corner"}.isdisjoint(dataset.variables)
        assert np.ma.count_masked(dataset.variables["face_nodes"][:]) == 12
        assert dataset.variables["density"].mesh == "mesh"


def test_other_domains_have_no_mesh(tmp_path):
    box = Box([(-1.0, 1.0)] * 2, (6, 6))
    trajectory = solve(Quadratic(0.1 * np.eye(2)), box, np.ones((6, 6)), 0.1, times=[0.1], output=tmp_path / "box.h5")
    with h5py.File(tmp_path / "box.h5") as content:
        assert "mesh" not in content
        assert text(content.attrs["Conventions"]) == "CF-1.8"
    assert "cell_lon" not in trajectory.to_xarray().coords


def test_files_with_cells_in_another_order_are_not_misread(file, tmp_path):
    other = tmp_path / "other.h5"
    other.write_bytes(file.read_bytes())
    with h5py.File(other, "r+") as content:
        content["cell_volume"][...] = content["cell_volume"][...][..., ::-1]
    reseal(other)
    with pytest.raises(InputError, match=r"other\.h5: its cells of the sphere are not those of this version"):
        load(other)
