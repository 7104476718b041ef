"""Sums over particles, shared out: each rank has all particles, computes some blocks of them, and gets the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wgflow.ranks.communicator import ALONE, Communicator
from wgflow.ranks.world import world

_RANKS: ContextVar[Communicator] = ContextVar("ranks", default=ALONE)


@contextmanager
def shared_work() -> Iterator[None]:
    """Let all ranks compute the sums over particles inside a ``with`` block together: all of them must go through it.

    Results have the bits of one rank: the blocks are the same, and what they give is combined in their order.
    """
    token = _RANKS.set(world())
    try:
        yield
    finally:
        _RANKS.reset(token)


def _ranks_of(count: int) -> Communicator:
    """The ranks that share so many blocks. A single one, of little work, each computes for itself: all or none tell."""
    return _RANKS.get() if count > 1 else ALONE


def own_blocks(count: int) -> range:
    """Numbers of the blocks that this rank computes, of so many; all of them where nothing is shared."""
    ranks = _ranks_of(count)
    return range(ranks.rank * count // ranks.size, (ranks.rank + 1) * count // ranks.size)


def all_blocks(part: NDArray[Any], count: int) -> NDArray[Any]:
    """What all blocks give, shape (count, ...), from that of this rank's own ones."""
    ranks = _ranks_of(count)
    return ranks.gathered(part, [(k + 1) * count // ranks.size - k * count // ranks.size for k in range(ranks.size)])


def all_rows(part: NDArray[Any], ends: Sequence[int]) -> NDArray[Any]:
    """Rows of all blocks, of which block k has those from ``ends[k]`` to ``ends[k + 1]``, from those of this rank."""
    count = len(ends) - 1
    ranks = _ranks_of(count)
    borders = [ends[k * count // ranks.size] for k in range(ranks.size + 1)]
    return ranks.gathered(part, np.diff(borders).tolist())
