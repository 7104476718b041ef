"""What is said of kernels without a gradient."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from wgflow.errors import FlowWarning
from wgflow.functionals import Interaction, KernelDiscrepancy, Potential
from wgflow.functionals.energies.difference_costs import warn_of_differences
from wgflow.measures import Particles

SAMPLE = Particles([[0.0]], [1.0])


def square(z):
    return (z**2).sum(axis=-1)


def test_many_particles_without_a_gradient_are_warned_of_once():
    plain = Interaction(square)
    for functional in (plain, 0.5 * plain + Potential(square), KernelDiscrepancy(plain, SAMPLE)):
        with pytest.warns(FlowWarning, match="the kernel of 1000 particles has no gradient") as found:
            warn_of_differences(functional, 1000)
        assert len(found) == 1


def test_nothing_is_said_of_others():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_differences(Interaction(square), 999)
        warn_of_differences(Interaction(square, gradient=lambda z: 2.0 * z) + Potential(np.sum), 10**6)
