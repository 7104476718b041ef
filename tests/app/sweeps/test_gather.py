"""The dataset of a sweep: places, padding, last snapshots, and its file."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
import xarray

import wgflow
from wgflow.app.sweeps import Outcome, make_plan
from wgflow.app.sweeps.api import read_outcomes
from wgflow.app.sweeps.gather import gather, times_of, write_dataset
from wgflow.errors import ComputationError, FlowWarning


def outcome(index, time, risk, status="complete", *, reached_end=True):
    scalars = {"risk": np.array(risk), "mass": np.array(risk) + 10.0}
    return Outcome(index, status, "", reached_end, np.array(time), scalars)


@pytest.fixture
def dataset(problem):
    plan = make_plan(problem, {"finite_volume.limiter": ["mc", "minmod"], "particles.count": [2, 3]})
    outcomes = [
        outcome(0, [0.0, 1.0, 2.0], [5.0, 4.0, 3.0]),
        outcome(1, [0.0, 1.0, 1.25], [6.0, 5.0, 4.5], reached_end=False),  # stopped between output times
        Outcome(3, "failed", "it broke"),
    ]
    return gather(plan, {o.index: o for o in outcomes})


def test_values_stand_at_their_places(dataset):
    assert dataset["risk"].dims == ("finite_volume.limiter", "particles.count", "time")
    assert dataset["time"].values.tolist() == [0.0, 1.0, 2.0]
    nan = np.nan
    expected = [[[5.0, 4.0, 3.0], [6.0, 5.0, nan]], [[nan] * 3, [nan] * 3]]
    np.testing.assert_array_equal(dataset["risk"], expected)
    np.testing.assert_array_equal(dataset["mass"], np.array(expected) + 10.0)
    np.testing.assert_array_equal(dataset["final_risk"], [[3.0, 4.5], [nan, nan]])
    np.testing.assert_array_equal(dataset["final_time"], [[2.0, 1.25], [nan, nan]])
    assert dataset["status"].values.tolist() == [["complete", "complete"], ["missing", "failed"]]
    assert dataset["message"].values.tolist() == [["", ""], ["", "it broke"]]
    chosen = dataset.sel({"finite_volume.limiter": "mc", "particles.count": 3})
    assert chosen["final_mass"] == 14.5


def test_runs_with_other_times_stand_at_theirs(problem):
    plan = make_plan(problem, {"solver.t_end": [1.0, 2.0]})
    outcomes = {0: outcome(0, [0.0, 0.5, 1.0], [5.0, 4.0, 3.0]), 1: outcome(1, [0.0, 1.0, 2.0], [5.0, 3.0, 2.0])}
    dataset = gather(plan, outcomes)
    assert dataset["time"].values.tolist() == [0.0, 0.5, 1.0, 2.0]
    np.testing.assert_array_equal(dataset["risk"], [[5.0, 4.0, 3.0, np.nan], [5.0, np.nan, 3.0, 2.0]])


def test_series_that_do_not_fit_are_left_out_and_last_values_stay(problem, monkeypatch):
    plan = make_plan(problem, {"solver.t_end": [1.0, 2.0]})
    outcomes = {0: outcome(0, [0.0, 0.5, 1.0], [5.0, 4.0, 3.0]), 1: outcome(1, [0.0, 1.0, 2.0], [5.0, 3.0, 2.0])}
    needed = 2 * 4 * 2 * 8  # runs, times, scalars, bytes
    monkeypatch.setattr("wgflow.app.sweeps.gather.free_memory", lambda: 2 * needed)
    assert gather(plan, outcomes)["risk"].shape == (2, 4)
    monkeypatch.setattr("wgflow.app.sweeps.gather.free_memory", lambda: 2 * needed - 1)
    with pytest.warns(FlowWarning, match="2 runs have 4 different output times.*give all runs the same output.times"):
        dataset = gather(plan, outcomes)
    assert dataset["risk"].shape == (2, 0)
    np.testing.assert_array_equal(dataset["final_risk"], [3.0, 2.0])
    np.testing.assert_array_equal(dataset["final_time"], [1.0, 2.0])


def test_ten_thousand_files_are_not_open_at_once(problem, tmp_path):
    """With leave to open a few more files than are open now, many are gathered; and what is damaged is no outcome."""
    plan = make_plan(problem, {"initial.seed": range(30)})
    files = [plan.file(tmp_path, index) for index in range(plan.count)]
    content = wgflow.run(plan.problem(0), files[0]).time.size, files[0].read_bytes()
    for file in files[1:]:
        file.write_bytes(content[1])
    files[7].write_bytes(content[1][:-100])
    limits, most = resource.getrlimit(resource.RLIMIT_NOFILE), max(int(file.name) for file in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (most + 8, limits[1]))
    try:
        outcomes = read_outcomes(plan, tmp_path)
        runs = wgflow.open_many([file for file in files if file != files[7]])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert sorted(outcomes) == [index for index in range(30) if index != 7]
    whole = wgflow.load(files[0])
    for found in (outcomes[29].scalars, {name: runs[name][-1] for name in whole.scalars}):
        for name, values in whole.scalars.items():
            np.testing.assert_array_equal(found[name], values)
    assert (outcomes[3].status, outcomes[3].reached_end) == ("complete", True)
    assert runs.sizes == {"run": 29, "time": content[0]}


def test_times_of_all_runs():
    runs = [outcome(0, [0.0, 1.0], [1, 1]), outcome(1, [0.0, 0.5, 2.0], [1, 1, 1])]
    assert times_of(runs).tolist() == [0.0, 0.5, 1.0, 2.0]
    assert times_of([outcome(0, [0.0], [1], reached_end=False)]).tolist() == [0.0]
    assert times_of([]).tolist() == []


def test_file_holds_the_same(dataset, tmp_path):
    path = write_dataset(dataset, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["sweep.nc"]
    read = xarray.load_dataset(path, engine="h5netcdf")
    xarray.testing.assert_identical(read, dataset)
    assert read["risk"].attrs["long_name"] == "risk R, regularisation left out"


def test_a_file_that_cannot_be_written(dataset, tmp_path):
    with pytest.raises(ComputationError, match=r"sweep.nc cannot be written"):
        write_dataset(dataset, tmp_path / "nowhere")
