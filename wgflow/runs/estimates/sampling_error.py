r"""Errors of particles that were drawn at random, from the scatter of runs with batches of them.

K batches of m/K particles give values :math:`v_k` whose scatter s is :math:`K^p` times that of all m particles, with
p = 1/2 for independent ones; and where F bends, means that are off by :math:`K^{2p}` times the offset of all particles:

.. math:: e^2 = (K^{-p} s)^2 + \Big(\frac{\bar v - v}{K^{2p} - 1}\Big)^2 + (v_1^{2 \tau} - v_1)^2 / (2^q - 1)^2

The last term is there for methods of order q with steps of a fixed size: the first batch runs again with twice the
step. Halves and quarters of the particles would not do: a single difference of two random numbers tells no order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wgflow.flows import Snapshot
from wgflow.runs.estimates.distances import Distances
from wgflow.runs.estimates.estimator import SCALARS, UNKNOWN, Estimates
from wgflow.typing import FloatArray

Course = Mapping[float, Snapshot | None]


@dataclass
class Sampling:
    """Estimates from batches of particles.

    Parameters
    ----------
    batches : sequence of mapping of float to Snapshot or None
        The runs of the batches, by time.
    distances : sequence of Distances
        Compare the snapshots of each batch with those of the run itself.
    exponent : float
        Rate p at which the scatter falls with the number of particles.
    doubled : mapping of float to Snapshot or None, optional
        The first batch once more, with steps of twice the size.
    order : float
        Order q of these steps.
    """

    batches: Sequence[Course]
    distances: Sequence[Distances]
    exponent: float
    doubled: Course | None = None
    order: float = 1.0

    def estimate(self, snapshot: Snapshot) -> Estimates:
        """Estimate the errors of a snapshot; the orders are those that are taken for granted."""
        found = [batch.get(snapshot.time) for batch in self.batches]
        known = [batch for batch in found if batch is not None]
        if len(known) < len(found):
            return UNKNOWN, UNKNOWN
        errors = np.full(UNKNOWN.shape, np.nan)
        errors[: len(SCALARS)] = np.hypot(self._scatter(known, snapshot), self._step(known[0]))
        away = [apart(batch, snapshot)[1] for apart, batch in zip(self.distances, known, strict=True)]
        errors[-1] = np.sqrt(np.mean(np.square(away)) / (len(known) ** (2.0 * self.exponent) - 1.0))
        return errors, np.where(np.isfinite(errors), self.exponent, np.nan)

    def _scatter(self, batches: Sequence[Snapshot], snapshot: Snapshot) -> FloatArray:
        """Errors of the scalars by the draw, shape (3,)."""
        values, whole = np.array([_scalars(batch) for batch in batches]), _scalars(snapshot)
        gain = len(batches) ** self.exponent
        return np.hypot(values.std(axis=0, ddof=1) / gain, (values.mean(axis=0) - whole) / (gain**2 - 1.0))

    def _step(self, batch: Snapshot) -> FloatArray:
        """Errors of the scalars by steps in time, shape (3,); NaN where the run with longer ones had ended."""
        if self.doubled is None:
            return np.zeros(len(SCALARS))
        again = self.doubled.get(batch.time)
        if again is None:
            return np.full(len(SCALARS), np.nan)
        return np.abs(_scalars(again) - _scalars(batch)) / (2.0**self.order - 1.0)


def _scalars(snapshot: Snapshot) -> FloatArray:
    return np.array([getattr(snapshot, name) for name in SCALARS])
