"""Test errors of networks that are trained in both layers or in one, and results that outlast an interruption."""

from __future__ import annotations

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

figure6 = load_validation("figure6")


def test_both_layers_are_better(tmp_path):
    rows = list(figure6.validate(Setting("figure6", tmp_path, quick=True)))
    assert [row.what for row in rows if row.asked] == [
        "n = 128, d = 5: share of repetitions where both layers are better"
    ]
    assert all(row.passed for row in rows)
    assert [path.name for path in tmp_path.iterdir()] == ["figure6.png"]


def test_gains_of_several_repetitions_are_measured_in_standard_errors():
    found = [figure6.Result(0.1, 0.2 + shift, 0.2, True, False) for shift in (-0.05, 0.05)]
    row = list(figure6.rows_of(found, "n", expected=True))[-1]
    assert abs(row.value - 2.0) < 1e-9


def test_finished_trainings_are_read_back(tmp_path):
    """Exactly; a line that was cut is none."""
    path = tmp_path / "results.csv"
    trainings = figure6.plan(2, "float32", quick=False)
    assert len(trainings) == 18
    result = figure6.Result(0.1 + 0.2, 1.0 / 3.0, 0.25, True, False)
    figure6.Results(path).add(trainings[0], result)
    figure6.Results(path).add(trainings[1], result)
    path.write_text(path.read_text()[:-8])
    assert figure6.Results(path).found == {trainings[0]: result}
    figure6.Results(path).add(trainings[1], result)
    assert figure6.Results(path).found == {trainings[0]: result, trainings[1]: result}
