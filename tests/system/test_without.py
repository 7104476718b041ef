"""What other systems and services lack: `fcntl`, and a user with a home."""

from __future__ import annotations

import os
import subprocess
import sys

from numba import config

from wgflow.system.caching import cache_folder

CODE = """
import sys, warnings
sys.modules["fcntl"] = None  # importing it raises ImportError

import wgflow
from wgflow.app.cli import main
from wgflow.system.caching import cache_folder

def command(*words):
    try:
        sys.argv = ["wgflow", *words]
        main()
    except SystemExit as end:
        assert not end.code, end.code

changes = ["domain.cells=16", "solver.t_end=0.2", "output.snapshots=3"]
whole = wgflow.run(wgflow.open_problem("teacher", changes))
command("run", "teacher", "-o", "run.h5", *(word for change in changes for word in ("--set", change)))
command("info", "run.h5", "--check")
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    longer = wgflow.open_problem("teacher", [*changes, "solver.t_end=0.4", "output.snapshots=5"])
    flow = wgflow.run(longer, "run.h5", resume=True)
assert ["no fcntl" in str(warning.message) for warning in told] == [True], told
assert (flow.density == wgflow.run(longer).density).all()
assert abs(flow.risk[2] / whole.risk[2] - 1.0) < 1e-2
assert cache_folder()
"""


def test_runs_need_neither_fcntl_nor_a_home(tmp_path):
    """In memory and to a file, which is read, checked and continued."""
    environment = {name: value for name, value in os.environ.items() if name not in {"HOME", "XDG_CACHE_HOME"}}
    environment["NUMBA_CACHE_DIR"] = config.CACHE_DIR or cache_folder()  # kernels alone, which take long to compile
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("no fcntl") == 1
