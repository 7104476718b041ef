"""What a trajectory shows and says: in a notebook, as a figure, and where it is asked for what it has not."""

from __future__ import annotations

import re
from base64 import b64decode

import numpy as np
import pytest

import wgflow
from wgflow import InputError

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def trajectory():
    return wgflow.solve(
        wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), lambda x: np.ones(x.shape[:-1]), 1.0, times=[0.5]
    )


def test_it_draws_itself(trajectory, tmp_path):
    figure = trajectory.plot(tmp_path / "flow.png")
    assert (tmp_path / "flow.png").read_bytes().startswith(PNG)
    assert figure._repr_png_().startswith(PNG)
    with pytest.raises(InputError, match="allowed are"):
        trajectory.plot(tmp_path / "flow.bmp")


def test_a_notebook_gets_one_piece_of_html(trajectory):
    page = trajectory._repr_html_()
    assert b64decode(re.search(r'src="data:image/png;base64,([^"]+)"', page)[1]).startswith(PNG)
    for text in ("complete (t_end)", "density (3, 16)", "Circle(cells=16)", "save(path)"):
        assert text in page
    assert "http" not in page


@pytest.mark.parametrize("scalars", [{}, {"energy": np.array(["<b>"] * 2)}])
def test_html_of_a_damaged_trajectory(scalars):
    broken = wgflow.Trajectory(np.arange(2.0), scalars, {"density": np.full((2, 3), np.nan)}, None)
    assert broken._repr_html_().startswith("<div><table>")
    assert "<b>" not in broken._repr_html_()


def test_problems_are_known_where_there_is_one(trajectory):
    assert trajectory.problem is None
    problem = wgflow.open_problem("quadratic", ["output.snapshots=2", "domain.cells=16", "solver.t_end=0.1"])
    assert wgflow.run(problem).problem is problem


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (3, r"output 3 does not exist; there are 3, from 0 to 2 \(or -1 to -3"),
        (-4, "output -4 does not exist"),
        ("density", r"trajectory\['density'\] is not allowed.*energy.*density"),
        (0.5, r"trajectory\[0.5\] is not allowed; give the number"),
    ],
)
def test_wrong_numbers_of_outputs(trajectory, key, message):
    for ask in (trajectory.__getitem__, trajectory.measure, trajectory.potential):
        with pytest.raises(InputError, match=message):
            ask(key)


def test_a_wrong_number_is_an_index_error(trajectory):
    with pytest.raises(IndexError):
        trajectory[500]
    assert trajectory[np.int64(-1)].time == 1.0
