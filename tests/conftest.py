"""Settings shared by all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Kernels compile during the first example, so no example has a deadline; CI repeats the same examples.
settings.register_profile(
    "wgflow",
    deadline=None,
    max_examples=25,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("wgflow")
