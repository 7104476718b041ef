"""Spheres in files of earlier versions, whose cells were in rings: each cell keeps its values.

The file holds a run with the limiter "mc", a name that "barth_jespersen" had on spheres.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import h5py
import numpy as np
import pytest

import wgflow

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


def test_runs_go_on(earlier, tmp_path):
    """A file gets the present order once, whoever resumes it: the run in a copy that was saved goes on to the same."""
    sections = problem_of(earlier).config.model_dump(exclude_none=True)
    sections |= {"solver": {"t_end": 0.3, "kind": "finite_volume"}, "output": {"times": [0.1, 0.2, 0.3]}}
    stored = wgflow.load(earlier)
    before = np.array(stored.density)
    stored.save(tmp_path / "diamonds.h5")
    for path in (tmp_path / "diamonds.h5", earlier):
        with pytest.warns(wgflow.ResumeWarning, match=r"begins anew at t = 0\.2"):
            trajectory = wgflow.run(sections, path, resume=True)
        np.testing.assert_array_equal(trajectory.time, [0.0, 0.1, 0.2, 0.3])
        np.testing.assert_array_equal(trajectory.density[:3], before)
        assert trajectory.energy[-1] < trajectory.energy[-2]
    np.testing.assert_array_equal(trajectory.density, wgflow.load(tmp_path / "diamonds.h5").density)
    with h5py.File(earlier) as file:
        assert file.attrs["cell_order"] == "diamonds"
        np.testing.assert_array_equal(file["density"][:3], before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["diamonds.h5", "rings.h5"]
