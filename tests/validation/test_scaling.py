"""Scaling laws: fitted exponents, the exact solution beside other packages, and problems that exist; no times."""

import numpy as np
import pytest

import wgflow
from wgflow.app.validation.finding import import_shipped, load_validation

scaling = load_validation("scaling")
cases = import_shipped("_scaling_cases")
advection = import_shipped("_scaling_advection")
efforts = import_shipped("_efforts")

COUNTS = (100, 1000, 2000, 4000)
TRIADS = tuple(1e-10 * count**0.3 for count in COUNTS)
OUR_ERROR = 0.1313  # of 32^2 cells, as measured


@pytest.mark.parametrize("law", [cases.LINEAR, cases.FOURIER, cases.PAIRS])
def test_costs_by_a_law_have_the_exponent_1(law):
    """Of the three largest sizes; the smallest is out of line."""
    case = cases.Case("", "Data", COUNTS, lambda _: {}, law)
    cost = cases.Cost(COUNTS, (7.0, *(3e-9 * law.cost(count) for count in COUNTS[1:])), 8.0, TRIADS)
    assert case.exponent(cost) == pytest.approx(1.0, abs=1e-13)
    assert scaling.row_of(case, cost, quick=False).passed
    assert case.memory_exponent(cost) == pytest.approx(1.3, abs=1e-13)


def test_costs_that_grow_faster_fail():
    case = cases.Case("a", "Data", COUNTS, lambda _: {})
    cost = cases.Cost(COUNTS, tuple(1e-9 * count**1.2 for count in COUNTS), 8.0, TRIADS)
    row = scaling.row_of(case, cost, quick=False)
    assert row.value == pytest.approx(1.2, abs=1e-13)
    assert not row.passed
    assert not scaling.row_of(case, cost, quick=True).asked


def test_the_exact_flow_is_the_limit_of_ours():
    width = 6.0 / 16
    assert advection.exact_averages(16, 0.7).sum() * width**2 == pytest.approx(0.75**2, rel=2e-15)
    # Beside the origin the bump is 1 - pi^2 |x|^2 / 2, and averages over a cell are a third of its square from 1.
    middle = advection.exact_averages(512, 0.0)[256, 256]
    assert 1.0 - middle == pytest.approx(np.pi**2 / 3.0 * (6.0 / 512) ** 2, rel=1e-3)
    assert advection.our_effort(32).error < 2.0 * OUR_ERROR


def test_seconds_to_an_error_lie_between_the_best_runs():
    """On a line through (1 s, 1e-2) and (100 s, 1e-4): a run that others beat does not count."""
    runs = [efforts.Effort(100.0, 1e-4), efforts.Effort(1.0, 1e-2), efforts.Effort(50.0, 2e-2)]
    assert efforts.seconds_to(1e-3, runs) == pytest.approx(10.0, rel=1e-14)
    assert efforts.seconds_to(1.0, runs) == 1.0
    assert efforts.seconds_to(9e-5, runs) == np.inf


def test_implicit_steps_stay_as_long_as_they_are_asked_to_be():
    case = next(case for case in cases.CASES if case.name == "line, TR-BDF2")
    assert case.longest is not None
    flow = scaling.start(case, 32)
    before = flow.time
    scaling.take_step(case, flow)
    assert 0.0 < flow.time - before <= case.longest * (1.0 + 1e-12)


def test_problems_have_names_of_their_own_and_can_be_opened():
    assert len({scaling.row_name(case) for case in cases.CASES}) == len(cases.CASES)
    for case in cases.CASES:
        problem = wgflow.open_problem(dict(case.describe(min(case.sizes))))
        assert problem.config.solver.t_end == 1e6
