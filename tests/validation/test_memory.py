"""Memory that is measured, beside what is estimated."""

from __future__ import annotations

import numpy as np

from wgflow.app.validation.finding import load_validation

module = load_validation("memory")


def test_the_peak_of_a_process_counts_what_it_touches():
    before = module.peak()
    touched = np.ones(max(int(before) // 8, 1) + 2**22)  # more than all that was ever held at once
    assert module.peak() >= max(before, touched.nbytes)


def test_estimates_are_compared_within_a_factor():
    found = {"estimate": 3e8, "arrays": 1e8, "imported": 1.5e8, "peak": 2.5e8}
    row = module.row_of("a run", found)
    assert row.passed
    assert row.value == 1.2
    assert row.beside == "286 over 238 MiB; arrays 95 MiB, above libraries 95"
    assert not module.row_of("a run", {**found, "peak": 1.9e8}).passed
