"""Which output times two trajectories share, and how many they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.errors import InputError
from wgflow.typing import FloatArray, IntArray

SAME_TIME = 1e-9  # relative difference of output times that count as one
MOST_TIMES = 21  # distances between measures are computed at this many common times at the most
MOST_LISTED = 6


@dataclass(frozen=True)
class SharedTimes:
    """Output times of two runs that are the same, and how many of each are not.

    Parameters
    ----------
    time : array, shape (k,)
        All times in both, among them those that are not compared.
    rows, others : array, shape (j,)
        Indices in the first and in the second run of the times that are compared, at most 21 spread over all.
    counts : (int, int)
        Numbers of output times of the first and the second run.
    """

    time: FloatArray
    rows: IntArray
    others: IntArray
    counts: tuple[int, int]

    @property
    def left_out(self) -> tuple[int, int]:
        """Numbers of output times of the first and the second run that the other does not have."""
        return self.counts[0] - len(self.time), self.counts[1] - len(self.time)

    def __str__(self) -> str:
        listed = [f"{time:.5g}" for time in self.time]
        if len(listed) > MOST_LISTED:
            listed = [*listed[:2], "...", listed[-1]]
        compared = "" if len(self.rows) == len(self.time) else f", of which {len(self.rows)} are compared"
        return (
            f"{len(self.time)} in both ({', '.join(listed)}){compared}; left out {self.left_out[0]} of "
            f"{self.counts[0]} of A, {self.left_out[1]} of {self.counts[1]} of B"
        )


def shared_times(first: FloatArray, second: FloatArray) -> SharedTimes:
    """Find the equal times, shapes (m,) and (n,); raises InputError where there is none after 0."""
    nearest = np.abs(first[:, None] - second[None, :]).argmin(axis=1)
    found = np.flatnonzero(np.isclose(first, second[nearest], rtol=SAME_TIME, atol=0.0))
    if not found.size or first[found[-1]] == 0.0:
        raise InputError(
            f"the two runs have no time after 0 in common: A has {_told(first)}, B {_told(second)}; run both with the "
            "same [output] times or snapshots"
        )
    chosen = found[np.unique(np.linspace(0, found.size - 1, min(found.size, MOST_TIMES)).round().astype(int))]
    return SharedTimes(first[found], chosen, nearest[chosen], (first.size, second.size))


def _told(times: FloatArray) -> str:
    return f"{times.size} from {times[0]:g} to {times[-1]:g}"


def common_times(first: FloatArray, second: FloatArray) -> list[tuple[int, int]]:
    """Pairs of indices of equal times, at most ``MOST_TIMES``, the last one among them."""
    shared = shared_times(first, second)
    return list(zip(shared.rows.tolist(), shared.others.tolist(), strict=True))
