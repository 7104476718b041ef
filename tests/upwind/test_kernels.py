"""Compiled finite-volume kernels against their twins written with whole arrays, and the limiters' properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import references
from wgflow.upwind.kernels import fluxes, limiters, line

LIMITERS = {"first_order": limiters.FIRST_ORDER, **limiters.LIMITERS}
SECOND_ORDER = [name for name in LIMITERS if name != "first_order"]
TOTAL_VARIATION_DIMINISHING = ["minmod", "mc", "van_leer"]

# Products of two differences must not underflow: van Leer's slope is then zero, which is harmless.
sizes = st.floats(1e-30, 10.0)
numbers = st.one_of(st.just(0.0), sizes, sizes.map(lambda size: -size))
densities = st.one_of(st.just(0.0), st.floats(1e-6, 10.0))
for_every_limiter = pytest.mark.parametrize("limiter", LIMITERS)
for_serial_and_parallel = pytest.mark.parametrize("blocks", [1, line.PARALLEL_BLOCKS])


def limited(backward, forward, density, limiter):
    return limiters.limited_difference(backward, forward, density, LIMITERS[limiter])


def rough_state(seed, rows, cells):
    """Random densities with vacuum and spikes, and a random potential."""
    generator = np.random.default_rng(seed)
    density = generator.exponential(size=(rows, cells)) ** 3 * (generator.random((rows, cells)) < 0.7)
    return density, generator.normal(size=(rows, cells)), generator.exponential(size=(rows, cells))


@pytest.mark.parametrize(
    ("limiter", "backward", "forward", "density", "expected"),
    [
        ("first_order", 1.0, 3.0, 5.0, 0.0),
        ("minmod", 1.0, 3.0, 5.0, 1.0),
        ("minmod", -4.0, -3.0, 5.0, -3.0),
        ("mc", 1.0, 2.0, 5.0, 1.5),
        ("mc", 1.0, 8.0, 5.0, 2.0),
        ("mc", -8.0, -1.0, 9.0, -2.0),
        ("van_leer", 1.0, 3.0, 5.0, 1.5),
        ("van_leer", -2.0, -2.0, 5.0, -2.0),
        ("positive", 1.0, 3.0, 5.0, 2.0),
        ("positive", 1.0, 3.0, 0.5, 1.0),
        ("positive", -0.5, -9.0, 0.5, -1.0),
        ("positive", -0.5, 3.0, 0.5, 1.0),
        *((name, 1.0, -3.0, 5.0, 0.0) for name in TOTAL_VARIATION_DIMINISHING),
        *((name, 0.0, 0.0, 0.0, 0.0) for name in LIMITERS),
    ],
)
def test_limiters_have_their_known_values(limiter, backward, forward, density, expected):
    assert limited(backward, forward, density, limiter) == pytest.approx(expected, rel=1e-15)


@for_every_limiter
@given(densities, densities, densities)
def test_face_values_of_nonnegative_densities_lie_between_zero_and_twice_the_average(limiter, left, density, right):
    slope = limited(density - left, right - density, density, limiter)
    assert abs(0.5 * slope) <= density * (1.0 + 1e-15)


@for_every_limiter
def test_face_values_beside_vacuum_are_not_negative_even_by_round_off(limiter):
    generator = np.random.default_rng(0)
    for density in generator.exponential(size=1000):
        for right in density * np.logspace(0.0, 20.0, 21):
            slope = limited(density, right - density, density, limiter)
            assert density - 0.5 * slope >= 0.0
            assert slope == limited(right - density, density, density, limiter)


@pytest.mark.parametrize("limiter", TOTAL_VARIATION_DIMINISHING)
@given(numbers, numbers)
def test_limited_differences_stay_in_the_total_variation_region(limiter, backward, forward):
    slope = limited(backward, forward, 1.0, limiter)
    if backward * forward <= 0.0:
        assert slope == 0.0
    else:
        assert 0.0 <= slope / backward <= 2.0 + 1e-14
        assert 0.0 <= slope / forward <= 2.0 + 1e-14
        assert abs(slope) >= min(abs(backward), abs(forward)) * (1.0 - 1e-14)


@for_every_limiter
@given(numbers, numbers, densities)
def test_limiters_are_symmetric_under_reflection_and_sign(limiter, backward, forward, density):
    slope = limited(backward, forward, density, limiter)
    assert limited(forward, backward, density, limiter) == slope
    assert limited(-backward, -forward, density, limiter) == -slope


@for_every_limiter
@given(numbers, numbers, densities, st.integers(-20, 20))
def test_limiters_are_homogeneous(limiter, backward, forward, density, power):
    factor = 2.0**power
    scaled = limited(factor * backward, factor * forward, factor * density, limiter)
    assert scaled == factor * limited(backward, forward, density, limiter)


@pytest.mark.parametrize("limiter", SECOND_ORDER)
@given(numbers)
def test_limiters_keep_linear_densities(limiter, slope):
    assert limited(slope, slope, 10.0, limiter) == pytest.approx(slope, rel=1e-15)


@for_every_limiter
@given(densities, densities, densities, densities, numbers)
def test_the_flux_takes_the_face_value_of_the_cell_that_the_velocity_leaves(limiter, a, b, c, d, velocity):
    slopes = [
        references.limited_difference(np.array(y - x), np.array(z - y), np.array(y), limiter)
        for x, y, z in [(a, b, c), (b, c, d)]
    ]
    value = b + 0.5 * slopes[0] if velocity > 0.0 else c - 0.5 * slopes[1]
    flux = fluxes.upwind_flux(a, b, c, d, velocity, LIMITERS[limiter])
    assert flux == pytest.approx(velocity * value, rel=1e-13, abs=1e-14)


@pytest.mark.parametrize(("limiter", "blocks"), [*((name, 1) for name in LIMITERS), ("mc", line.PARALLEL_BLOCKS)])
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("cells", [4, 5, 11, 200])
def test_an_euler_stage_equals_its_twin(limiter, blocks, rows, cells):
    """Limiters over the serial kernel: the parallel one, which takes long to compile, differs in its loops alone."""
    density, potential, start = rough_state(cells, rows, cells)
    step, spacing, transport, reaction = 0.01, 2.0 * np.pi / cells, 1.3, 1.7
    weights, result, flux = (0.75, 0.25), np.empty((rows, cells)), np.full((rows, cells + 1), np.nan)
    stage = line.stage_kernel(LIMITERS[limiter], blocks)
    stage(density, potential, start, weights, step, transport / spacing**2, reaction, flux, result)
    change = references.rate_of_change(density, potential, spacing, transport, reaction, limiter)
    expected = 0.75 * start + 0.25 * (density + step * change)
    assert abs(result - expected).max() < 1e-14 * (abs(expected).max() + step * abs(change).max())


def test_densities_that_floating_point_does_not_hold_in_full_become_zero():
    density, result, flux = np.ones((1, 12)), np.empty((1, 12)), np.empty((1, 13))
    least = np.finfo(np.float64).tiny
    density[0, 5:9] = [0.75 * least, least, -0.75 * least, -1.0]
    stage = line.stage_kernel(LIMITERS["mc"], 1)
    stage(density, np.zeros((1, 12)), density, (0.0, 1.0), 1.0, 0.0, 2.0, flux, result)
    np.testing.assert_array_equal(result[0], [*[1.0] * 5, 0.0, least, 0.0, -1.0, *[1.0] * 3])
    stage(np.full((1, 12), np.nan), np.zeros((1, 12)), density, (0.0, 1.0), 1.0, 0.0, 2.0, flux, result)
    assert np.isnan(result).all()


@pytest.mark.parametrize("rows", [1, 2])
def test_the_result_does_not_depend_on_the_number_of_blocks(rows):
    density, potential, start = rough_state(1, rows, 301)
    results = []
    for blocks in (1, line.PARALLEL_BLOCKS):
        result, flux = np.empty((rows, 301)), np.full((rows, 302), np.nan)
        line.stage_kernel(LIMITERS["mc"], blocks)(
            density, potential, start, (0.75, 0.25), 1e-3, 900.0, 2.0, flux, result
        )
        results.append(result)
    assert abs(results[0] - results[1]).max() < 1e-15 * abs(results[0]).max()


@for_serial_and_parallel
@pytest.mark.parametrize("face_factor", [1.0, 2.0])
@given(cells=st.integers(4, 700), rows=st.integers(1, 2), seed=st.integers(0, 2**32 - 1))
def test_the_largest_loss_rate_equals_its_twin(blocks, face_factor, cells, rows, seed):
    potential = np.random.default_rng(seed).normal(size=(rows, cells))
    spacing, lanes = 2.0 * np.pi / cells, np.full((rows * blocks, line.LANES), np.inf)
    found = line.loss_rate_kernel(blocks)(potential, 1.3 / spacing**2, face_factor, 1.7, lanes)
    expected = references.largest_loss_rate(potential, spacing, 1.3, 1.7, face_factor)
    assert found == pytest.approx(expected, rel=1e-13)


@for_serial_and_parallel
@pytest.mark.parametrize("cells", [66, 67, 130])
def test_the_largest_loss_rate_is_found_in_any_cell(blocks, cells):
    spacing, lanes = 2.0 * np.pi / cells, np.empty((2 * blocks, line.LANES))
    for cell in [*range(0, cells, 1 if blocks == 1 else 3), cells - 2, cells - 1]:
        potential = np.zeros((2, cells))
        potential[cell % 2, cell] = 1.0
        rate = line.loss_rate_kernel(blocks)(potential, 1.0 / spacing**2, 2.0, 4.0, lanes)
        assert rate == pytest.approx(4.0 / spacing**2 + 4.0, rel=1e-14)


def test_a_cell_at_the_top_of_the_potential_gains_nothing_from_reaction_at_the_bottom():
    lanes = np.empty((1, line.LANES))
    assert line.loss_rate_kernel(1)(np.full((1, 8), -3.0), 1.0, 2.0, 4.0, lanes) == 0.0
    assert line.loss_rate_kernel(1)(np.full((1, 8), 3.0), 1.0, 2.0, 4.0, lanes) == 12.0
