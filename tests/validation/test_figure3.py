"""Counts of students that find the teacher, and how they are compared with the published ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wgflow.app.validation.finding import load_validation
from wgflow.networks.training.students import StudentTraining

figure3 = load_validation("figure3")


def test_wide_students_find_the_teacher_with_samples_and_without(tmp_path):
    widths = (5, 30)
    descent = StudentTraining(10_000, batch=100, output_rate=0.005, input_rate=0.5, precision="float64")
    risks = figure3.repeat(0, dimension=5, widths=widths, descents=[descent, replace(descent, batch=None)])[:, None]
    rows = list(figure3.rows_of(risks, 5, widths, published=False))
    assert [row.value for row in rows] == [0, 1, 1.0]
    assert all(row.passed for row in rows)
    figure3.draw({5: risks}, widths, 0.5, tmp_path / "figure3.png")
    assert (tmp_path / "figure3.png").exists()


def test_counts_are_compared_with_the_published_ones():
    """The same counts are as likely as can be; those of students that are two neurons wider are not."""
    widths = range(1, 31)

    def p_value(shift: int) -> float:
        counts = np.array([figure3.PUBLISHED.get(width + shift, 30 * (width > 20)) for width in widths])
        risks = np.where(np.arange(30)[:, None] < counts, 1e-4, 1.0)[None]
        row = list(figure3.rows_of(risks, 100, widths, published=True))[-1]
        assert row.quoted
        assert row.passed == (row.value >= 0.05)
        return row.value

    assert p_value(0) == 1.0
    assert p_value(4) < 1e-3
