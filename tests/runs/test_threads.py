"""The same bits with one thread and with two: sums are cut into blocks whose number the threads do not change."""

from __future__ import annotations

import numba
import numpy as np
import pytest

import wgflow

# Large enough for the kernels that run on all threads; with limiters whose kernels other tests need, too.
RUNS = {
    "teacher": ["domain.cells=65536", "solver.t_end=1e-5"],
    "el_nino": ["domain.cells=65536", "solver.t_end=1e-5", "output.spacing=linear"],
    "riccati": ["domain.shape=[256, 256]", "solver.t_end=1e-4"],
    "regression_box": ["domain.shape=[36, 36, 36]", "solver.t_end=0.001", "finite_volume.limiter=mc"],
    "regression": ["domain.cells=10242", "solver.t_end=0.001", "finite_volume.limiter=barth_jespersen"],
    "network": ["particles.count=2048", "solver.t_end=0.04"],
    "el_nino by particles": [
        "solver.kind=particles",
        "particles.count=4096",
        "solver.t_end=0.001",
        "output.spacing=linear",
    ],
}


@pytest.fixture
def threads():
    """Give the function that sets the number of threads; at the end it is as it was."""
    before = numba.get_num_threads()
    yield numba.set_num_threads
    numba.set_num_threads(before)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two cores")
@pytest.mark.parametrize("name", RUNS)
def test_runs_have_the_same_bits_for_one_and_two_threads(name, threads):
    flows = []
    for count in (1, 2):
        threads(count)
        problem = wgflow.open_problem(name.split()[0], ["output.snapshots=2", *RUNS[name]])
        flows.append(wgflow.run(problem))
    for field, values in flows[0].fields.items():
        np.testing.assert_array_equal(values, flows[1].fields[field])
    np.testing.assert_array_equal(flows[0].energy, flows[1].energy)
