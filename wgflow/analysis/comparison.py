"""Two trajectories of one problem at their common times: risks, masses and distances of their measures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wgflow.analysis.measure_distances import measure_columns
from wgflow.analysis.shared_times import SharedTimes, shared_times
from wgflow.domains.partition import RowPartition
from wgflow.functionals import FeatureMap, OuterProduct
from wgflow.functionals.moments import RecomputedMoments
from wgflow.measures import Particles
from wgflow.networks import Neurons, SmoothLayer
from wgflow.networks.activations import Activation
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

PredictorDistance = Callable[[Particles, Particles], float]


def compare_trajectories(
    first: Trajectory,
    second: Trajectory,
    predictors: PredictorDistance | None = None,
    transport: str = "auto",
) -> tuple[dict[str, FloatArray], SharedTimes, list[str]]:
    """Compare two trajectories of one problem at their common times.

    Parameters
    ----------
    first, second : Trajectory
        The runs A and B.
    predictors : callable, optional
        Distance of the predictors of two measures, where they have predictors.
    transport : str
        How Wasserstein distances are computed, see `wgflow.compare`.

    Returns
    -------
    columns : dict of str to array, shape (k,)
        The common ``time``, and at each what `wgflow.Comparison` names.
    times : SharedTimes
        Which times are common.
    lines : list of str
        How distances of measures were computed, where that is no matter of course.

    Raises
    ------
    InputError
        If the runs have no time after 0 in common.
    """
    shared = shared_times(first.time, second.time)
    rows, others = shared.rows, shared.others
    measures = [(first.measure(int(i)), second.measure(int(j))) for i, j in zip(rows, others, strict=True)]
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
    }
    if predictors is not None:
        columns["predictors"] = np.array([predictors(a, b) for a, b in measures])
    distances, lines = measure_columns(first, second, measures, transport)
    return {**columns, **distances}, shared, lines


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
