"""What a kind of run is: which runs it holds, and the panels that show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wgflow.plotting.layout import PanelRow
from wgflow.plotting.shown import Shown


@dataclass(frozen=True)
class RunKind:
    """A kind of run and its overview.

    Parameters
    ----------
    name : str
        What such runs are called.
    holds : callable
        Whether a run is one of them.
    rows : callable
        Rows of panels, from top to bottom.
    """

    name: str
    holds: Callable[[Shown], bool]
    rows: Callable[[Shown], list[PanelRow]]
