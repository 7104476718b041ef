"""Estimates of the errors of a run, output by output, from coarse runs that were carried out before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from wgflow.domains import Domain
from wgflow.flows import Checkpoint, Snapshot
from wgflow.flows.recorder import Recorder
from wgflow.flows.steps import StepRow
from wgflow.runs.estimates.distances import Distances
from wgflow.runs.estimates.richardson import LEAST_ORDER, extrapolated, observed_orders, window_of
from wgflow.trajectory.schema import ERRORS, ORDERS, QUANTITIES
from wgflow.typing import FloatArray

ROUND_OFF = 1e-12  # of sums over many cells and steps, relative to the largest value of a quantity
SCALARS = ("energy", "risk", "mass")  # the first of QUANTITIES
DENSITY = QUANTITIES.index("density")
BEYOND = 1.0  # what an order may be observed above that of the scheme
UNKNOWN = np.full(len(QUANTITIES), np.nan)

Estimates = tuple[FloatArray, FloatArray]
"""Errors and observed orders of ``QUANTITIES``, both of shape (5,); a NaN error is not resolved."""


class Estimator(Protocol):
    """Estimates the errors of a run while its snapshots come in."""

    def estimate(self, snapshot: Snapshot) -> Estimates:
        """Estimate the errors of the next snapshot."""


class Unresolved:
    """Estimates nothing: coarse runs were refused, or failed at the start."""

    def estimate(self, snapshot: Snapshot) -> Estimates:  # noqa: ARG002
        """Give NaN for every quantity."""
        return UNKNOWN, UNKNOWN


@dataclass
class Refinement:
    """Estimates by Richardson's extrapolation from two coarse runs, see `wgflow.runs.estimates.richardson`.

    Orders are medians over a few outputs. Those of scalars are raised to that of the density where there is one: the
    error of a functional falls at least as fast as the distance of its arguments, but changes its sign in time, when
    differences say nothing of its order; a distance never does. Where the order of the density is lost, orders of
    scalars above that of the scheme are chance: their errors are not resolved then.

    Parameters
    ----------
    half : mapping of float to Snapshot or None
        The finer of the coarse runs, by time.
    coarse : mapping of float to array, shape (5,)
        Differences of the coarse runs, by time.
    distances : Distances
        Compares snapshots of the finer coarse run with those of the run itself.
    most : float
        Largest order that is believed in.
    noise : float
        Error of the time stepping, relative to the largest value, that does not fall with the width.
    atoms : bool
        Whether measures are expected to have atoms, so that the error of a density is never resolved.
    """

    half: Mapping[float, Snapshot | None]
    coarse: Mapping[float, FloatArray]
    distances: Distances
    most: float
    noise: float = 0.0
    atoms: bool = False

    def __post_init__(self) -> None:
        self._times: list[float] = []
        self._rows: list[tuple[FloatArray, FloatArray]] = []
        self._largest = np.zeros(len(QUANTITIES))

    def estimate(self, snapshot: Snapshot) -> Estimates:
        """Estimate the errors of the next snapshot; NaN where a coarse run had ended."""
        half = self.half.get(snapshot.time)
        if half is None or snapshot.time not in self.coarse:
            return UNKNOWN, UNKNOWN
        self._times.append(snapshot.time)
        self._rows.append((self.coarse[snapshot.time], snapshot_differences(half, snapshot, self.distances)))
        self._largest = np.maximum(self._largest, sizes(snapshot))
        part = self._rows[window_of(self._times, len(self._times) - 1)]
        coarse, fine = (np.array(rows) for rows in zip(*part, strict=True))
        return self._extrapolate(coarse, fine, max(ROUND_OFF, self.noise) * self._largest)

    def _extrapolate(self, coarse: FloatArray, fine: FloatArray, floor: FloatArray) -> Estimates:
        """Errors at the last output of a window; below the floor they are the larger difference, without an order."""
        orders, counts = observed_orders(coarse, fine, floor)
        scalars = slice(0, len(SCALARS))
        if orders[DENSITY] >= LEAST_ORDER:
            orders[scalars] = np.fmax(orders[scalars], orders[DENSITY])
        errors = extrapolated(coarse[-1], fine[-1], orders, counts, self.most)
        if orders[DENSITY] < LEAST_ORDER:
            errors[scalars][orders[scalars] > self.most + BEYOND] = np.nan
        if self.atoms:
            errors[DENSITY] = np.nan
        larger = np.fmax(coarse[-1], fine[-1])
        at_floor = larger <= floor
        return np.where(at_floor, larger, errors), np.where(at_floor, np.nan, orders)


def snapshot_differences(first: Snapshot, second: Snapshot, distances: Distances) -> FloatArray:
    """Absolute differences of the scalars of two snapshots, and the distances of their measures, shape (5,)."""
    scalars = [abs(getattr(first, name) - getattr(second, name)) for name in SCALARS]
    return np.array([*scalars, *distances(first, second)])


def sizes(snapshot: Snapshot) -> FloatArray:
    """Values of the scalars, and the mass for distances of measures, shape (5,)."""
    return np.abs([*(getattr(snapshot, name) for name in SCALARS), snapshot.mass, snapshot.mass])


def with_estimates(snapshot: Snapshot, estimates: Estimates) -> Snapshot:
    """Snapshot with its estimates among its fields; there NaN stands for values that are missing in a damaged file."""
    stored = {ERRORS: np.nan_to_num(estimates[0], nan=np.inf), ORDERS: np.nan_to_num(estimates[1])}
    return replace(snapshot, fields={**snapshot.fields, **stored})


def with_room_for_estimates(snapshot: Snapshot) -> Snapshot:
    """Snapshot with room for estimates, from which a file is laid out."""
    return with_estimates(snapshot, (UNKNOWN, UNKNOWN))


class EstimatingRecorder:
    """Hands a run on to another recorder, each snapshot with the estimates of its errors.

    Parameters
    ----------
    recorder : Recorder
        Keeps the run.
    estimator : Estimator
        Gives the estimates.
    """

    def __init__(self, recorder: Recorder, estimator: Estimator) -> None:
        self._recorder, self._estimator = recorder, estimator

    def append(
        self,
        snapshot: Snapshot,
        spent: Mapping[str, float],
        checkpoint: Checkpoint | None = None,
        *,
        scheduled: bool = True,
    ) -> None:
        """Keep a snapshot; one between two output times is one that the coarse runs have not."""
        estimates = self._estimator.estimate(snapshot) if scheduled else (UNKNOWN, UNKNOWN)
        self._recorder.append(with_estimates(snapshot, estimates), spent, checkpoint, scheduled=scheduled)

    def keep(self, checkpoint: Checkpoint, spent: Mapping[str, float]) -> None:
        """Keep the state between two snapshots."""
        self._recorder.keep(checkpoint, spent)

    def note(self, step: StepRow) -> None:
        """Keep the numbers of a step."""
        self._recorder.note(step)

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended."""
        self._recorder.finish(attributes)

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:
        """Go on with a larger domain."""
        return self._recorder.enlarge(domain, padding)


def recorded(recorder: Recorder, estimator: Estimator, earlier: Iterable[Snapshot] = ()) -> Recorder:
    """Recorder of a run with estimates.

    Parameters
    ----------
    recorder : Recorder
        Keeps the run.
    estimator : Estimator
        Gives the estimates.
    earlier : iterable of Snapshot
        Snapshots of a run that is continued, in their order.
    """
    for snapshot in earlier:
        estimator.estimate(snapshot)
    return EstimatingRecorder(recorder, estimator)
