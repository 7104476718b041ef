"""Sums of ReLU features in tiles of cells against the matrix of features."""

from __future__ import annotations

import math
from itertools import pairwise

import numba
import numpy as np
import pytest

from wgflow.domains import Box, Circle, Signed, Sphere
from wgflow.domains.partition import RowPartition
from wgflow.errors import InputError
from wgflow.functionals import Features
from wgflow.functionals.dense import DenseMoments
from wgflow.networks import Neurons
from wgflow.networks.kernels.relu_tiles import KINKED, LINEAR, ZERO
from wgflow.networks.product_moments import WeightBox
from wgflow.networks.relu import Relu
from wgflow.networks.relu_tiles import LEAST_DATA, LEAST_ENTRIES, TILE, TiledRelu, tiles_on, tiles_pay
from wgflow.runs.memory.domains import describe_grid
from wgflow.runs.memory.functionals import _grid_terms
from wgflow.runs.memory.grids import functional_items

ROUND_OFF = 4.4e-16  # of the sum of sizes, see `errors`
WEIGHTS = WeightBox([(-3.0, 1.0), (0.5, 2.0)], (70, 40))
SMOOTHING = {"exact": 0.0, "rounded": 0.2}
GRIDS = {
    "sphere": Sphere(600),
    "circle": Circle(300),
    "plane": Box([(-3.0, 1.0), (0.5, 2.0)], (70, 40)),
    "space": Box([(-1.0, 1.0)] * 3, (12, 15, 11)),
}


def relu_on(domain, count, smoothing=0.0, seed=0):
    """Data of very different lengths, one at the origin and one on a cell centre's equator."""
    components = domain.points.shape[-1]
    inputs = np.random.default_rng(seed).normal(size=(count, components)) * np.logspace(-3, 3, count)[:, None]
    inputs[1], inputs[2] = 0.0, np.eye(components)[0]
    return Relu(inputs, smoothing)


def sums_of(domain, relu, seed=1):
    """Moments of random masses of both signs, and the potential of random coefficients."""
    generator = np.random.default_rng(seed)
    mass, coefficients = generator.normal(size=math.prod(domain.shape)), generator.normal(size=len(relu.inputs))
    tiled = TiledRelu(domain, relu.inputs, relu._width)
    potential = np.full(mass.size, np.nan)
    tiled.potential(coefficients, potential)
    return mass, coefficients, tiled.moments(mass), potential


def errors(domain, relu):
    """Largest errors of moments and potential, over the sums of the sizes of what is added."""
    mass, coefficients, moments, potential = sums_of(domain, relu)
    features = relu(domain.points.reshape(mass.size, -1))
    sizes = abs(mass) @ features + 1e-300, features @ abs(coefficients) + 1e-300
    reach = np.abs(domain.points).max() * np.abs(relu.inputs).sum(axis=1)  # of activations, whose round-off may remain
    first = abs(moments - mass @ features) / (sizes[0] + reach * abs(mass).max())
    second = abs(potential - features @ coefficients) / (sizes[1] + (reach * abs(coefficients)).max())
    return float(first.max()), float(second.max())


@pytest.mark.parametrize("smoothing", SMOOTHING.values(), ids=SMOOTHING)
@pytest.mark.parametrize("domain", [*GRIDS.values(), WEIGHTS], ids=[*GRIDS, "weights"])
def test_tiles_give_the_sums_of_the_matrix(domain, smoothing):
    assert max(errors(domain, relu_on(domain, 37, smoothing))) < ROUND_OFF


@pytest.mark.parametrize("name", ["sphere", "space"])
def test_densities_on_two_sheets_have_the_moments_of_their_net_masses(name):
    domain = GRIDS[name]
    relu, rows = relu_on(domain, 37), np.random.default_rng(3).random((2, math.prod(domain.shape)))
    tiled = TiledRelu(domain, relu.inputs, relu._width)
    net = (rows[0] - rows[1]) * domain.volumes.ravel()
    np.testing.assert_array_equal(tiled.moments_of_density(rows), tiled.moments(net))
    np.testing.assert_array_equal(tiled.moments_of_density(rows[:1]), tiled.moments(rows[0] * domain.volumes.ravel()))


@pytest.mark.parametrize("domain", [*GRIDS.values(), WEIGHTS], ids=[*GRIDS, "weights"])
def test_each_cell_is_in_one_tile_and_each_tile_in_its_ball(domain):
    points, (tiles, own) = domain.points.reshape(math.prod(domain.shape), -1), tiles_on(domain)
    assert sorted(tiles.order) == [*range(len(points))]
    assert tiles.blocks[0] == 0
    assert tiles.blocks[-1] == len(tiles.balls) == len(tiles.starts) - 1
    assert own == slice(0, len(tiles.blocks) - 1)
    for t, (first, last) in enumerate(pairwise(tiles.starts)):
        inside = points[tiles.order[first:last]]
        assert 0 < len(inside) <= TILE
        assert (np.linalg.norm(inside - tiles.balls[t, : inside.shape[1]], axis=1) <= tiles.balls[t, 3]).all()


@pytest.mark.parametrize("smoothing", SMOOTHING.values(), ids=SMOOTHING)
def test_kinks_are_met_only_where_they_pass_between_cells(smoothing):
    domain = GRIDS["sphere"]
    relu, (tiles, _) = relu_on(domain, 37, smoothing), tiles_on(domain)
    kinks = TiledRelu(domain, relu.inputs, relu._width)._kinks
    for t, (first, last) in enumerate(pairwise(tiles.starts)):
        activations = domain.points[tiles.order[first:last]] @ relu.inputs.T
        lowest, highest = activations.min(axis=0) - relu._width, activations.max(axis=0) + relu._width
        expected = np.where(lowest >= 0.0, LINEAR, np.where(highest <= 0.0, ZERO, KINKED))
        np.testing.assert_array_equal(kinks.kinds[t, :37], expected)
        listed = kinks.listed[kinks.starts[t] : kinks.starts[t + 1]]
        assert [i for i in listed if i < 37] == [*np.flatnonzero(expected == KINKED)]
        assert len(listed) - np.count_nonzero(expected == KINKED) == -np.count_nonzero(expected == KINKED) % 4


class Rows(Box):
    """Rows 3 to 10 of a box, whose own blocks are those of rows 5 to 8, as a process holds them beside others."""

    whole = GRIDS["space"]
    points = whole.points[3:11]
    partition = RowPartition((8, *whole.shape[1:]), np.arange(2, 7))
    partition.sums = lambda partial: partial


def test_rows_of_a_box_have_the_same_sums_whoever_holds_them():
    box = GRIDS["space"]
    part, relu = Rows(box.bounds, (8, *box.shape[1:])), relu_on(box, 37)
    generator = np.random.default_rng(2)
    mass, coefficients = generator.normal(size=box.shape), generator.normal(size=37)
    sums = [TiledRelu(domain, relu.inputs, relu._width) for domain in (box, part)]
    potentials = [np.empty(math.prod(domain.shape)) for domain in (box, part)]
    for tiled, potential in zip(sums, potentials, strict=True):
        tiled.potential(coefficients, potential)
    assert potentials[0].reshape(box.shape)[3:11].tobytes() == potentials[1].tobytes()
    sums[0]._sums = lambda partial: partial
    assert sums[0].moments(mass.ravel())[5:9].tobytes() == sums[1].moments(mass[3:11].ravel()).tobytes()


def test_sums_do_not_depend_on_the_number_of_threads():
    domain, found = GRIDS["sphere"], []
    threads = numba.get_num_threads()
    try:
        for count in {1, threads}:
            numba.set_num_threads(count)
            found.append(np.concatenate(sums_of(domain, relu_on(domain, 37))[2:]).tobytes())
    finally:
        numba.set_num_threads(threads)
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("cells", "data", "inputs", "memory_limit", "expected"),
    [
        (10242, 100, 3, 2.0**30, True),
        (10242, 100, 4, 2.0**30, False),
        (10242, 100, 4, 1.0, False),
        (10242, LEAST_DATA - 1, 3, 2.0**30, False),
        (10242, LEAST_DATA - 1, 3, 1.0, True),
        (LEAST_ENTRIES // 64, 64, 3, 2.0**30, True),
        (LEAST_ENTRIES // 64 - 1, 64, 3, 2.0**30, False),
    ],
)
def test_tiles_are_chosen_where_they_pay(cells, data, inputs, memory_limit, expected):
    assert tiles_pay(cells, data, inputs, memory_limit) is expected
    assert Relu(np.ones((data, inputs))).in_tiles(cells, memory_limit) is expected


def estimated(risk, domain):
    """Names of what the functional takes on a grid."""
    grid = describe_grid(domain)
    return [item.name for item in functional_items(grid, "explicit", _grid_terms(risk, grid))]


def test_inputs_whose_squares_overflow_are_refused():
    inputs = np.full((LEAST_DATA, 3), -1.0001e150)
    with pytest.raises(InputError, match=r"inputs up to 1\.0001e\+150 in size .* up to 1e\+150"):
        Relu(inputs)
    risk = Features(Relu(inputs / 1.0001, 0.1), np.ones(LEAST_DATA))
    assert np.isfinite(risk.on_grid(Sphere(10242)).value(np.ones(10242)))


@pytest.mark.parametrize(
    "domain", [Signed(Sphere(2562)), Box([(-1.0, 1.0)] * 3, (4, 52, 52))], ids=["signed sphere", "pairs in space"]
)
def test_features_and_their_estimate_of_memory_choose_alike(domain, monkeypatch):
    """Above the break-even no matrix is made: neither the features at all cells nor dense sums are asked for."""

    def refuse(*_):
        raise AssertionError("a matrix of features is made")

    pairs = domain.base.lattice is not None
    inputs = np.random.default_rng(0).normal(size=(60, 2 if pairs else 3))
    risk = Features(Neurons(Relu(inputs)) if pairs else Relu(inputs), np.ones(60))
    assert estimated(risk, domain) == ["cells in tiles"]
    monkeypatch.setattr(DenseMoments, "__init__", refuse)
    monkeypatch.setattr(Relu, "__call__", refuse)
    assert np.isfinite(risk.on_grid(domain).value(np.ones(domain.shape)))
    few = Features(Neurons(Relu(inputs[:9])) if pairs else Relu(inputs[:9]), np.ones(9))
    assert estimated(few, domain) == ["features at all cells", "computing the features"]
    with pytest.raises(AssertionError, match="a matrix"):
        few.on_grid(domain)
