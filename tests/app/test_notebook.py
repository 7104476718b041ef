"""Cells of a notebook: figures, tables and a line of progress that changes, without widgets and without pyplot."""

from __future__ import annotations

import re
import sys
from base64 import b64decode

import numpy as np
import pytest

from wgflow import FlowWarning

pytest.importorskip("IPython")

PNG = b"\x89PNG"
RUN = """
import numpy as np
import wgflow
flow = wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), 1.0, progress=True)
"""
INTERRUPTED = """
import os, signal
steps = []
def interrupt(evolution):
    steps.append(evolution.time)
    if len(steps) == 3:
        os.kill(os.getpid(), signal.{signal})
stopped = wgflow.solve(
    wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), 1.0, **{options},
    observers=wgflow.Observers(step=[interrupt]),
)
after = True
"""


@pytest.fixture
def cell(tmp_path, monkeypatch):
    """Run a cell; gives its outputs, and the error that ended it."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # all that a shell puts its own into
    for name in ("displayhook", "excepthook", "ps1", "ps2"):
        monkeypatch.setattr(sys, name, getattr(sys, name, None), raising=False)
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))

    def run(code: str):
        with capture_output() as captured:
            result = shell.run_cell(code)
        return captured, result

    run.names, run.shown = shell.user_ns, lambda result: shell.display_formatter.format(result.result)[0]
    yield run
    InteractiveShell.clear_instance()


def test_a_notebook_shows_figures_and_progress(cell):
    """Each of the three cells, and no warning: they are errors here."""
    captured, result = cell(RUN)
    result.raise_error()
    first, *updates = captured.outputs
    assert (first.data["text/plain"].split()[0], bool(first.update)) == ("0%", False)
    assert updates[-1].data["text/plain"].startswith("100%  t = 1 ")
    assert updates[-1].data["text/plain"].endswith(" steps")
    assert '<progress max="1" value="1.0000">' in updates[-1].data["text/html"]
    assert all(update.update for update in updates)
    assert len({output.transient["display_id"] for output in captured.outputs}) == 1
    assert captured.stdout == captured.stderr == ""

    captured, result = cell("flow")
    page = cell.shown(result)["text/html"]
    assert b64decode(re.search(r'src="data:image/png;base64,([^"]+)"', page)[1]).startswith(PNG)

    assert captured.stderr == ""

    captured, result = cell("flow.plot()")
    assert cell.shown(result)["image/png"].startswith(PNG)
    assert captured.stderr == ""
    assert "ipywidgets" not in sys.modules


def test_the_line_moves_and_is_seldom_replaced(cell, monkeypatch):
    captured, _ = cell(RUN)
    assert len(captured.outputs) <= 5  # one at each end, and one every half second
    monkeypatch.setattr("wgflow.runs.progress.REFRESH_SECONDS", 0.0)
    captured, _ = cell(RUN)
    shares = [int(output.data["text/plain"].split("%")[0]) for output in captured.outputs]
    assert len(shares) > 10
    late = shares[len(shares) // 2 :]  # the first steps say little of what follows
    assert min(np.diff(late)) >= -1
    assert (shares[0], shares[-1]) == (0, 100)


@pytest.mark.parametrize("options", [{}, {"output": "run.h5"}])
def test_ctrl_c_returns_what_there_is(cell, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell(RUN)
    with pytest.warns(FlowWarning, match=r"interrupted at t = .*status 'interrupted'.*resume=True"):
        cell(INTERRUPTED.format(signal="SIGINT", options=options))
    stopped = cell.names["stopped"]
    assert cell.names["after"]
    assert (stopped.status, len(stopped.steps["time"])) == ("interrupted", 3)
    np.testing.assert_array_equal(stopped.steps["time"], cell.names["flow"].steps["time"][:3])
    if not options:
        stopped.save("run.h5")
    cell(RUN.replace("progress=True", "output='run.h5', resume=True").replace("flow =", "resumed ="))
    np.testing.assert_array_equal(cell.names["resumed"].density, cell.names["flow"].density)


def test_other_signals_end_the_cell(cell):
    cell(RUN)
    _, result = cell(INTERRUPTED.format(signal="SIGTERM", options={}))
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    assert "stopped" not in cell.names


def test_sweeps_show_how_many_runs_are_done(cell):
    captured, result = cell("""
from wgflow.app.sweeps.runs import Outcome
from wgflow.app.sweeps.watching import shown_runs
with shown_runs(wanted=True) as watcher:
    watcher.begin(3, 1)
    watcher.note(Outcome(1, "complete"))
    watcher.note(Outcome(2, "failed"))
""")
    result.raise_error()
    texts = [output.data["text/plain"] for output in captured.outputs]
    assert texts == [" 33%  1 of 3 runs, 0 failed", " 67%  2 of 3 runs, 0 failed", "100%  3 of 3 runs, 1 failed"]
