"""Scaling laws: fitted exponents, the exact solution beside other packages, and problems that exist; no times."""

import numpy as np
import pytest

import wgflow
from wgflow.app.validation.finding import import_shipped, load_validation

scaling = load_validation("scaling")
cases = import_shipped("_scaling_cases")
peers = import_shipped("_scaling_peers")

COUNTS = (100, 1000, 2000, 4000)


@pytest.mark.parametrize("law", [cases.LINEAR, cases.FOURIER, cases.PAIRS])
def test_costs_by_a_law_have_the_exponent_1(law):
    """Of the three largest sizes; the smallest is out of line."""
    case = cases.Case("", "Data", COUNTS, lambda _: {}, law)
    cost = scaling.Cost(COUNTS, (7.0, *(3e-9 * law.cost(count) for count in COUNTS[1:])), 8.0)
    assert scaling.exponent(case, cost) == pytest.approx(1.0, abs=1e-13)
    assert scaling.row_of(case, cost, quick=False).passed


def test_costs_that_grow_faster_fail():
    case = cases.Case("a", "Data", COUNTS, lambda _: {})
    cost = scaling.Cost(COUNTS, tuple(1e-9 * count**1.2 for count in COUNTS), 8.0)
    row = scaling.row_of(case, cost, quick=False)
    assert row.value == pytest.approx(1.2, abs=1e-13)
    assert not row.passed
    assert not scaling.row_of(case, cost, quick=True).asked


def test_the_exact_flow_is_the_limit_of_ours():
    assert peers.exact_averages(16, 0.7).mean() == pytest.approx(1.0, rel=1e-15)
    edges = np.arange(17) / 16
    line = 16.0 * np.diff(edges + 0.25 / np.pi * np.sin(2.0 * np.pi * (edges - 0.3)))
    np.testing.assert_allclose(peers.exact_averages(16, 0.0), line[:, None] * line, rtol=1.3e-14)
    assert peers.our_advection(32)[1] < 2.0 * 0.00385


def test_problems_have_names_of_their_own_and_can_be_opened():
    assert len({scaling.row_name(case) for case in cases.CASES}) == len(cases.CASES)
    for case in cases.CASES:
        problem = wgflow.open_problem(dict(case.describe(min(case.sizes))))
        assert problem.config.solver.t_end == 1e6
