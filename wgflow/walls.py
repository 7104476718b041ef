"""Watching the mass at the walls of a box: features on R^p know nothing of walls, which a flow must not reach."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.errors import ComputationError, InputError, WallWarning
from wgflow.schemes import Evolution, ExplicitFiniteVolume, Snapshot
from wgflow.timeloop import Observers
from wgflow.typing import FloatArray

ENDS = ("lower", "upper")
CHECK_EVERY = 8  # steps between two looks at the walls


@dataclass(frozen=True)
class WallRule:
    """What a run does when mass reaches a wall of its box.

    Parameters
    ----------
    limit : float
        Share of the mass in the outermost cells of one wall, in (0, 1], above which the run stops.
    warning : float
        Share above which it warns, once for each side.
    grow : bool
        Whether the box is enlarged there instead.

    Raises
    ------
    InputError
        If a share is not allowed.
    """

    limit: float = 1.0
    warning: float = 1.0
    grow: bool = False

    def __post_init__(self) -> None:
        for name in ("limit", "warning"):
            share = getattr(self, name)
            if not 0.0 < share <= 1.0:
                raise InputError(f"wall_{name} = {share!r} is not allowed; give a share above 0, at most 1")


class WallReachedError(ComputationError):
    """Mass has come to some sides of a box, pairs of an axis and an end (0 lower, 1 upper)."""

    def __init__(self, message: str, sides: Sequence[tuple[int, int]]) -> None:
        super().__init__(message)
        self.sides = tuple(sides)


def wall_shares(domain: Domain, density: FloatArray) -> dict[tuple[int, int], float]:
    """Share of the mass in the outermost cells at each wall of a box.

    Parameters
    ----------
    domain : Domain
        Box or signed box; other domains have no walls.
    density : array, shape ``domain.shape``

    Returns
    -------
    dict of (axis, end) to float
        By axis and end, 0 for the lower and 1 for the upper one.
    """
    box = domain.base
    if not isinstance(box, Box):
        return {}
    total = float(density.sum())
    sheets = density.reshape(-1, *box.shape)
    return {
        (axis, end): float(np.take(sheets, -end, axis + 1).sum()) / total
        for axis, periodic in enumerate(box.periodic)
        for end in (0, 1)
        if not periodic
    }


def side_name(side: tuple[int, int]) -> str:
    """Name of a side, e.g. "lower end of axis 0"."""
    return f"{ENDS[side[1]]} end of axis {side[0]}"


@dataclass
class WallGuard:
    """Looks at the walls with each snapshot and every few steps, and acts by a rule.

    Parameters
    ----------
    domain : Domain
        Where the density lives.
    rule : WallRule
        What to do.
    """

    domain: Domain
    rule: WallRule
    _warned: set[tuple[int, int]] = field(default_factory=set, init=False)

    def watch_step(self, evolution: Evolution) -> None:
        """Look at the walls now and then."""
        if isinstance(evolution, ExplicitFiniteVolume) and evolution.steps_done % CHECK_EVERY == 0:
            self.check(evolution.time, evolution.density)

    def watch_snapshot(self, snapshot: Snapshot) -> None:
        """Look at the walls."""
        if "density" in snapshot.fields:
            self.check(snapshot.time, snapshot.fields["density"])

    def check(self, time: float, density: FloatArray) -> None:
        """Warn, or raise WallReachedError with the sides to enlarge."""
        shares = wall_shares(self.domain, density)
        near = {side: share for side, share in shares.items() if share > self.rule.warning}
        if near and self.rule.grow:
            raise WallReachedError(f"at t = {time:g} mass has reached the {_names(near)}", tuple(near))
        for side, share in shares.items():
            if share > self.rule.limit:
                raise WallReachedError(
                    f"at t = {time:g} the cells at the {side_name(side)} hold {share:.2g} of the mass, more than "
                    f"wall_limit = {self.rule.limit:g}; enlarge the box there, let it grow, or raise the limit if it "
                    "is a wall",
                    [side],
                )
            if share > self.rule.warning and side not in self._warned:
                self._warned.add(side)
                warnings.warn(
                    f"at t = {time:g} the cells at the {side_name(side)} hold {share:.2g} of the mass, more than "
                    f"wall_warning = {self.rule.warning:g}; a larger box there is safer",
                    WallWarning,
                    stacklevel=2,
                )


def _names(sides: dict[tuple[int, int], float]) -> str:
    return " and the ".join(side_name(side) for side in sides)


def guarded(observers: Observers | None, domain: Domain, rule: WallRule | None) -> Observers:
    """Observers of a run, joined by the guard of the walls."""
    given = observers or Observers()
    if rule is None or not isinstance(domain.base, Box):
        return given
    guard = WallGuard(domain, rule)
    return Observers([*given.step, guard.watch_step], [*given.snapshot, guard.watch_snapshot])
