"""Files in folders in which others may write: no link that somebody planted is followed, and nothing is left behind."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from matplotlib.figure import Figure

import wgflow
from tests.trajectory.files import TEACHER
from wgflow.app import cli, report
from wgflow.app.export import export
from wgflow.errors import ComputationError, InputError
from wgflow.plotting import save_figure
from wgflow.system import drafts
from wgflow.system.drafts import create_draft, remove_drafts, replacing, replacing_by_name, target_of

FORESEEN = "00" * drafts.TOKEN_BYTES


@pytest.fixture
def foreseen(monkeypatch):
    """The worst case: the first name of a draft can be guessed after all."""
    names = [FORESEEN]
    plain = secrets.token_hex
    monkeypatch.setattr(secrets, "token_hex", lambda size: names.pop() if names else plain(size))


@pytest.fixture(scope="module")
def trajectory():
    return wgflow.run(TEACHER)


@pytest.fixture(autouse=True)
def _few_pictures(monkeypatch):
    """Reports without pictures, which take seconds."""
    for name in ("_film", "_curves"):
        monkeypatch.setattr(report, name, lambda *_: "")


def plant(folder: Path, name: str) -> Path:
    """Links with all the names that drafts have had, to the file of a victim."""
    victim = folder / "victim"
    victim.write_text("precious")
    for planted in (
        f".{name}.{FORESEEN}.draft",
        f".{name}.{os.getpid()}",
        f".{name}.{os.getpid()}.larger",
        f".{Path(name).stem}-{os.getpid()}{Path(name).suffix}",
        f"{name}.partial",
    ):
        (folder / planted).symlink_to(victim)
    return victim


WRITERS = {
    "run.h5": lambda _, path: wgflow.run(TEACHER, path, overwrite=True),
    "figure.png": lambda _, path: save_figure(Figure(), path),
    "page.html": lambda trajectory, path: report.write_report(trajectory, None, [], path, frames=1),
    "table.csv": lambda trajectory, path: export(trajectory, path),
    "arrays.mat": lambda trajectory, path: export(trajectory, path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_no_planted_link_is_followed(tmp_path, trajectory, foreseen, name):  # noqa: ARG001
    victim = plant(tmp_path, name)
    before = set(tmp_path.iterdir())
    WRITERS[name](trajectory, tmp_path / name)
    assert victim.read_text() == "precious"
    assert set(tmp_path.iterdir()) - before == {tmp_path / name}
    assert not (tmp_path / name).is_symlink()


@pytest.mark.parametrize("name", WRITERS)
def test_an_output_that_is_a_link_is_followed_and_stays(tmp_path, trajectory, name):
    target = tmp_path / "elsewhere" / "target"
    target.parent.mkdir()
    (tmp_path / name).symlink_to(target)
    for _ in range(2):  # where it leads to nothing yet, and to a file
        WRITERS[name](trajectory, tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert target.stat().st_size > 0
    assert {path.name for path in tmp_path.rglob("*")} == {"elsewhere", "target", name}


def test_a_link_that_leads_in_a_circle_is_told(tmp_path):
    (tmp_path / "run.h5").symlink_to(tmp_path / "run.h5")
    with pytest.raises(InputError, match=r"run.h5 cannot be reached: Too many levels"):
        wgflow.run(TEACHER, tmp_path / "run.h5")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Not a regular file"):
        target_of(tmp_path / "pipe")


def test_drafts_are_new_and_no_links(tmp_path, foreseen, monkeypatch):  # noqa: ARG001
    flags, plain = [], os.open

    def note(path, flag, *mode, **options):
        flags.append(flag)
        return plain(path, flag, *mode, **options)

    monkeypatch.setattr(os, "open", note)
    descriptor, draft = create_draft(tmp_path / "run.h5")
    os.close(descriptor)
    assert draft.name == f".run.h5.{FORESEEN}.draft"
    assert flags[-1] & os.O_EXCL
    assert flags[-1] & os.O_NOFOLLOW


def test_drafts_of_killed_runs_are_removed_and_those_of_others_stay(tmp_path):
    dead, alive = tmp_path / f".run.h5.{'ab' * 8}.draft", tmp_path / f".run.h5.{'cd' * 8}.draft"
    folder, other = tmp_path / f".run.h5.{'ef' * 8}.draft", tmp_path / ".run.h5.mine.draft"
    for path in (dead, alive, other):
        path.write_text("something")
    folder.mkdir()
    (folder / "part").write_text("something")
    held = os.open(alive, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    wgflow.run(TEACHER, tmp_path / "run.h5")
    assert set(tmp_path.iterdir()) == {alive, other, tmp_path / "run.h5"}
    os.close(held)
    remove_drafts(tmp_path / "run.h5")
    assert not alive.exists()


def test_a_draft_that_another_process_took_for_left_behind_is_given_up(tmp_path, monkeypatch):
    """Between its creation and its lock."""
    plain, drafted = drafts._lock, []

    def lock(descriptor):
        if not drafted:
            drafted.extend(tmp_path.iterdir())
            drafted[0].unlink()
        return plain(descriptor)

    monkeypatch.setattr(drafts, "_lock", lock)
    with replacing(tmp_path / "file") as file:
        file.write(b"whole")
    assert (tmp_path / "file").read_bytes() == b"whole"


@pytest.mark.parametrize("context", [replacing, replacing_by_name])
def test_an_error_leaves_what_was_there(tmp_path, context):
    (tmp_path / "file").write_text("before")
    with pytest.raises(RuntimeError), context(tmp_path / "file"):
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "before"


@pytest.mark.parametrize("context", [replacing, replacing_by_name])
def test_what_is_closed_to_others_stays_closed(tmp_path, context):
    """And what somebody left open in a shared folder is not opened wider than a new file is."""
    before = os.umask(0o022)
    try:
        for mode, wanted in ((0o600, 0o600), (0o666, 0o644)):
            (tmp_path / "file").write_text("before")
            (tmp_path / "file").chmod(mode)
            with context(tmp_path / "file") as draft:
                if isinstance(draft, Path):
                    draft.write_text("after")
            assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == wanted
    finally:
        os.umask(before)


def test_a_disk_that_stays_broken_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    """When the end of the run cannot be noted either; and so is an error that nothing knows more of."""
    plain, left = os.pwrite, [100]

    def write(descriptor, content, place):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(5, "Input/output error")
        return plain(descriptor, content, place)

    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(sys, "argv", ["wgflow", "run", "teacher", "-o", str(tmp_path / "run.h5"), "--quiet"])
    assert cli._exit_code() == 1
    told = capsys.readouterr().err
    assert told.startswith("error: snapshot at t = ")
    assert told.endswith("snapshots before it are kept\n")
    assert len(told.splitlines()) == 1
    monkeypatch.setattr(typer.main, "get_command", lambda _: Broken())
    assert cli._exit_code() == 1
    assert capsys.readouterr().err == "error: place: No space left on device\n"


class Broken:
    def main(self, **_):
        raise OSError(28, "No space left on device", "place")


def test_a_run_whose_end_cannot_be_noted_says_so(tmp_path, monkeypatch):
    def break_disk(snapshot):
        if snapshot.time == 1.0:

            def fail(*_):
                raise OSError(1, "Operation not permitted")

            monkeypatch.setattr(os, "pwrite", fail)

    with pytest.raises(
        ComputationError, match=r"the end of the run cannot be noted in .*: Operation not permitted; its 5"
    ):
        wgflow.run(TEACHER, tmp_path / "run.h5", observers=wgflow.Observers(snapshot=[break_disk]))
    monkeypatch.undo()
    assert len(wgflow.load(tmp_path / "run.h5").time) == 5
    assert wgflow.run(TEACHER, tmp_path / "run.h5", resume=True).status == "complete"


def test_interruptions_and_short_writes_are_not_noticed(tmp_path, monkeypatch, trajectory):
    plain = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, content, place: plain(descriptor, content[:7], place))
    short = wgflow.run(TEACHER, tmp_path / "run.h5")
    np.testing.assert_array_equal(short.density, trajectory.density)
    monkeypatch.setattr(os, "pwrite", lambda *_: 0)
    with pytest.raises(InputError, match="cannot be written: Input/output error"):
        wgflow.run(TEACHER, tmp_path / "none.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5"]


def test_a_file_system_without_locks_is_named_with_what_helps(tmp_path, monkeypatch):
    import h5py

    from wgflow.trajectory import locking

    wgflow.run(TEACHER, tmp_path / "run.h5")

    def refuse(*_args, **_options):
        raise OSError(locking.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InputError, match="HDF5_USE_FILE_LOCKING=FALSE"):
        wgflow.run(TEACHER, tmp_path / "new.h5")
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "FALSE")
    assert wgflow.run(TEACHER, tmp_path / "new.h5").status == "complete"
    plain = h5py.File
    monkeypatch.setattr(
        h5py, "File", lambda name, *rest, **more: refuse() if isinstance(name, Path) else plain(name, *rest, **more)
    )
    for call in (wgflow.load, wgflow.trajectory.checking.check_trajectory):
        with pytest.raises(InputError, match="HDF5_USE_FILE_LOCKING=FALSE"):
            call(tmp_path / "run.h5")
    assert wgflow.run(TEACHER, tmp_path / "run.h5", overwrite=True).status == "complete"  # nothing is read back
