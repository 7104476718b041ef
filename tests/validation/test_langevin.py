"""Noisy particles follow the diffusion equation."""

from __future__ import annotations

import numpy as np

from wgflow.app.validation.finding import load_validation

module = load_validation("langevin")


def test_noisy_networks_follow_the_diffusion_equation():
    """Neurons that act on each other, between walls: risks at two times and W1 at the end."""
    network = len(module.all_cases(quick=True)) - 1
    found = module.follow_case(network, map, quick=True)
    assert found.case.name == "network a tanh(b x)"
    assert [row.what.partition(": ")[2].split()[0] for row in found.rows if row.passed] == ["risk", "W1"]


def test_particles_of_another_law_are_found_out():
    case, risks = module.all_cases(quick=True)[0], np.array([[1.0, 2.0], [1.1, 2.1], [0.9, 1.9]])
    assert module.risk_row(case, risks, np.array([1.0, 2.0])).passed
    assert module.risk_row(case, risks, np.array([1.0, 2.5])).value < -8.0
    assert not module.distance_row(case, np.array([[0.3, 0.1], [0.31, 0.11], [0.32, 0.1]])).passed
