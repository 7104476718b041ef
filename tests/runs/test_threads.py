"""The same bits with one thread and with two: sums are cut into blocks whose number the threads do not change."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import hashlib
import numpy as np
import wgflow
from wgflow.compilation import compilation_count

def say(name, flow):
    digest = hashlib.sha256()
    for values in (*flow.fields.values(), flow.energy):
        digest.update(np.ascontiguousarray(values).tobytes())
    print(name, digest.hexdigest())

def run(name, *settings):
    say(name, wgflow.run(wgflow.open_problem(name, ["output.snapshots=2", *settings])))

run("teacher", "domain.cells=65536", "solver.t_end=1e-5")
run("el_nino", "domain.cells=65536", "solver.t_end=1e-5", "output.spacing=linear")
run("riccati", "domain.shape=[256, 256]", "solver.t_end=1e-4")
run("regression_box", "domain.shape=[36, 36, 36]", "solver.t_end=0.001")
run("regression", "domain.cells=10242", "solver.t_end=0.001")
run("network", "particles.count=2048", "solver.t_end=0.04")
run("el_nino", "solver.kind=particles", "particles.count=4096", "solver.t_end=0.001", "output.spacing=linear")
print("compiled", compilation_count())
"""


def test_runs_have_the_same_bits_for_one_and_two_threads():
    printed = []
    for threads in ("1", "2"):
        environment = {**os.environ, "NUMBA_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, env=environment, timeout=300
        )
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout.splitlines())
    assert len(printed[0]) == 8
    assert printed[0][:7] == printed[1][:7]
    assert printed[1][7] == "compiled 0"  # the first process left all kernels in the cache
