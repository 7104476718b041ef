"""Functions of one's own at the cells of a box: row by row, unless their values depend on the other points."""

import numpy as np

import wgflow
from wgflow.functionals.moments import at_cells

BOX = wgflow.Box([(-1.0, 1.0)] * 2, (6, 5))
POINTS = BOX.points.reshape(-1, 2)


def test_functions_of_points_are_called_with_the_points_of_a_row():
    called = []

    def well(x):
        called.append(len(x))
        return (x**2).sum(axis=-1)

    assert (at_cells(well, POINTS, BOX.partition) == (POINTS**2).sum(axis=-1)).all()
    assert called[-6:] == [5] * 6


def test_functions_that_take_off_their_minimum_get_all_points():
    lifted = wgflow.Potential(lambda x: (x**2).sum(axis=-1) - (x**2).sum(axis=-1).min())
    well = wgflow.Potential(lambda x: (x**2).sum(axis=-1))
    found, wanted = (potential.on_grid(BOX).first_variation(np.ones(BOX.shape)) for potential in (lifted, well))
    assert (found == wanted - wanted.min()).all()
