"""Figures in these tests are drawn, but not laid out, which shows nothing more."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def always_without_layout(without_layout):
    """Without exception."""
