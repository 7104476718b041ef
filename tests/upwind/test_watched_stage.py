"""What stages tell of their step: against numpy; the same bits on one thread, from parts of the rows, of states."""

from __future__ import annotations

import numpy as np
import pytest

from tests.upwind.test_box import BOXES
from wgflow import Box, Circle, Signed, Sphere
from wgflow.domains.partition import RowPartition
from wgflow.upwind import lattice
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.scheme import Stage

WEIGHTS, STEP, COMBINATION = (0.25, 0.75), 1e-3, (0.5, -1.0, 0.25, 0.3, 0.8)
DOMAINS = [*BOXES, Signed(Box([(0.0, 1.0), (-1.0, 2.0)], (5, 7))), Signed(Circle(17)), Sphere(42)]
FACTORS = {"transport": 0.7, "reaction": 1.3, "order": 2}


def rough_fields(domain):
    generator = np.random.default_rng(4)
    density, start = generator.random((2, *domain.shape))
    return density, generator.normal(size=domain.shape), start


def watch(domain, scheme=None, *, steady=False):
    """What a stage tells, and its result."""
    density, potential, start = rough_fields(domain)
    scheme = scheme or make_space_scheme(domain, **FACTORS)
    result = np.empty(domain.shape)
    stage = Stage(density, potential, start, WEIGHTS, STEP, result)
    return scheme.watched_stage(stage, COMBINATION, steady=steady), result


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: f"{domain.kind}{domain.shape}")
def test_a_stage_tells_of_its_step(domain):
    scheme, (density, potential, start) = make_space_scheme(domain, **FACTORS), rough_fields(domain)
    found, result = watch(domain)
    bare = np.empty(domain.shape)
    scheme.euler_stage(density, potential, start, WEIGHTS, STEP, bare)
    np.testing.assert_array_equal(result, bare)
    again = np.empty(domain.shape)
    assert scheme.checked_stage(Stage(density, potential, start, WEIGHTS, STEP, again)) == found.loss_rate
    np.testing.assert_array_equal(again, bare)
    assert found.loss_rate == scheme.loss_rate(potential)
    assert scheme.extremes(potential) == (found.loss_rate, potential.min())
    error, change = 0.5 * start - density + 0.25 * result, 0.3 * density + 0.8 * result - start
    masses = [(part * domain.volumes).sum() for part in (abs(error), abs(change), start, result)]
    np.testing.assert_allclose(found[1:5], masses, rtol=1e-14)
    paired, size = potential * result * domain.volumes, (abs(potential * result) * domain.volumes).sum()
    steady, same = watch(domain, steady=True)
    np.testing.assert_array_equal(same, result)
    assert steady.loss_rate == 0.0
    assert steady[1:5] == found[1:5]
    assert steady.paired == pytest.approx(paired.sum(), rel=0.0, abs=1e-15 * size)
    assert scheme.state_sums(result, potential) == (steady.mass_after, steady.paired)
    again[...] = 0.0
    assert scheme.paired_stage(Stage(density, potential, start, WEIGHTS, STEP, again)) == steady.paired
    np.testing.assert_array_equal(again, bare)


@pytest.mark.parametrize("box", BOXES[-2:], ids=lambda box: str(box.shape))
def test_one_thread_gives_the_same_bits(box, monkeypatch):
    parallel = [watch(box, steady=steady) for steady in (False, True)]
    monkeypatch.setattr(lattice.structured, "PARALLEL_THRESHOLD", np.inf)
    serial = [watch(box, steady=steady) for steady in (False, True)]
    for (told, result), (same, other) in zip(parallel, serial, strict=True):
        assert told == same
        np.testing.assert_array_equal(result, other)


class Slab(Box):
    """Rows ``low`` to ``high`` of another box, blocks ``chosen`` of whose partition are its own."""

    def __init__(self, whole, chosen):
        bounds = whole.partition.bounds
        self.low, self.high = max(bounds[chosen[0]] - 2, 0), min(bounds[chosen[-1] + 1] + 2, whole.shape[0])
        step = whole.spacing[0]
        ends = [(self.low * step, self.high * step), *whole.bounds[1:]]
        super().__init__(ends, (self.high - self.low, *whole.shape[1:]), (False, *whole.periodic[1:]))
        object.__setattr__(self, "own", bounds[chosen[0] : chosen[-1] + 2] - self.low)

    @property
    def partition(self):
        return RowPartition(self.shape, self.own)


@pytest.mark.parametrize("shape", [(13, 6), (130, 260), (9, 5, 6)])
def test_parts_of_the_rows_give_the_same_bits(shape):
    box = Box([(0.0, 0.1 * count) for count in shape], shape)
    density, potential, start = rough_fields(box)
    whole = make_space_scheme(box, **FACTORS)
    (found, result), (steady, _) = watch(box, whole), watch(box, whole, steady=True)
    partial, rates = [], []
    for chosen in np.array_split(np.arange(len(box.partition)), 3):
        slab = Slab(box, chosen)
        scheme, part = make_space_scheme(slab, **FACTORS), np.full(slab.shape, np.nan)
        scheme._mobility = whole._mobility  # widths differ by round-off
        fields = [field[slab.low : slab.high].copy() for field in (density, potential, start)]
        stage = Stage(*fields, WEIGHTS, STEP, part)
        rates.append(scheme.watched_stage(stage, COMBINATION, steady=False).loss_rate)
        scheme.watched_stage(stage, COMBINATION, steady=True)
        partial.append(scheme._sums)
        own = slice(slab.own[0], slab.own[-1])
        np.testing.assert_array_equal(part[own], result[slab.low :][own])
        assert np.isnan(np.delete(part, np.arange(own.start, own.stop), axis=0)).all()
    assert max(rates) == found.loss_rate
    sums = whole._volume * box.partition.sums(np.concatenate(partial))
    np.testing.assert_array_equal(sums, steady[1:])
