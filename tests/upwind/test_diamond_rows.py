"""Rows of diamonds: results have the same bits in bands, of sheets alone, and whatever work space holds before."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from wgflow import Signed, Sphere
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.kernels import diamonds
from wgflow.upwind.scheme import Stage

WEIGHTS, COMBINATION = (0.25, 0.75), (0.5, -1.0, 0.25, 0.3, 0.8)
SCHEMES = [
    {"order": 1},
    {"order": 2},
    {"order": 2, "velocity": "midpoint"},
    {"order": 3},
    {"order": 3, "velocity": "midpoint"},
]
of_schemes = pytest.mark.parametrize("chosen", SCHEMES, ids=lambda chosen: "_".join(map(str, chosen.values())))


def rough_fields(domain):
    generator = np.random.default_rng(6)
    density, start = generator.random((2, *domain.shape))
    return density, generator.normal(size=domain.shape), start


def spoiled(domain, chosen):
    """A scheme whose work space is full of NaN."""
    scheme = make_space_scheme(domain, transport=0.7, reaction=1.3, **chosen)
    for rows in (scheme._work, scheme._largest, scheme._sums, *getattr(scheme, "_rows", ())):
        rows[...] = np.nan
    return scheme


def watched(scheme, density, potential, start):
    """What a stage tells, and its result."""
    stage = Stage(density, potential, start, WEIGHTS, 1e-3, np.full(density.shape, np.nan))
    return scheme.watched_stage(stage, COMBINATION, steady=False), stage.result


@of_schemes
def test_neither_bands_of_rows_nor_work_space_change_a_bit(chosen, monkeypatch):
    """Of 8 rows in bands of 8, 4 and 1."""
    domain, found = Signed(Sphere(642)), []
    fields = rough_fields(domain)
    for cells, bands in ((diamonds.CELLS_AT_ONCE, 1), (32, 2), (8, 8)):
        monkeypatch.setattr(diamonds, "CELLS_AT_ONCE", cells)
        assert diamonds.bands_of(8) == bands
        told, result = watched(spoiled(domain, chosen), *fields)
        found.append((told, spoiled(domain, chosen).extremes(fields[1]), result))
    for told, extremes, result in found:
        assert extremes == found[0][1]
        assert told.loss_rate == extremes[0]
        np.testing.assert_allclose(told, found[0][0], rtol=1e-13)
        np.testing.assert_array_equal(result, found[0][2])


@of_schemes
def test_sheets_move_as_spheres_alone(chosen):
    fields = rough_fields(Signed(Sphere(162)))
    _, together = watched(spoiled(Signed(Sphere(162)), chosen), *fields)
    for sheet in range(2):
        of_sheet = [field[sheet] for field in fields]
        scheme = spoiled(Sphere(162), chosen)
        np.testing.assert_array_equal(together[sheet], watched(scheme, *of_sheet)[1])
        bare = np.empty(162)
        scheme.euler_stage(*of_sheet, (0.0, 1.0), 1e-3, bare)
        np.testing.assert_allclose(together[sheet], 0.25 * of_sheet[2] + 0.75 * bare, rtol=0.0, atol=1e-15)
        scheme.euler_stage(*of_sheet, WEIGHTS, 1e-3, of_sheet[2])  # in the place of its start
        np.testing.assert_array_equal(of_sheet[2], together[sheet])


INTERPRETED = """
import numpy as np
from wgflow import Sphere, StreamFunction
from wgflow.upwind.discretisation import make_given_scheme, make_space_scheme
from wgflow.upwind.scheme import Stage

def short_stages():
    found, sphere = [], Sphere(12)
    density, potential, result = np.linspace(1.0, 2.0, 12), np.sin(np.arange(12.0)), np.empty(12)
    stage = Stage(density, potential, density, (0.0, 1.0), 1e-2, result)
    for order in (1, 2, 3):
        scheme = make_space_scheme(sphere, transport=0.7, reaction=1.3, order=order)
        found += [*scheme.watched_stage(stage, (0.0, 1.0, -1.0, 1.0, 0.0), steady=True), *result]
    scheme = make_given_scheme(sphere, order=3, limiter="zalesak")
    scheme.give(StreamFunction(lambda x, _: np.sin(5.0 * x[:, 0])).through_faces(sphere.mesh)(0.0))
    scheme.begin_step()
    scheme.euler_stage(*stage)
    scheme.finish_step(density, result)
    return [float(number) for number in (*found, *result)]
"""


def test_stages_give_the_same_without_compilation():
    """Without warnings as well: numbers of rows and columns that have no sign do not pass zero."""
    compiled: dict = {}
    exec(INTERPRETED + "numbers = short_stages()", compiled)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", INTERPRETED + "print(*short_stages())"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    assert [float(word) for word in done.stdout.split()] == pytest.approx(compiled["numbers"], rel=1e-13)
