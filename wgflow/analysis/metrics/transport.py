"""Which domains have exact Wasserstein distances: circles and lines, where measures have quantiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

from wgflow.analysis.metrics.wasserstein import line_wasserstein, sheet_wasserstein
from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain
from wgflow.typing import FloatArray

TransportDistance = Callable[..., FloatArray]
"""From two measures and by default the order 1 to the distances on both sheets."""


def transport_on(domain: Domain | None) -> TransportDistance | None:
    """Give the Wasserstein distance of measures on a domain; None where none is exact."""
    choose = None if domain is None else TRANSPORT.get(domain)
    return None if choose is None or domain is None else choose(domain.base)


def periods_of(domain: Domain | None) -> tuple[float, ...]:
    """Length of each axis of a box, inf where it is not periodic; empty elsewhere."""
    find = None if domain is None else PERIODS.get(domain)
    return () if find is None or domain is None else find(domain.base)


def _periods(box: Box) -> tuple[float, ...]:
    sides = zip(box.bounds, box.periodic, strict=True)
    return tuple(high - low if periodic else inf for (low, high), periodic in sides)


def _along(box: Box) -> TransportDistance | None:
    """The distance along a box of one axis."""
    periods = _periods(box)
    if len(periods) != 1:
        return None
    return partial(line_wasserstein, period=periods[0] if periods[0] < inf else None)


PERIODS = DomainTable[Callable[[Any], tuple[float, ...]]]("the length of its axes", {Box: _periods})
TRANSPORT = DomainTable[Callable[[Any], TransportDistance | None]](
    "an exact transport distance", {Circle: lambda _: sheet_wasserstein, Box: _along}
)
