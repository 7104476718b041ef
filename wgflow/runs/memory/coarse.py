"""Memory of the coarse runs that estimate errors: they stay beside the run that they are for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wgflow.runs.memory.estimate import DOUBLE, Item


def coarse_items(items: Sequence[Item], entries: float, times: int, axes: int) -> Iterator[Item]:
    """Memory of runs on half and a quarter of the cells along some axes, or with as many particles in batches.

    Parameters
    ----------
    items : sequence of Item
        What the run itself takes.
    entries : float
        Numbers of one of its snapshots.
    times : int
        Number of snapshots, all of which are kept.
    axes : int
        Number of axes of the cells; 0 for particles.
    """
    share = 0.5**axes + 0.25**axes if axes > 0 else 1.0
    leave_out = "output.snapshots, or leave out --estimate"
    yield Item("snapshots of coarse runs", share * DOUBLE * entries * times, leave_out, late=True)
    working = sum(item.size for item in items if not item.brief)
    yield Item("the larger coarse run", (0.5**axes if axes > 0 else 0.5) * working, leave_out, late=True)
