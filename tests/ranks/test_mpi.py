"""Runs on several ranks of MPI: the same bits as one process, whatever happens."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import wgflow
from wgflow.app.sweeps import make_plan
from wgflow.app.sweeps.folder import prepare_folder
from wgflow.app.sweeps.runs import carry_out_run
from wgflow.trajectory import row_groups
from wgflow.trajectory.checking import check_trajectory

HERE, PYTHON = Path(__file__).parent, Path(sys.executable)
MPIEXEC = shutil.which("mpiexec", path=str(PYTHON.parent)) or shutil.which("mpiexec")
SECONDS = 1800.0  # a hundred times what it takes: ranks that wait keep cores busy, which others may need

pytestmark = pytest.mark.skipif(
    MPIEXEC is None or importlib.util.find_spec("mpi4py") is None,
    reason="needs mpi4py and an MPI library: pip install 'wgflow[mpi]'",
)

# More ranks than cores, none of them bound to one, which leave it to others while they wait, also for root: settings of
# Open MPI, which others do not know.
SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}


def on_ranks(count, script, *arguments):
    """Outcome of a script of this folder on some ranks."""
    command = [MPIEXEC, "-n", str(count), str(PYTHON), str(HERE / script), *map(str, arguments)]
    environment = {**os.environ, **SETTINGS, "PYTHONPATH": str(HERE.parents[1])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """All cases on 1 to 4 ranks; fields of more than 6000 bytes are written in groups of rows."""
    folder = tmp_path_factory.mktemp("ranks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_groups, "LARGEST_CHUNK", 6000)
        patch.setattr(row_groups, "GROUP", 2000)
        done = on_ranks(4, "cases.py", folder, 6000, 2000)
        assert done.returncode == 0, done.stderr
        yield folder


def assert_same(path, wanted):
    """Two files hold the same bits: densities or particles, scalars, and the table of steps."""
    found, expected = wgflow.load(path), wgflow.load(wanted)
    assert found.status == expected.status == "complete"
    for kind in ("fields", "scalars", "steps"):
        ours, theirs = getattr(found, kind), getattr(expected, kind)
        assert ours.keys() == theirs.keys()
        for name, values in theirs.items():
            assert np.asarray(ours[name]).tobytes() == np.asarray(values).tobytes(), (path, name)
    assert found.attributes["rejected_steps"] == expected.attributes["rejected_steps"]


def test_bits_do_not_depend_on_the_number_of_ranks(runs):
    alone = sorted((runs / "1").glob("*.h5"))
    assert len(alone) == 16
    for size in (2, 3, 4):
        for wanted in alone:
            assert_same(runs / str(size) / wanted.name, wanted)
    assert sum(wgflow.load(path).attributes["rejected_steps"] for path in alone) > 3  # those count too


def test_large_fields_are_written_in_groups_of_rows(runs):
    assert row_groups.chunk_shape((2, 70, 8)) == (1, 31, 8)
    assert all(check.passed for check in check_trajectory(runs / "4" / "signed_neurons.h5"))


def test_no_rank_holds_a_whole_checkpoint_to_write_it(runs):
    with np.load(runs / "checkpoint.npz") as archive:
        np.testing.assert_array_equal(archive["stiffest"].ravel(), np.arange(400 * 1024, dtype=np.float32))
    assert float((runs / "peak-0").read_text()) < 0.06  # 100 groups of four rows


def test_no_rank_holds_a_whole_kernel(runs):
    for rank in range(2):
        assert float((runs / f"peak-of-kernel-{rank}").read_text()) < 0.6


def test_all_ranks_have_what_stays_in_memory(runs):
    wanted = wgflow.load(runs / "1" / "walls.h5").density
    for size in (1, 2, 3, 4):
        for rank in range(size):
            assert np.load(runs / str(size) / f"memory-{rank}.npy").tobytes() == np.asarray(wanted).tobytes()


def test_no_rank_misses_that_a_largest_value_is_none(runs):
    for size in (2, 3, 4):
        for rank in range(size):
            wanted = [[size - 1, np.nan], [13, 13], [size - 1, np.nan]]  # a maximum, and sums and maxima at once
            np.testing.assert_array_equal(np.load(runs / str(size) / f"largest-{rank}.npy"), wanted)


def test_messages_of_a_run_that_was_given_up_change_nothing(runs):
    for size in (2, 3, 4):
        assert [(runs / str(size) / f"overwritten-{rank}").read_text() for rank in range(size)] == ["0"] * size


def test_a_signal_to_one_rank_stops_all_after_its_step_and_others_go_on(runs):
    assert [(runs / f"interrupted-{rank}").read_text() for rank in range(3)] == ["3", "3", "3"]
    assert_same(runs / "stopped.h5", runs / "1" / "walls.h5")
    assert "interrupted" not in wgflow.load(runs / "stopped.h5").attributes["status"]


REFUSED = {
    "circle": "the domain 'circle' is not shared by 4 ranks, as boxes of two and three dimensions are: run it without",
    "sphere": "the domain 'sphere' is not shared by 4 ranks",
    "line": "a box of one dimension is not shared by 4 ranks: run it without mpiexec, where its kernels take all cores",
    "implicit": "stepper = 'tr_bdf2' is not available on 4 ranks",
    "order": "20 rows of cells along the first axis are shared by at most 2 ranks; found 4: start 2, or let",
    "grow": "a box that grows is not available on 4 ranks",
    "estimate": "an estimate of errors is not available on 4 ranks",
    "ranks": "7 rows of cells along the first axis are shared by at most 3 ranks; found 4: start 3",
    "density": "the initial density at a point depends on the other points that it is given",
    "potential": "a function of points gives other values when it is given fewer of them, and on several ranks it is",
    "jko": "solve_jko is not available on 4 ranks",
    "own": "OwnFunctional is not available on 4 ranks: run it without mpiexec",
}


def test_what_ranks_cannot_do_is_refused_with_what_can(runs):
    for rank in range(4):
        found = json.loads((runs / f"refused-{rank}.json").read_text())
        assert found.keys() == REFUSED.keys()
        for name, beginning in REFUSED.items():
            assert found[name].startswith(beginning), found[name]


def test_a_sweep_whose_runs_are_launched_on_ranks_gives_the_bits_of_one_that_is_not(tmp_path, monkeypatch):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    problem = {
        "problem": {"kind": "quadratic", "target": [[1.0, 0.2], [0.2, 0.5]]},
        "domain": {"kind": "box", "bounds": [[-4.0, 4.0], [-4.0, 4.0]], "shape": [13, 10]},
        "initial": {"kind": "gaussian", "covariance": [[0.5, 0.0], [0.0, 0.5]]},
        "solver": {"kind": "finite_volume", "t_end": 0.05},
        "output": {"snapshots": 3},
    }
    found = []
    for name, launcher in (("alone", ()), ("launched", (MPIEXEC, "-n", "2"))):
        plan, folder = replace(make_plan(problem, {"finite_volume.order": [1, 2]}), launcher=launcher), tmp_path / name
        folder.mkdir()
        prepare_folder(plan, folder)
        outcome = carry_out_run(plan, folder, 1)
        assert (outcome.index, outcome.status, outcome.message) == (1, "complete", "")
        found.append((plan.file(folder, 1), outcome))
    (wanted, alone), (path, launched) = found
    assert_same(path, wanted)
    for name, values in alone.scalars.items():
        assert launched.scalars[name].tobytes() == values.tobytes(), name


def test_an_error_of_one_rank_ends_all_and_is_told_once(tmp_path):
    done = on_ranks(2, "failing.py", tmp_path / "run.h5", "error")
    assert done.returncode != 0
    assert done.stderr.count("ValueError: nothing goes on here (rank 1)") == 1
    assert done.stderr.count("Traceback") == 1
    assert wgflow.load(tmp_path / "run.h5").status == "running"


def test_a_kill_in_the_middle_of_a_write_leaves_a_file_that_one_process_completes(tmp_path):
    path, whole = tmp_path / "run.h5", tmp_path / "whole.h5"
    assert on_ranks(2, "failing.py", path, "kill").returncode != 0
    assert wgflow.load(path).status == "running"
    assert all(check.passed for check in check_trajectory(path))
    box, well = wgflow.Box([(-1.0, 1.0)] * 2, (13, 10)), wgflow.Potential(lambda x: (x**2).sum(axis=-1))
    for output, resume in ((path, True), (whole, False)):
        times = [0.0, 0.02, 0.04, 0.05]
        wgflow.solve(well, box, np.ones((13, 10)), 0.05, times=times, output=output, resume=resume)
    assert_same(path, whole)
