"""Pictures of validations are drawn once, when they are laid out, and not again as files."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine


@pytest.fixture(autouse=True)
def pictures_are_only_laid_out(monkeypatch):
    """How figures become files is tested where they are plotted; it takes as long as to lay them out."""

    def savefig(figure, *_, **__):
        if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
            figure.draw_without_rendering()

    monkeypatch.setattr(Figure, "savefig", savefig)
