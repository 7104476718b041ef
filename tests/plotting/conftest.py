"""Figures in these tests are drawn, but not laid out: that takes longer than all else, and shows nothing more."""

from __future__ import annotations

import pytest

from wgflow.plotting.style import NotebookFigure


@pytest.fixture(scope="module", autouse=True)
def without_layout():
    """Leave panels where they are at first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NotebookFigure, "draw_without_rendering", lambda _: None)
        yield
