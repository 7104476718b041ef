"""Estimated errors are near true ones, and rows say where they are not."""

from __future__ import annotations

import math

import pytest

from wgflow.app.validation.finding import load_validation

module = load_validation("estimates")
CASES = {case.name: case for case in module.CASES}


@pytest.mark.parametrize("name", ["quadratic, circle", "contraction, line", "Fokker-Planck, TR-BDF2"])
def test_estimates_of_exact_flows_are_within_their_factor(name):
    rows = [finding.row for finding in CASES[name].findings()]
    assert [row.what for row in rows if not row.passed] == []
    assert len(rows) == len({row.what for row in rows}) == (8 if name == "quadratic, circle" else 6)


def test_estimates_of_deterministic_particles_are_within_their_factor():
    name, problem, settings, at_random = next(start for start in module.STARTS if start[0] == "characteristics")
    assert all(finding.row.passed for finding in module.random_start(name, problem, settings, at_random, 1))


@pytest.mark.parametrize(
    ("estimate", "truth", "optional", "passed"),
    [
        (1.0, 2.0, False, True),
        (1.0, 4.0, False, False),
        (math.nan, 1.0, False, False),
        (math.nan, 1.0, True, True),
        (1e-13, 1e-12, False, True),
    ],
)
def test_rows_compare_within_a_factor(estimate, truth, optional, passed):
    finding = module.Finding("x", 1.0, "energy", estimate, truth, optional=optional)
    assert finding.row.passed is passed
    assert (finding.row.value == "not resolved") is (optional and math.isnan(estimate))
