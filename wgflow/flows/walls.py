"""Watching the mass at the walls of a box: features on R^p know nothing of walls, which a flow must not reach."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.errors import ComputationError, InputError, WallWarning
from wgflow.flows import Evolution, Snapshot
from wgflow.flows.loop import Observers
from wgflow.measures import Particles
from wgflow.typing import FloatArray

ENDS = ("lower", "upper")

# Shares of the mass at which runs of problem files warn and stop: their boxes mostly cut off R^p, and nobody looks on.
WALL_WARNING, WALL_LIMIT = 1e-5, 0.01
NEVER = 1.0  # the share of runs from Python, which give a box for its walls as often, and say so where they cut off


@dataclass(frozen=True)
class WallRule:
    """What a run does when mass reaches a wall of its box.

    Parameters
    ----------
    limit : float
        Share of the mass in the outermost cells of one wall, in (0, 1], above which the run stops; particles beyond it
        count as in them.
    warning : float
        Share above which it warns, once for each side.
    grow : bool
        Whether the box is enlarged there instead.

    Raises
    ------
    InputError
        If a share is not allowed.
    """

    limit: float = NEVER
    warning: float = NEVER
    grow: bool = False

    @property
    def acts(self) -> bool:
        """Whether there is a share of the mass at which it does anything."""
        return min(self.limit, self.warning) < 1.0

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


def wall_shares(domain: Domain, measure: FloatArray | Particles) -> dict[tuple[int, int], float]:
    """Share of the mass in the outermost cells at each wall of a box.

    Parameters
    ----------
    domain : Domain
        Box or signed box; other domains have no walls.
    measure : array of shape ``domain.shape``, or Particles
        A density, or particles; those beyond a wall count as at it.

    Returns
    -------
    dict of (axis, end) to float
        By axis and end, 0 for the lower and 1 for the upper one.
    """
    box, sides = domain.base.lattice, domain.base.walls
    if box is None:
        return {}
    if isinstance(measure, Particles):
        masses, total = [_mass_at(box, side, measure) for side in sides], measure.mass
    else:
        masses, total = _masses_at(box, measure)
    return {side: mass / total if total > 0.0 else 0.0 for side, mass in zip(sides, masses, strict=True)}


def _masses_at(box: Box, density: FloatArray) -> tuple[list[float], float]:
    """Densities added up over the outermost cells at each wall, and over all cells."""
    partition = box.partition
    volume = np.ascontiguousarray(np.moveaxis(density.reshape(-1, *box.shape), 0, 1))
    by_row = np.zeros((len(volume), len(box.walls) + 1))
    by_row[:, -1] = _row_sums(volume)
    for column, (axis, end) in enumerate(box.walls):
        if axis == 0:
            outermost = box.outermost_rows(end)
            by_row[outermost, column] = by_row[outermost, -1]
        else:
            by_row[:, column] = _row_sums(volume[(slice(None),) * (axis + 1) + (-end,)])
    *masses, total = partition.sums(
        np.add.reduceat(by_row[: partition.bounds[-1]], partition.bounds[:-1], axis=0)
    ).tolist()
    return masses, total


def _row_sums(values: FloatArray) -> FloatArray:
    """Sum over each row (n, ...), whose bits depend on nothing but the row."""
    return np.asarray(np.ascontiguousarray(values).reshape(len(values), -1).sum(axis=1))


def _mass_at(box: Box, side: tuple[int, int], particles: Particles) -> float:
    """Mass of the particles in the outermost cells at a wall, and beyond."""
    axis, end = side
    (low, high), width, places = box.bounds[axis], box.spacing[axis], particles.points[:, axis]
    return float(particles.weights[places >= high - width if end else places <= low + width].sum())


def side_name(side: tuple[int, int]) -> str:
    """Name of a side, e.g. "lower end of axis 0"."""
    return f"{ENDS[side[1]]} end of axis {side[0]}"


@dataclass
class WallGuard:
    """Looks at the walls at the start and after each step of any solver, and acts by a rule.

    Parameters
    ----------
    domain : Domain
        Where the measure lives.
    rule : WallRule
        What to do.
    """

    domain: Domain
    rule: WallRule
    _warned: set[tuple[int, int]] = field(default_factory=set, init=False)

    def watch_step(self, evolution: Evolution) -> None:
        """Look at the walls after a step."""
        self.check(evolution.time, evolution.measure)

    def watch_snapshot(self, snapshot: Snapshot) -> None:
        """Look at the walls at the start, before any step."""
        fields = snapshot.fields
        if "density" in fields:
            self.check(snapshot.time, fields["density"])
        else:
            weights = fields["weight"]
            self.check(snapshot.time, Particles(fields["position"], weights, np.ones_like(weights)))

    def check(self, time: float, measure: FloatArray | Particles) -> None:
        """Warn, or raise WallReachedError with the sides to enlarge."""
        shares = wall_shares(self.domain, measure)
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
    if rule is None or not rule.acts or not domain.base.walls:
        return given
    guard = WallGuard(domain, rule)
    watch = guard.watch_step
    return Observers([*given.step, watch], [*given.snapshot, guard.watch_snapshot], [*given.start, watch])
