"""Parts of the validation of any number of inputs that take no time."""

from pathlib import Path

import numpy as np
import pytest

from wgflow import Link
from wgflow.app.validation.finding import load_validation

module = load_validation("any_dimension")


@pytest.mark.parametrize(("inputs", "wanted"), [(5, 0.11843), (20, 0.03506), (50, 0.01459), (100, 0.00740)])
def test_floor_of_the_second_hermite_polynomial(inputs: int, wanted: float) -> None:
    assert module.hermite_floor(inputs) == pytest.approx(wanted, abs=5e-6)
    found = module.floor(Link("hermite2", np.eye(1, inputs)), 128)
    assert found == pytest.approx(module.hermite_floor(inputs), abs=1e-6)


def test_times_and_successes(tmp_path: Path) -> None:
    flow = module.infinite_width(module.pair(10, None), 64, np.array([1.0, 4.0, 8.0]))
    assert 4.0 < module.crossing(flow, 0.5 * (flow.risk[2] + flow.risk[3])) < 8.0
    assert module.crossing(flow, 1e-9) == np.inf
    risks = np.array([[[1e-2, 1e-4]], [[1e-2, 1e-2]]])
    rows = list(module.success_rows(10, (1, 10), risks))
    assert [row.value for row in rows] == [0, 1]
    module.draw({10: flow}, {10: ((1, 10), risks)}, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").exists()


def test_students_come_near_the_flow() -> None:
    exponent, distances = module.monte_carlo_exponent(5, (50, 400), 6)
    assert -1.35 < exponent < -0.65  # by the fixed seeds, -1 in the mean
    assert distances[0] < 0.01
