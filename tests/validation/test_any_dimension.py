"""Parts of the validation of any number of inputs that take no time."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from wgflow import Link
from wgflow.app.validation.finding import load_validation

module = load_validation("any_dimension")
figure = import_module("._symmetric_figure", module.__package__)


@pytest.mark.parametrize(("inputs", "wanted"), [(5, 0.11843), (20, 0.03506), (50, 0.01459), (100, 0.00740)])
def test_floor_of_the_second_hermite_polynomial(inputs: int, wanted: float) -> None:
    assert module.hermite_floor(inputs) == pytest.approx(wanted, abs=5e-6)
    found = module.floor(Link("hermite2", np.eye(1, inputs)), 128)
    assert found == pytest.approx(module.hermite_floor(inputs), abs=1e-6)


def test_times_and_successes(tmp_path: Path) -> None:
    flow = module.infinite_width(module.pair(10, None), 64, np.array([1.0, 4.0, 8.0]))
    assert 4.0 < module.crossing(flow, 0.5 * (flow.risk[2] + flow.risk[3])) < 8.0
    assert module.crossing(flow, 1e-9) == np.inf
    case, times = module.Case(10), len(figure.MARKS)
    curves = {
        (case, width, batch): np.full((2, times), 1e-4 if (width, batch) == (10, None) else 1e-2)
        for width in (1, 10)
        for batch in (None, figure.BATCH)
    }
    flows = {case: flow, module.Case(10, 1.0, -1.0): flow}
    rows = list(module.success_rows(curves, flows))
    assert [row.value for row in rows] == ["0 of 2", "2 of 2"]
    module.draw(curves, flows, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").exists()


def test_students_come_near_the_flow() -> None:
    widths = 50, 400
    distances = np.mean([module.distances_of(seed, inputs=5, widths=widths) for seed in range(6)], axis=0)
    assert -1.35 < module.exponent_of(widths, distances) < -0.65  # by the fixed seeds, -1 in the mean
    assert distances[0] < 0.01
