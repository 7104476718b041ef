"""Memory that is measured, beside what is estimated."""

from __future__ import annotations

import numpy as np

from wgflow.app.validation.finding import load_validation
from wgflow.system.memory import resident_memory

module = load_validation("memory")


def test_the_peak_of_a_process_counts_what_it_touches():
    before, margin = module.peak(), 2**25
    touched = np.ones((int(before) - resident_memory() + margin) // 8)  # more than was ever held at once
    assert touched.nbytes >= margin
    assert module.peak() - before > margin // 2


def test_estimates_are_compared_within_a_factor():
    found = {"estimate": 3e8, "arrays": 1e8, "imported": 1.5e8, "peak": 2.5e8}
    row = module.row_of("a run", found)
    assert row.passed
    assert row.value == 1.2
    assert row.beside == "286 over 238 MiB; arrays 95 MiB, above libraries 95"
    assert not module.row_of("a run", {**found, "peak": 1.9e8}).passed
