"""Watching the mass at the walls of a box: features on R^p know nothing of walls, which a flow must not reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.errors import ComputationError, InputError
from wgflow.schemes import Snapshot
from wgflow.timeloop import Observers
from wgflow.typing import FloatArray


def wall_shares(domain: Domain, density: FloatArray) -> dict[str, float]:
    """Share of the mass in the outermost cells at each wall of a box.

    Parameters
    ----------
    domain : Domain
        Box or signed box; other domains have no walls.
    density : array, shape ``domain.shape``

    Returns
    -------
    dict of str to float
        By the name of the side, e.g. ``"lower end of axis 0"``.
    """
    box = domain.base
    if not isinstance(box, Box):
        return {}
    total = float(density.sum())
    shares = {}
    for axis, periodic in enumerate(box.periodic):
        for name, index in (("lower", 0), ("upper", -1)):
            if not periodic:
                layer = np.take(density.reshape(-1, *box.shape), index, axis + 1)
                shares[f"{name} end of axis {axis}"] = float(layer.sum()) / total
    return shares


@dataclass(frozen=True)
class WallGuard:
    """Stops a run whose mass reaches a wall; called with each snapshot.

    Parameters
    ----------
    domain : Domain
        Where the density lives.
    limit : float
        Largest share of the mass in the outermost cells of one wall, in (0, 1].

    Raises
    ------
    InputError
        If the limit is not allowed.
    """

    domain: Domain
    limit: float

    def __post_init__(self) -> None:
        if not 0.0 < self.limit <= 1.0:
            raise InputError(f"wall_limit = {self.limit!r} is not allowed; give a share above 0, at most 1")

    def __call__(self, snapshot: Snapshot) -> None:
        """Raise ComputationError, with the side to enlarge, if too much mass is at a wall."""
        if "density" not in snapshot.fields:
            return
        for side, share in wall_shares(self.domain, snapshot.fields["density"]).items():
            if share > self.limit:
                raise ComputationError(
                    f"at t = {snapshot.time:g} the cells at the {side} hold {share:.2g} of the mass, more than "
                    f"wall_limit = {self.limit:g}; enlarge the box there, or raise the limit if it is a wall"
                )


def guarded(observers: Observers | None, domain: Domain, limit: float) -> Observers:
    """Observers of a run, joined by the guard of the walls."""
    given = observers or Observers()
    return Observers(given.step, [*given.snapshot, WallGuard(domain, limit)])
