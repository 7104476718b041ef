"""Trajectories in the formats of other programs, read back by other means."""

from __future__ import annotations

import builtins
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from scipy.io import loadmat

import wgflow
from wgflow import InputError, MissingExtraError
from wgflow.app.export import export

GAUSSIAN = {"kind": "gaussian", "covariance": 0.2}
SOLVER = {"solver": {"t_end": 0.1}, "output": {"snapshots": 3}}


def quadratic(size):
    return {"kind": "quadratic", "target": np.diag(1.0 / np.arange(1, size + 1)).tolist()}


RUNS = {
    "circle": {"problem": quadratic(2), "domain": {"kind": "circle", "cells": 16, "signed": True}, **SOLVER},
    "sphere": {"problem": quadratic(3), "domain": {"kind": "sphere", "cells": 42}, **SOLVER},
    "box": {
        "problem": quadratic(2),
        "domain": {"kind": "box", "bounds": [[-3.0, 3.0], [-2.0, 2.0]], "shape": [12, 8], "wall_limit": 1.0},
        "initial": GAUSSIAN,
        **SOLVER,
    },
    "particles": {
        "problem": quadratic(4),
        "domain": {"kind": "space", "dimension": 4},
        "initial": GAUSSIAN,
        "particles": {"count": 5},
        "solver": {"kind": "particles", "t_end": 0.1},
        "output": {"snapshots": 3},
    },
}


@pytest.fixture(scope="module")
def flows():
    with pytest.warns(wgflow.WallWarning):
        return {name: wgflow.run(sections) for name, sections in RUNS.items()}


def table(path):
    names = path.read_text().splitlines()[0].split(",")
    return dict(zip(names, np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2).T, strict=True))


@pytest.mark.parametrize("name", RUNS)
def test_a_table_holds_the_scalars_to_the_last_bit(flows, tmp_path, name):
    export(flows[name], tmp_path / "out.csv")
    columns = table(tmp_path / "out.csv")
    assert (columns["time"] == flows[name].time).all()
    assert (columns["risk"] == flows[name].risk).all()


def test_the_state_of_a_grid_sums_to_its_mass(flows, tmp_path):
    for name in ("circle", "sphere", "box"):
        export(flows[name], tmp_path / "state.csv", -1)
        state = table(tmp_path / "state.csv")
        assert (state["density"] * state["cell_volume"]).sum() == pytest.approx(
            flows[name].mass[-1], rel=1e-14, abs=0.0
        )
        moment = sum(state[axis] ** 2 for axis in ("x0", "x1", "x2") if axis in state)
        if name == "sphere":
            assert moment == pytest.approx(1.0, rel=1e-14, abs=0.0)
    export(flows["circle"], tmp_path / "state.csv", 0)
    state = table(tmp_path / "state.csv")
    assert (state["sign"][:16] == 1.0).all()
    assert (state["sign"][16:] == -1.0).all()
    assert state["angle"][:2] == pytest.approx([np.pi / 16, 3 * np.pi / 16], rel=1e-14, abs=0.0)


def test_the_state_of_particles_is_their_position(flows, tmp_path):
    export(flows["particles"], tmp_path / "state.csv", 1)
    state = table(tmp_path / "state.csv")
    assert (state["x3"] == flows["particles"].position[1, :, 3]).all()
    assert (state["weight"] == flows["particles"].weight[1]).all()


@pytest.mark.parametrize("name", RUNS)
def test_matlab_files_hold_every_field(flows, tmp_path, name):
    export(flows[name], tmp_path / "out.mat")
    found, trajectory = loadmat(tmp_path / "out.mat"), flows[name]
    assert (found["time"].ravel() == trajectory.time).all()
    for field, values in trajectory.fields.items():
        assert (found[field] == np.asarray(values)).all()


@pytest.mark.parametrize("name", RUNS)
def test_paraview_collections_name_a_file_for_each_time(flows, tmp_path, name):
    export(flows[name], tmp_path / "out.pvd")
    sets = ElementTree.parse(tmp_path / "out.pvd").getroot().findall(".//DataSet")
    assert [float(item.get("timestep")) for item in sets] == pytest.approx(flows[name].time, rel=1e-14, abs=0.0)
    for item in sets:
        assert (tmp_path / item.get("file")).is_file()


def test_paraview_reads_what_was_written(flows, tmp_path):
    vtk = pytest.importorskip("vtk")
    from vtk.util.numpy_support import vtk_to_numpy

    def data(path):
        reader = vtk.vtkXMLGenericDataObjectReader()
        reader.SetFileName(str(path))
        reader.Update()
        return reader.GetOutput()

    def area(polygon):
        corners = np.array([polygon.GetPoints().GetPoint(k) for k in range(polygon.GetNumberOfPoints())])
        return 0.5 * np.linalg.norm(np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0))

    for name, trajectory in flows.items():
        export(trajectory, tmp_path / f"{name}.pvd", -1)
        (file,) = (tmp_path / name).iterdir()
        found = data(file)
        if name == "particles":
            assert vtk_to_numpy(found.GetPoints().GetData()) == pytest.approx(trajectory.position[-1, :, :3])
            continue
        sizes = {"circle": lambda cell: np.sqrt(cell.GetLength2()), "sphere": area}
        size = sizes.get(name, lambda _: 0.25)  # of the cells of the box
        first_sheet = found.GetCellData().GetArray(0)
        mass = sum(first_sheet.GetValue(k) * size(found.GetCell(k)) for k in range(found.GetNumberOfCells()))
        sheet = trajectory.density[-1] * trajectory.domain.volumes
        # Flat polygons and chords are a little smaller than arcs.
        assert mass == pytest.approx(
            sheet.reshape(trajectory.domain.sheets, -1)[0].sum(), rel=0.1 if name == "sphere" else 0.01
        )


def test_what_cannot_be_exported_is_named(flows, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"the ending '.xlsx'; allowed are .csv, .mat, .pvd"):
        export(flows["box"], tmp_path / "out.xlsx")
    with pytest.raises(InputError, match="has the snapshots 0 to 2"):
        export(flows["box"], tmp_path / "out.csv", 3)
    with pytest.raises(InputError, match=r"the folder .* does not exist"):
        export(flows["box"], tmp_path / "no" / "out.csv")
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("pyevtk"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'wgflow\[vtk\]'"):
        export(flows["box"], tmp_path / "out.pvd")
