"""Two trajectories of one problem at their common times: risks, masses and distances of their measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from wgflow.analysis.metrics.discrepancy import kernel_discrepancy
from wgflow.analysis.metrics.transport import TransportDistance, periods_of, transport_on
from wgflow.domains import Domain
from wgflow.domains.partition import RowPartition
from wgflow.errors import InputError
from wgflow.functionals import FeatureMap, OuterProduct
from wgflow.functionals.moments import RecomputedMoments
from wgflow.measures import Particles
from wgflow.networks import Neurons, SmoothLayer
from wgflow.networks.activations import Activation
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

PredictorDistance = Callable[[Particles, Particles], float]

SAME_TIME = 1e-9  # relative difference of output times that count as one
MOST_PAIRS = 2e10  # of atoms at all times, up to which the kernel discrepancy is computed: a minute
MOST_TIMES = 21  # distances between measures are computed at this many common times at the most


def compared_columns(
    first: Trajectory, second: Trajectory, predictors: PredictorDistance | None = None
) -> dict[str, FloatArray]:
    """Compare two trajectories of one problem at their common times.

    Parameters
    ----------
    first, second : Trajectory
        The runs A and B.
    predictors : callable, optional
        Distance of the predictors of two measures, where they have predictors.

    Returns
    -------
    dict of str to array, shape (k,)
        The common ``time``, and at each what `wgflow.app.run_comparison.Comparison` names.

    Raises
    ------
    InputError
        If the runs have no time after 0 in common.
    """
    pairs = common_times(first.time, second.time)
    measures = [(first.measure(i), second.measure(j)) for i, j in pairs]
    rows, others = np.array(pairs).T
    name = compared_output(first, second)
    values = first.scalars[name][rows], second.scalars[name][others]
    columns = {
        "time": first.time[rows],
        f"{name} A": values[0],
        f"{name} B": values[1],
        "difference": relative_difference(*values),
        **_estimates((first, second), (rows, others), name),
        "mass A": first.mass[rows],
        "mass B": second.mass[others],
        **({"predictors": _each(predictors, measures)} if predictors is not None else {}),
    }
    atoms = [len(a.weights) + len(b.weights) for a, b in measures]
    if _are_near(first, second) and sum(count**2 for count in atoms) <= MOST_PAIRS:
        closed = [(_closed(a, first.domain), _closed(b, second.domain)) for a, b in measures]
        columns["kernel"] = _each(kernel_discrepancy, closed)
    distance = _common_transport(first.domain, second.domain)
    if distance is not None:
        columns |= _wasserstein_columns(measures, distance)
    return columns


def _are_near(first: Trajectory, second: Trajectory) -> bool:
    """Whether two runs live in one space, so that their measures can be compared."""
    if first.domain is not None and second.domain is not None and _space(first.domain) != _space(second.domain):
        return False
    return first.measure(0).points.shape[1] == second.measure(0).points.shape[1]


def _space(domain: Domain) -> tuple[Any, ...]:
    """What two domains of one space have in common: boxes the lengths of their periodic axes."""
    return domain.kind, periods_of(domain) or domain.geometry


def _closed(measure: Particles, domain: Domain | None) -> Particles:
    """The measure with each periodic axis bent to a circle of its length."""
    periods = np.array(periods_of(domain))
    if not np.isfinite(periods).any():
        return measure
    columns = []
    for axis, period in zip(measure.points.T, periods, strict=True):
        radius = period / (2.0 * np.pi)
        closed = np.isfinite(period)
        columns += [radius * np.cos(axis / radius), radius * np.sin(axis / radius)] if closed else [axis]
    return replace(measure, points=np.stack(columns, axis=1))


def _common_transport(first: Domain | None, second: Domain | None) -> TransportDistance | None:
    """The exact Wasserstein distance of measures on two domains of one space, where there is one."""
    if first is None or second is None or _space(first) != _space(second):
        return None
    return transport_on(first)


def _wasserstein_columns(
    measures: list[tuple[Particles, Particles]], distance: TransportDistance
) -> dict[str, FloatArray]:
    """W1 and W2 at each time, on each sheet that there is."""
    signed = any((measure.signs < 0.0).any() for measure in measures[0])
    columns = {}
    for order in (1, 2):
        distances = np.array([distance(a, b, order) for a, b in measures])
        for sheet, name in enumerate(("+", "-") if signed else ("",)):
            columns[f"W{order}{name}"] = distances[:, sheet]
    return columns


def relative_difference(first: FloatArray, second: FloatArray) -> FloatArray:
    """Difference over the larger of the two, 0 where both are 0."""
    larger = np.maximum(np.abs(first), np.abs(second))
    return np.abs(first - second) / np.where(larger > 0.0, larger, 1.0)


def compared_output(first: Trajectory, second: Trajectory) -> str:
    """Name of what falls in both runs: "risk", or "energy" of a flow that has none.

    F of particles that follow an entropy by noise leaves it out: there it is left out of both.
    """
    runs = (first, second)
    left_out = [run.has_particles and run.functional is not None and run.functional.temperature > 0 for run in runs]
    return "energy" if all(run.labels.falling == "energy" for run in runs) and not any(left_out) else "risk"


def _estimates(
    runs: tuple[Trajectory, Trajectory], rows: tuple[IntArray, IntArray], name: str
) -> dict[str, FloatArray]:
    """Estimated errors of what falls over the larger value, of the runs that have them."""
    larger = np.maximum(*(np.abs(run.scalars[name][chosen]) for run, chosen in zip(runs, rows, strict=True)))
    scale = np.where(larger > 0.0, larger, 1.0)
    named = zip(("error A", "error B"), runs, rows, strict=True)
    return {column: run.errors[name][chosen] / scale for column, run, chosen in named if run.errors}


def _each(distance: Callable[[Particles, Particles], float], measures: list[tuple[Particles, Particles]]) -> FloatArray:
    return np.array([distance(a, b) for a, b in measures])


def common_times(first: FloatArray, second: FloatArray) -> list[tuple[int, int]]:
    """Pairs of indices of equal times, at most ``MOST_TIMES``, the last one among them."""
    nearest = np.abs(first[:, None] - second[None, :]).argmin(axis=1)
    equal = np.isclose(first, second[nearest], rtol=SAME_TIME, atol=0.0)
    pairs = [(int(i), int(nearest[i])) for i in np.flatnonzero(equal)]
    if not pairs or first[pairs[-1][0]] == 0.0:
        raise InputError(
            "the two runs have no time after 0 in common; run both with the same [output] times or snapshots"
        )
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_TIMES)).round().astype(int))
    return [pairs[index] for index in chosen]


def data_distance(inputs: FloatArray, activation: str | Activation) -> PredictorDistance:
    """Root mean square over some inputs (n, d) of the difference of two networks of smooth neurons."""
    features = Neurons(SmoothLayer(inputs, activation))
    return lambda a, b: _output_distance(features, len(inputs), a, b) / float(np.sqrt(len(inputs)))


def moment_distance(first: Particles, second: Particles) -> float:
    """Frobenius norm of the difference of the second moments ``int w w^T`` of two measures."""
    return _output_distance(OuterProduct(), first.points.shape[1] ** 2, first, second)


def _output_distance(features: FeatureMap, count: int, first: Particles, second: Particles) -> float:
    """Euclidean distance of the outputs, shape (count,), of two measures."""

    def output(measure: Particles) -> FloatArray:
        cells = RowPartition(measure.weights.shape)
        return RecomputedMoments(features, measure.points, count, cells).moments(measure.weights * measure.signs)

    outputs = [output(measure) for measure in (first, second)]
    return float(np.linalg.norm(outputs[0] - outputs[1]))
