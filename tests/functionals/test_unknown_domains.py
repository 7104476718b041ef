"""Domains that no functional was written for: all pairs of cells, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

from wgflow.domains import Box, Circle, Domain, Hypersphere, Signed, Space, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals import (
    Deconvolution,
    DirichletKernel,
    Features,
    Interaction,
    KernelDiscrepancy,
    SobolevDiscrepancy,
    ZonalInteraction,
)
from wgflow.measures import Particles
from wgflow.networks import Neurons, Population, Teacher
from wgflow.networks.relu import Relu

TORUS = Box([(0.0, 3.0), (0.0, 2.0)], (9, 7), periodic=True)


@dataclass(frozen=True)
class Scattered(UnsignedDomain):
    """The cells of another domain in no order that anyone knows."""

    domain: Domain
    kind = "scattered"
    reaction = 0.0
    coordinates = ()

    @property
    def geometry(self):
        return self.domain.geometry

    @property
    def shape(self):
        return (self.domain.volumes.size,)

    @cached_property
    def points(self):
        return self.domain.points.reshape(self.shape[0], -1)

    @cached_property
    def volumes(self):
        return np.ravel(self.domain.volumes)

    @property
    def parameters(self):
        return {}


def both_evaluations(functional, domain, *, signed=False):
    """Energy and potential on a domain and on its scattered cells."""
    density = np.random.default_rng(1).random((2 if signed else 1, domain.volumes.size))
    for place in (domain, Scattered(domain)):
        place = Signed(place) if signed else place
        bound, potential = functional.on_grid(place), np.empty(place.shape)
        yield bound.evaluate(density.reshape(place.shape), potential), potential.ravel()


def wave(displacements):
    return np.exp(np.cos(2.0 * np.pi * displacements / [3.0, 2.0]).sum(axis=1))


def bump(cosines):
    return np.exp(cosines)


SAMPLES = Particles([[0.3, 1.9], [2.5, 0.2]], [1.0, 0.5], [1.0, -1.0])


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("functional", "domain", "error"),
    [
        (Interaction(wave), TORUS, 1e-13),
        (KernelDiscrepancy(Interaction(wave), SAMPLES), TORUS, 1e-13),
        (ZonalInteraction(bump), Circle(32), 1e-13),
        (ZonalInteraction(bump), Sphere(162), 1e-9),
        (Population(Teacher([[1.0, 0.5]], [2.0])), Circle(32), 1e-13),
        (Population(Teacher([[1.0, 0.5, 0.2]], [2.0])), Sphere(162), 1e-6),
        (Features(Relu(np.eye(2)), [1.0, 2.0]), Circle(32), 1e-13),
    ],
)
def test_sums_over_pairs_are_those_of_transforms(functional, domain, error, signed):
    (energy, potential), (slow_energy, slow_potential) = both_evaluations(functional, domain, signed=signed)
    assert slow_energy == pytest.approx(energy, rel=error)
    np.testing.assert_allclose(slow_potential, potential, rtol=0, atol=error * abs(potential).max())


def test_pairs_of_weights_need_no_rows():
    pairs = Box([(-1.0, 1.0)] * 3, (4, 5, 6))
    for functional in (Population(Teacher([[1.0, 0.5]], [2.0])), Features(Neurons(Relu(np.eye(2))), [1.0, 2.0])):
        (energy, potential), (slow_energy, slow_potential) = both_evaluations(functional, pairs)
        assert slow_energy == pytest.approx(energy, rel=1e-13)
        np.testing.assert_allclose(slow_potential, potential, rtol=0, atol=1e-13 * abs(potential).max())


@pytest.mark.parametrize(
    ("functional", "domain", "error"),
    [
        (Interaction(wave), Scattered(Circle(8)), InputError),
        (Interaction(wave), Space(2), InputError),
        (ZonalInteraction(bump), Scattered(TORUS), InputError),
        (ZonalInteraction(bump), Hypersphere(3), InputError),
        (SobolevDiscrepancy(np.ones(8), 1.0), Scattered(Circle(8)), InputError),
        (Population(Teacher([[1.0, 0.5, 0.2]], [2.0])), Hypersphere(3), ShapeError),
        (Population(Teacher([[1.0, 0.5]], [2.0])), Scattered(TORUS), ShapeError),
    ],
)
def test_what_is_not_available_is_refused(functional, domain, error):
    with pytest.raises(error, match=f"'{domain.kind}'"):
        functional.on_grid(domain)


def test_deconvolution_needs_a_torus():
    spike = Particles([[1.0, 0.0]], [1.0], [1.0])
    with pytest.raises(InputError, match="deconvolution needs a circle or a periodic box; the domain is 'scattered'"):
        Deconvolution(DirichletKernel(2), spike, Scattered(Circle(8)))
