"""What is estimated of spheres, over what their arrays take."""

from __future__ import annotations

import tracemalloc

import pytest

from wgflow import Sphere
from wgflow.domains import mesh_cache
from wgflow.domains.icosphere import build_mesh
from wgflow.runs.memory.domains import describe_grid
from wgflow.runs.memory.grids import domain_items, step_items
from wgflow.upwind.discretisation import make_given_scheme, make_space_scheme

CELLS = 40_962


def taken(build):
    """What is built, the bytes that it keeps, and those at the peak."""
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    found = build()
    after, peak = tracemalloc.get_traced_memory()
    return found, after - before, peak - before


def estimated(items):
    """Bytes of items by the first word of their names."""
    return {item.name.split()[0]: item.size for item in items if "output" not in item.name}


@pytest.fixture(autouse=True)
def _traced():
    tracemalloc.start()
    yield
    tracemalloc.stop()


def test_the_mesh_and_the_scheme_take_what_is_estimated(monkeypatch):
    """Exactly what they keep; at the peak at most what is told, but for what some thousands of cells take at a time."""
    monkeypatch.setattr(mesh_cache, "_small_mesh", build_mesh)
    sphere = Sphere(CELLS)
    monkeypatch.setattr("wgflow.runs.memory.domains.is_cached", lambda _: False)
    of_mesh = estimated(domain_items(describe_grid(sphere)))
    _, kept, peak = taken(lambda: sphere.mesh)
    assert kept == pytest.approx(of_mesh["the"], rel=0.01)
    assert peak == pytest.approx(of_mesh["the"] + of_mesh["making"], rel=0.02)
    for velocity, most in (("two_point", 1.6), ("midpoint", 1.1)):
        options = {"transport": 1.0, "reaction": 0.0, "order": 2, "velocity": velocity}
        midpoint = velocity == "midpoint"
        of_scheme = estimated(step_items(describe_grid(sphere), "explicit", midpoint=midpoint))
        _, kept, _ = taken(lambda options=options: make_space_scheme(sphere, **options))
        assert 1.0 <= kept / of_scheme["slopes"] <= most


def test_third_order_and_given_velocities_take_what_is_estimated():
    sphere = Sphere(CELLS)
    assert sphere.mesh is not None
    grid = describe_grid(sphere)
    for order, limiter, least in ((2, None, 1.0), (3, "zalesak", 0.98)):
        for method, most, make in (
            ("explicit", 1.6, lambda order: make_space_scheme(sphere, transport=1.0, reaction=0.0, order=order)),
            ("transport", 1.05, lambda order, name=limiter: make_given_scheme(sphere, order=order, limiter=name)),
        ):
            expected = estimated(step_items(grid, method, order=order))["slopes"]
            _, kept, _ = taken(lambda make=make, order=order: make(order))
            assert least <= kept / expected <= most, (order, method)
