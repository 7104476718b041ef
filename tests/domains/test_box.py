"""Boxes: geometry, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.domains import Box, make_domain
from wgflow.errors import InputError


def test_cells_fill_the_box():
    box = Box([(-1.0, 3.0), (0.0, 1.0), (2.0, 2.5)], (8, 4, 5))
    assert box.shape == (8, 4, 5)
    assert box.points.shape == (8, 4, 5, 3)
    assert box.volumes.sum() == pytest.approx(4.0 * 1.0 * 0.5, rel=1e-14)
    np.testing.assert_allclose(box.points[0, 0, 0], [-0.75, 0.125, 2.05], rtol=1e-14)
    np.testing.assert_allclose(box.points[-1, -1, -1], [2.75, 0.875, 2.45], rtol=1e-14)
    assert box.points[3, 1, 2] == pytest.approx([box.axes[0][3], box.axes[1][1], box.axes[2][2]], rel=1e-14)


def test_the_continuity_equation_has_no_reaction():
    assert Box([(0.0, 1.0)], 4).reaction == 0.0


def test_a_box_is_rebuilt_from_its_parameters():
    box = Box([(-1.0, 3.0), (0.0, 1.0)], (8, 4), periodic=[True, False])
    assert make_domain("box", **box.parameters) == box


@pytest.mark.parametrize(
    ("bounds", "shape", "periodic", "named"),
    [
        ([], (), False, "0 axes"),
        ([(0, 1)] * 4, (4,) * 4, False, "4 axes"),
        ([(0, 1)] * 2, (4,), False, "one entry per axis"),
        ([(0, 1)] * 2, (4, 4), [True], "one entry per axis"),
        ([(1, 0)], 4, False, r"bounds\[0\] = \[1, 0\]"),
        ([(0, 1), (0, np.inf)], (4, 4), False, r"bounds\[1\]"),
        ([(0, 1, 2)], 4, False, r"bounds\[0\]"),
        ([(0, 1), (0, 1)], (4, 3), False, r"shape\[1\] = 3"),
        ([(0, 1)], 4.5, False, r"shape\[0\] = 4.5"),
    ],
)
def test_what_is_refused(bounds, shape, periodic, named):
    with pytest.raises(InputError, match=named):
        Box(bounds, shape, periodic)
