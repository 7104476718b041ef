"""Names of files, other programs that use them, full disks and kills: nothing is replaced, and nothing lost."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest

import wgflow
from tests.trajectory.files import TEACHER, with_solver
from wgflow.errors import ComputationError, InputError
from wgflow.trajectory import FileRecorder


def test_existing_output_is_kept(tmp_path):
    (tmp_path / "run.h5").write_text("precious")
    with pytest.raises(InputError, match="exists"):
        wgflow.run(TEACHER, tmp_path / "run.h5")
    assert (tmp_path / "run.h5").read_text() == "precious"
    with pytest.raises(InputError, match="not a trajectory"):
        wgflow.run(TEACHER, tmp_path / "run.h5", overwrite=True)
    assert (tmp_path / "run.h5").read_text() == "precious"


def test_a_trajectory_is_replaced_on_demand(tmp_path):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    wgflow.run(with_solver("particles"), tmp_path / "run.h5", overwrite=True)
    assert "position" in wgflow.load(tmp_path / "run.h5").fields


REQUESTS = {
    "overwrite": "wgflow.run('teacher', path, overwrite=True)",
    "resume": "wgflow.run(wgflow.load_problem(path), path, resume=True)",
}


def during_the_run(path, code):
    """Run some Python in another process when the third of five snapshots is written; gives its errors."""
    errors = []

    def call(snapshot):
        if snapshot.time == 0.5:
            arguments = [sys.executable, "-c", f"import sys, wgflow; path = sys.argv[1]; {code}", str(path)]
            errors.append(subprocess.run(arguments, capture_output=True, text=True, check=False).stderr)

    wgflow.run(TEACHER, path, observers=wgflow.Observers(snapshot=[call]))
    assert len(wgflow.load(path).time) == 5
    return errors[0]


@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_file_that_is_being_written_is_left_alone(tmp_path, request_name):
    assert "is being written by another run" in during_the_run(tmp_path / "run.h5", REQUESTS[request_name])


def test_a_file_that_is_being_written_can_be_read(tmp_path):
    """By wgflow, by plain h5py, and by xarray."""
    code = (
        "import h5py, xarray;"
        "assert wgflow.load(path).density[2].sum() > 0.0;"
        "assert h5py.File(path, 'r')['density'].shape[0] == 3;"
        "assert xarray.open_dataset(path, engine='h5netcdf').sizes['time'] == 3"
    )
    assert during_the_run(tmp_path / "run.h5", code) == ""


def test_another_program_cannot_open_it_for_writing(tmp_path):
    assert "BlockingIOError" in during_the_run(tmp_path / "run.h5", "import h5py; h5py.File(path, 'r+')")


@pytest.mark.parametrize("replaced", [False, True])
def test_file_that_is_removed_during_the_run_is_rescued(tmp_path, replaced):
    path = tmp_path / "run.h5"

    def remove(snapshot):
        if snapshot.time == 0.5:
            path.unlink()
            if replaced:
                path.write_text("another")

    with pytest.raises(ComputationError, match="removed or replaced"):
        wgflow.run(TEACHER, path, observers=wgflow.Observers(snapshot=[remove]))
    saved = next(tmp_path.glob("*.rescued")) if replaced else path
    assert len(list(tmp_path.iterdir())) == 1 + replaced
    assert wgflow.load(saved).status == "failed"
    resumed = wgflow.run(TEACHER, saved, resume=True)
    np.testing.assert_array_equal(resumed.density, wgflow.run(TEACHER).density)


def test_a_name_taken_in_the_meantime_is_respected(tmp_path):
    first = wgflow.open_problem(TEACHER).make_evolution().snapshot()
    recorder = FileRecorder.create(tmp_path / "run.h5", first, domain=wgflow.Signed(wgflow.Circle(32)))
    (tmp_path / "run.h5").write_text("precious")
    with pytest.raises(InputError, match="exists"):
        recorder.append(first, {})
    assert (tmp_path / "run.h5").read_text() == "precious"


def test_start_that_fails_leaves_no_file(tmp_path):
    first = wgflow.open_problem(TEACHER).make_evolution().snapshot()
    with pytest.raises(TypeError):
        FileRecorder.create(tmp_path / "run.h5", first, domain=None, attributes={"strange": object()})
    assert not list(tmp_path.iterdir())


FILE_SIZE_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv = ["wgflow", "run", "teacher", "-o", "run.h5", "--quiet", "--set", "domain.cells=1024"]
from wgflow.app.cli import main
main()
"""


@pytest.mark.parametrize("size", [600_000, 1_000_003])
def test_full_disk_keeps_what_was_written(tmp_path, size):
    """A limit on the size of files stands for a full disk; the run resumes once there is room."""
    arguments = [sys.executable, "-c", FILE_SIZE_LIMITED, str(size)]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: snapshot at t = ")
    assert len(done.stderr.splitlines()) == 1
    part = wgflow.load(tmp_path / "run.h5")
    assert part.status == "failed"
    assert 10 < len(part.time) < 101
    problem = wgflow.open_problem("teacher", ["domain.cells=1024"])
    resumed = wgflow.run(problem, tmp_path / "run.h5", resume=True)
    np.testing.assert_array_equal(resumed.density, wgflow.run(problem).density)


KILLED = """
import os, signal, wgflow
def kill(evolution):
    if evolution.time > 1.1:
        os.kill(os.getpid(), signal.SIGKILL)
problem = wgflow.open_problem("teacher", ["domain.cells=256", "solver.t_end=2.0"])
wgflow.run(problem, "run.h5", observers=wgflow.Observers(step=[kill]))
"""


def test_killed_run_leaves_its_snapshots_and_resumes(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    part = wgflow.load(tmp_path / "run.h5")
    assert part.status == "running"
    assert part.time[-1] == pytest.approx(1.1, rel=1e-14, abs=0.0)
    problem = wgflow.open_problem("teacher", ["domain.cells=256", "solver.t_end=2.0"])
    resumed = wgflow.run(problem, tmp_path / "run.h5", resume=True)
    np.testing.assert_array_equal(resumed.density, wgflow.run(problem).density)


def test_disk_that_is_full_from_the_start(tmp_path):
    arguments = [sys.executable, "-c", FILE_SIZE_LIMITED, "10000"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: output run.h5 cannot be written: File too large")
    assert not list(tmp_path.iterdir())


def test_a_program_that_writes_into_the_file_is_waited_for(tmp_path):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    code = (
        "import h5py, sys, wgflow, subprocess; path = sys.argv[1]; file = h5py.File(path, 'r+');"
        "done = subprocess.run([sys.executable, '-c', 'import wgflow; wgflow.load(' + repr(path) + ')'],"
        "capture_output=True, text=True); print(done.stderr)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "run.h5")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "run.h5 is open for writing in another program" in done.stdout
