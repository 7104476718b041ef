"""Names of files, other programs that use them, full disks and kills: nothing is replaced, and nothing lost."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest

import wgflow
from tests.trajectory.files import TEACHER, with_solver
from wgflow.app.cli import _exit_code
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


OTHER_PROGRAM = """
import json, sys
import h5py, wgflow, xarray
path, found = sys.argv[1], []
for request in (
    lambda: wgflow.run("teacher", path, overwrite=True),
    lambda: wgflow.run(wgflow.load_problem(path), path, resume=True),
    lambda: h5py.File(path, "r+"),
    lambda: float(wgflow.load(path).density[2].sum()),
    lambda: h5py.File(path, "r")["density"].shape[0],
    lambda: xarray.open_dataset(path, engine="h5netcdf").sizes["time"],
):
    try:
        found.append(request())
    except Exception as error:
        found.append(repr(error))
print(json.dumps(found))
"""


def test_a_file_that_is_being_written_is_left_alone_and_can_be_read(tmp_path):
    """By wgflow, by plain h5py, and by xarray, when the third of five snapshots is there."""
    path, found = tmp_path / "run.h5", []

    def call(snapshot):
        if snapshot.time == 0.5:
            arguments = [sys.executable, "-c", OTHER_PROGRAM, str(path)]
            done = subprocess.run(arguments, capture_output=True, text=True, check=True)
            found.extend(json.loads(done.stdout))

    whole = wgflow.run(TEACHER, path, observers=wgflow.Observers(snapshot=[call]))
    assert len(wgflow.load(path).time) == 5
    overwrite, resume, written, total, *counts = found
    assert "is being written by another run" in overwrite
    assert "is being written by another run" in resume
    assert written.startswith("BlockingIOError")
    assert total == whole.density[2].sum()
    assert counts == [3, 3]


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


CELLS = "domain.cells=128"


@pytest.fixture(scope="module")
def whole():
    return wgflow.run(wgflow.open_problem("teacher", [CELLS]))


@pytest.fixture
def run_with_little_room(tmp_path, monkeypatch, capsys):
    """Run the command line where files may have some bytes, as on a disk that is full; gives code and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["wgflow", "run", "teacher", "-o", "run.h5", "--quiet", "--set", CELLS])

    def run(size: int) -> tuple[int, str]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            code = _exit_code()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize("size", [200_000, 300_003])
def test_full_disk_keeps_what_was_written(tmp_path, whole, run_with_little_room, size):
    """The run resumes once there is room."""
    code, errors = run_with_little_room(size)
    assert code == 1, errors
    assert errors.startswith("error: snapshot at t = ")
    assert len(errors.splitlines()) == 1
    part = wgflow.load(tmp_path / "run.h5")
    assert part.status == "failed"
    assert 10 < len(part.time) < 101
    resumed = wgflow.run(wgflow.open_problem("teacher", [CELLS]), tmp_path / "run.h5", resume=True)
    np.testing.assert_array_equal(resumed.density, whole.density)


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


@pytest.mark.usefixtures("whole")  # whose kernels are on disk by then
def test_disk_that_is_full_from_the_start(tmp_path, run_with_little_room):
    code, errors = run_with_little_room(10_000)
    assert code == 2
    assert errors.startswith("error: output run.h5 cannot be written: File too large")
    assert not list(tmp_path.iterdir())


def test_a_program_that_writes_into_the_file_is_waited_for(tmp_path):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    code = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); sys.stdin.read()"
    arguments = [sys.executable, "-c", code, str(tmp_path / "run.h5")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(InputError, match=r"run\.h5 is open for writing in another program"):
            wgflow.load(tmp_path / "run.h5")
        other.communicate()
    assert wgflow.load(tmp_path / "run.h5").status == "complete"
