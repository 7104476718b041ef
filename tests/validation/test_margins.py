"""Margins bound the flow of diverging mass."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Signed, Sphere
from wgflow.app.validation.finding import load_validation

module = load_validation("margins")


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(module.SEED)
    inputs, labels = module.draw_clusters(2, 3, generator).draw(module.CASES[2], generator)
    return inputs, labels, module.variation_margin(inputs, labels)


def test_margins_are_certified_and_in_order(data):
    rows = list(module.margins(*data, "x"))
    assert [row.passed for row in rows] == [True] * 4
    assert rows[-1].value == "none"
    assert 0.2 < rows[2].value < 0.3


@pytest.mark.parametrize(("loss", "transport"), [("softmin", 0.0), ("logistic", 1.0)])
def test_flows_of_diverging_mass_come_near_the_largest_margin(data, loss, transport):
    inputs, labels, best = data
    domain = Signed(Sphere(642))
    found = module.follow(inputs, labels, 642, loss=loss, transport=transport)
    rows = list(module.rows_of(found, best, domain, module.near_optimum(domain, best, inputs, labels), "x"))
    assert [row.passed for row in rows] == [True] * 4
    assert 0.97 < rows[0].value < 0.98
