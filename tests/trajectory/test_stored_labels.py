"""What outputs are comes from the solver, through files, into plots and tables."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure

import wgflow
from wgflow import Box, Circle, Features, Potential, Quadratic, Relu, Signed
from wgflow.app.console import describe
from wgflow.flows.labels import ENERGY_LABELS, FLOW_LABELS, NORMALISED_LABELS, Label
from wgflow.plotting.scalars import draw_mass, draw_risk, energy_curve_of
from wgflow.trajectory.stored_labels import FORMER_LONG_NAMES, stored_labels


def uniform(points):
    return np.ones(points.shape[:-1])


def classifier(**options):
    risk = Features(Relu(np.array([[1.0, 0.5], [0.2, -1.0]])), np.array([1.0, -1.0]), loss="softmin")
    return wgflow.solve_normalised(risk, Signed(Circle(8)), uniform, 1.0, times=[1.0], **options)


def energy(**options):
    bowl = Potential(lambda x: 0.5 * x[..., 0] ** 2)
    return wgflow.solve(bowl, Box([(-1.0, 1.0)], 8), uniform, 0.1, times=[0.1], **options)


def network(**options):
    return wgflow.solve(Quadratic(np.eye(2)), Circle(8), uniform, 0.1, times=[0.1], **options)


RUNS = {
    "classifier": (classifier, NORMALISED_LABELS),
    "energy": (energy, ENERGY_LABELS),
    "risk": (network, FLOW_LABELS),
}


@pytest.mark.parametrize("name", RUNS)
def test_files_hold_the_labels_of_their_solver(name, tmp_path):
    run, labels = RUNS[name]
    file = tmp_path / "flow.h5"
    assert run(output=file).labels == labels
    assert wgflow.load(file).labels == labels
    with h5py.File(file) as content:
        for output in ("time", "energy", "risk", "mass", "min_potential", "step_size"):
            assert dict(content[output].attrs)["long_name"] == labels.of(output).long_name
            assert content[f"steps/{output}"].attrs["long_name"].startswith(labels.of(output).long_name)
            assert content[output].attrs["units"] == "1"


@pytest.mark.parametrize(
    ("name", "risk", "mass", "time"),
    [
        ("classifier", "minus the smoothed margin of the normalised measure", "which is 1", "rescaled time"),
        ("energy", "functional F, entropies and regularisation left out", "total mass", "time of the flow"),
        ("risk", "risk R, regularisation left out", "total mass", "time of the flow"),
    ],
)
def test_labels_say_what_a_run_holds(name, risk, mass, time):
    trajectory = RUNS[name][0]()
    found = [trajectory.labels.risk.long_name, trajectory.labels.mass.long_name, trajectory.labels.time.long_name]
    assert [part in whole for part, whole in zip((risk, mass, time), found, strict=True)] == [True] * 3, found


def test_files_of_earlier_versions_have_the_labels_of_their_solver():
    def former(name):
        return FORMER_LONG_NAMES[name], "1"

    assert stored_labels("normalised", former) == NORMALISED_LABELS
    assert stored_labels(None, former) == FLOW_LABELS
    assert stored_labels("finite_volume", lambda _: ("", "")) == FLOW_LABELS


def test_labels_that_are_not_known_are_shown_as_the_file_has_them():
    found = stored_labels("sorcery", lambda name: (f"strange {name}", "m"))
    assert found.mass == Label("strange mass", "strange mass", units="m")
    assert found.falling == "risk"


def test_plots_tables_and_datasets_take_the_labels_of_the_trajectory(tmp_path, capsys):
    pytest.importorskip("xarray")
    trajectory = network()
    cost = Label("costs of all kinds", "cost", "costs", r"C(\cdot)", units="J")
    trajectory = replace(
        trajectory, labels=replace(trajectory.labels, risk=cost, time=Label("clock", "clock", symbol="s"))
    )
    first, second = Figure().subplots(1, 2)
    draw_risk(first, trajectory)
    draw_mass(second, trajectory)
    assert (first.get_ylabel(), second.get_xlabel()) == (r"cost $C(\nu_t)$", "clock $s$")
    assert energy_curve_of(trajectory).title == "Cost"
    describe(trajectory, tmp_path)
    printed = capsys.readouterr().out
    assert "clock" in printed
    assert "costs" in printed
    assert trajectory.to_xarray()["risk"].attrs == {"long_name": "costs of all kinds", "units": "J"}
