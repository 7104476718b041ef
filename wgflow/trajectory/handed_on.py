"""What modules and rooms above that of trajectories do with them, by name: the one table that leads there.

A trajectory hands itself on to them when it is asked to; nothing of them is imported before.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

PLACES = {
    "save_trajectory": "wgflow.trajectory.saving",
    "plot_trajectory": "wgflow.plotting",
    "check_figure_path": "wgflow.plotting",
    "save_figure": "wgflow.plotting",
    "png_of": "wgflow.plotting.style",
}


def handed_on_to(name: str) -> Callable[..., Any]:
    """Give a function above by its name in the table."""
    found: Callable[..., Any] = getattr(import_module(PLACES[name]), name)
    return found
