"""Flux-corrected transport on the sphere: a readable numpy twin, and bounds."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wgflow import Sphere, StreamFunction, solve_transport
from wgflow.domains.diamonds import side_of
from wgflow.upwind.diamond_faces import DiamondFaces
from wgflow.upwind.discretisation import make_given_scheme
from wgflow.upwind.flux_corrected import places_of
from wgflow.upwind.kernels import diamonds

STAGES = [((0.0, 1.0), 0.9), ((0.5, 0.5), 0.9)]  # weights, and sizes over what the largest outflow allows


def swirl(seed):
    """A stream function that changes from one cell to the next."""
    waves = np.random.default_rng(seed).normal(size=(3, 40))
    return StreamFunction(lambda x, _: np.cos(8.0 * x @ waves).sum(axis=1))


def step_of(cells, density, flow, stages=STAGES):
    """Densities before and after the correction of a step, and integrals of fluxes and rates through edges."""
    sphere = Sphere(cells)
    scheme = make_given_scheme(sphere, order=3, limiter="zalesak")
    rates, nothing = flow.through_faces(sphere.mesh)(0.0), np.zeros(cells)
    scheme.give(rates)
    largest = scheme.loss_rate(nothing)
    scheme.begin_step()
    now, results = density, [np.empty(cells) for _ in stages]
    for number, ((weights, size), result) in enumerate(zip(stages, results, strict=True)):
        scheme.give(rates / (1.0 + number))
        scheme.euler_stage(now, nothing, density, weights, size / largest, result)
        now = result
    plain = now.copy()
    scheme.finish_step(density, now)
    faces = DiamondFaces(sphere.mesh, side_of(sphere.level))
    places, signs = places_of(faces, scheme._in_step[0].size)
    return sphere, plain, now, [signs * flows[places] for flows in scheme._flat]


def draw(cells, seed):
    generator = np.random.default_rng(seed)
    return (generator.random(cells) > 0.6) + 0.1 * generator.random(cells), swirl(seed)


def after(sphere, density, flux):
    """Density after integrals of fluxes through all edges."""
    first, second = sphere.mesh.edges.T
    result = density.copy()
    np.subtract.at(result, first, flux / sphere.volumes[first])
    np.add.at(result, second, flux / sphere.volumes[second])
    return result


def corrected(sphere, density, total, rates):
    """Zalesak's correction, cell by cell, written for reading."""
    first, second = sphere.mesh.edges.T
    upwind = rates * np.where(rates > 0.0, density[first], density[second])
    low, added = after(sphere, density, upwind), total - upwind
    gains, losses = np.ones((2, len(density)))
    for cell, volume in enumerate(sphere.volumes):
        outwards = np.concatenate([added[first == cell], -added[second == cell]])
        near = np.concatenate([second[first == cell], first[second == cell], [cell]])
        bounds = np.append(density[near], low[cell])
        gain, loss = -outwards[outwards < 0.0].sum(), outwards[outwards > 0.0].sum()
        gains[cell] = min(1.0, (bounds.max() - low[cell]) * volume / gain) if gain > 0.0 else 1.0
        losses[cell] = min(1.0, (low[cell] - bounds.min()) * volume / loss) if loss > 0.0 else 1.0
    forwards, backwards = np.minimum(losses[first], gains[second]), np.minimum(gains[first], losses[second])
    return after(sphere, low, added * np.where(added > 0.0, forwards, backwards))


@pytest.mark.parametrize("cells", [12, 42, 642])
def test_correction_equals_the_numpy_twin(cells):
    density, flow = draw(cells, 1)
    sphere, plain, result, (total, rates) = step_of(cells, density, flow)
    np.testing.assert_allclose(after(sphere, density, total), plain, rtol=0.0, atol=1e-14)
    np.testing.assert_allclose(result, corrected(sphere, density, total, rates), rtol=0.0, atol=1e-14)
    assert abs(result - plain).max() > 0.02  # something was corrected


def test_densities_that_floating_point_does_not_hold_in_full_become_zero():
    """In rows and, as near the corners of the grid, apart from them."""
    sphere, least = Sphere(642), np.finfo(np.float64).tiny
    scheme = make_given_scheme(sphere, order=3, limiter="zalesak")
    density, result = np.where(np.arange(642) % 2, 0.75 * least, least), np.empty(642)
    scheme.begin_step()
    scheme.euler_stage(density, np.zeros(642), density, (0.0, 1.0), 1.0, result)
    scheme.finish_step(density, result)
    np.testing.assert_array_equal(result, np.where(density < least, 0.0, density))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), cells=st.sampled_from([42, 162]))
def test_steps_stay_within_the_range_of_neighbours(seed, cells):
    """At the largest step, whose upwind flux empties a cell."""
    density, flow = draw(cells, seed)
    sphere, _, result, _ = step_of(cells, density, flow, [((0.0, 1.0), 2.0)])
    around = density[hoods(sphere)]
    lowest, highest = np.minimum(around.min(axis=1), density), np.maximum(around.max(axis=1), density)
    assert (result >= np.maximum(lowest - 1e-15, 0.0)).all()
    assert (result <= highest + 1e-14).all()
    assert result @ sphere.volumes == pytest.approx(density @ sphere.volumes, rel=1e-14)


def hoods(sphere):
    """Neighbours of each cell, itself in the place of a sixth one of pentagons."""
    mesh = sphere.mesh
    return np.where(mesh.lengths > 0.0, mesh.neighbours, np.arange(sphere.cells)[:, None])


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch):
    density, flow = draw(642, 2)
    alone = step_of(642, density, flow)[2]
    monkeypatch.setattr(diamonds, "PARALLEL_THRESHOLD", 1)
    threads = numba.get_num_threads()
    for count in (1, threads):
        numba.set_num_threads(count)
        np.testing.assert_array_equal(step_of(642, density, flow)[2], alone)


def test_results_do_not_depend_on_bands_of_rows(monkeypatch):
    """Of 8 rows in bands of 8, 4 and 1: fluxes through faces between two bands are added up once."""
    density, flow = draw(642, 3)
    alone = step_of(642, density, flow)
    for cells, bands in ((32, 2), (8, 8)):
        monkeypatch.setattr(diamonds, "CELLS_AT_ONCE", cells)
        assert diamonds.bands_of(8) == bands
        found = step_of(642, density, flow)
        np.testing.assert_array_equal(found[1:3], alone[1:3])
        np.testing.assert_array_equal(found[3], alone[3])


@pytest.mark.parametrize(("limiter", "least", "most"), [("zalesak", -1e-13, 1e-13), ("positive", 0.2, 0.3)])
def test_a_background_and_a_plateau_stay_as_they_are(limiter, least, most):
    """Between 0.1 and 1, which third order that is kept positive alone passes."""
    spin = StreamFunction(lambda x, _: -2.0 * np.pi * x[:, 0], steady=True)
    sphere = Sphere(642)
    start = np.where(sphere.points @ [0.0, 0.6, 0.8] > 0.8, 1.0, 0.1)
    flow = solve_transport(spin, sphere, start, 0.25, limiter=limiter, times=[0.25], tolerance=1e-3)
    beyond = max(flow.density[-1].max() - 1.0, 0.1 - flow.density[-1].min())
    assert least <= beyond <= most
