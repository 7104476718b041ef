"""Wide networks reach the largest margins that their limits have."""

from __future__ import annotations

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

figure5 = load_validation("figure5")


def test_margins_of_both_layers_one_layer_and_the_pde(tmp_path):
    rows = list(figure5.validate(Setting("figure5", tmp_path, quick=True)))
    found = {row.what.partition(": ")[2]: row for row in rows}
    asked = ["both layers over gamma_1", "both layers later over gamma_1", "PDE over gamma_1"]
    asked.append("output layer later over its features")
    assert [name for name, row in found.items() if row.asked] == asked
    assert all(row.passed for row in rows)
    assert found[asked[0]].value < found[asked[1]].value
    assert (tmp_path / "figure5.png").exists()


def test_nothing_is_asked_of_data_that_need_not_be_separated():
    row = figure5.plain(figure5.within("what", 2.0, 1.0, "beside"))
    assert (row.value, row.asked, row.passed, row.beside) == (2.0, "", True, "beside")
    assert figure5.read_set("penguins").plane.shape[1] == 2
