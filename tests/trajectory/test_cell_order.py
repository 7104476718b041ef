"""Spheres in files of earlier versions, whose cells were in rings: each cell keeps its values.

The file holds a run with the limiter "mc", a name that "barth_jespersen" had on spheres.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest

import wgflow
from wgflow.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:.*names the limiter of a sphere")
PACKED = Path(__file__).parent / "sphere_in_rings.h5.xz"


@pytest.fixture
def earlier(tmp_path):
    """A run on 42 cells to t = 0.2 in a file of an earlier version."""
    path = tmp_path / "rings.h5"
    path.write_bytes(lzma.decompress(PACKED.read_bytes()))
    return path


def problem_of(path):
    """Its problem, whose limiter gets its present name."""
    with pytest.warns(wgflow.FlowWarning, match="names the limiter of a sphere 'mc', as earlier versions did"):
        return wgflow.load_problem(path)


def test_cells_have_their_values(earlier):
    problem, stored = problem_of(earlier), wgflow.load(earlier)
    assert problem.config.finite_volume.limiter == "barth_jespersen"
    again = wgflow.run(problem)
    np.testing.assert_allclose(stored.density[0], again.density[0], rtol=1e-14)
    np.testing.assert_allclose(stored.density[-1], again.density[-1], rtol=0.03)  # slopes are others today
    np.testing.assert_allclose(stored.density[-1] @ stored.domain.volumes, stored.mass[-1], rtol=1e-14)
    assert abs(np.sort(stored.density[-1]) / stored.density[-1] - 1.0).max() > 1.0
    np.testing.assert_array_equal(stored.density[1:, 7], np.array(stored.density)[1:, 7])


def test_runs_go_on_in_a_file_of_today(earlier, tmp_path):
    sections = problem_of(earlier).config.model_dump(exclude_none=True)
    sections |= {"solver": {"t_end": 0.3, "kind": "finite_volume"}, "output": {"times": [0.1, 0.2, 0.3]}}
    with pytest.raises(InputError, match=r"in the order of earlier versions.*save\(NEW\) writes it in the present one"):
        wgflow.run(sections, earlier, resume=True)
    stored = wgflow.load(earlier)
    before = np.array(stored.density)
    stored.save(tmp_path / "diamonds.h5")
    with pytest.warns(wgflow.ResumeWarning, match=r"begins anew at t = 0\.2"):
        trajectory = wgflow.run(sections, tmp_path / "diamonds.h5", resume=True)
    np.testing.assert_array_equal(trajectory.time, [0.0, 0.1, 0.2, 0.3])
    np.testing.assert_array_equal(trajectory.density[:3], before)
    assert trajectory.energy[-1] < trajectory.energy[-2]
