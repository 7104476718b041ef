"""The results that are kept with the source: all passed, and the README shows some of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wgflow.app.validation.finding import benchmark_names, validation_names
from wgflow.app.validation.records import Record
from wgflow.app.validation.results import figures_table, kept_results, results_table
from wgflow.app.validation.rows import measured, within

README = Path(__file__).resolve().parents[2] / "README.md"


def test_every_result_that_is_kept_passed():
    results = kept_results()
    assert {record.validation for record in results} <= {*validation_names(), *benchmark_names()}
    assert [record.validation for record in results if not record.passed] == []
    for record in results:
        assert record.command.startswith(f"wgflow validate {record.validation}")


@pytest.mark.skipif(not README.exists(), reason="there is no checkout here")
def test_the_readme_shows_figures_that_are_kept():
    assert figures_table() in README.read_text()


def test_a_line_of_the_table(monkeypatch):
    rows = (within("error of |x|", 1.234e-5, 1e-4).quote(), measured("cost", 3), within("order", 1.0, 2.0))
    record = Record("boxes", "wgflow validate boxes --quick", "0.2.0", "2026-01-02", 3.0, {}, rows)
    monkeypatch.setattr("wgflow.app.validation.results.kept_results", lambda: [record])
    line = results_table().splitlines()[-1]
    assert r"error of \|x\|: 1.23e-05 (<= 0.0001); 2 of 2 passed" in line
    assert "`wgflow validate boxes --quick`, 2026-01-02" in line
