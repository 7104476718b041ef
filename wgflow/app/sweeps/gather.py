"""The runs of a sweep as one labelled dataset."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wgflow.app.sweeps.folder import problem_text
from wgflow.app.sweeps.plan import Plan
from wgflow.app.sweeps.runs import Outcome
from wgflow.errors import ComputationError, FlowWarning
from wgflow.flows.labels import FLOW_LABELS, Label, Labels
from wgflow.runs.memory.estimate import format_size
from wgflow.system import free_memory
from wgflow.system.drafts import replacing_by_name
from wgflow.trajectory.schema import SCALARS
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    import xarray

DATASET = "sweep.nc"
MISSING = "missing"  # status of a run that has no file


def gather(plan: Plan, outcomes: Mapping[int, Outcome]) -> xarray.Dataset:
    """Put the scalars of all runs into one dataset.

    Parameters
    ----------
    plan : Plan
        The sweep.
    outcomes : mapping of int to Outcome
        How runs ended, by their number.

    Returns
    -------
    xarray.Dataset
        See `wgflow.sweep`.
    """
    import xarray

    names = list(dict.fromkeys(name for outcome in outcomes.values() for name in outcome.scalars)) or list(SCALARS)
    times = _times_that_fit(plan, times_of(outcomes.values()), len(names))
    series = {name: np.full((plan.count, times.size), np.nan) for name in names}
    last = {name: np.full(plan.count, np.nan) for name in ("time", *names)}
    ended = {"status": np.full(plan.count, MISSING, dtype=object), "message": np.full(plan.count, "", dtype=object)}
    for index, outcome in outcomes.items():
        ended["status"][index], ended["message"][index] = outcome.status, outcome.message
        if outcome.time.size > 0:
            kept = np.isin(outcome.time, times)
            places = np.searchsorted(times, outcome.time[kept])
            last["time"][index] = outcome.time[-1]
            for name, values in outcome.scalars.items():
                series[name][index, places] = values[kept]
                last[name][index] = values[-1]
    labels = next((outcome.labels for outcome in outcomes.values() if outcome.time.size > 0), FLOW_LABELS)
    variables = _variables(plan, series, last, ended, labels)
    return xarray.Dataset(variables, _coordinates(plan, times, labels), _attributes(plan))


def _times_that_fit(plan: Plan, times: FloatArray, series: int) -> FloatArray:
    """The times, or none with a warning where series of all runs at all of them do not fit into memory."""
    needed, free = plan.count * times.size * series * times.itemsize, free_memory()
    if free is None or needed <= free / 2:  # a copy is made on the way into the file
        return times
    warnings.warn(
        f"{plan.count} runs have {times.size} different output times together; their series need "
        f"{format_size(needed)}, and {format_size(free)} are free: the dataset holds last values alone (final_risk, "
        "...); give all runs the same output.times",
        FlowWarning,
        stacklevel=4,
    )
    return times[:0]


def times_of(outcomes: Iterable[Outcome]) -> FloatArray:
    """Output times that any run has, without those at which runs stopped early, shape (T,)."""
    kept = [o.time if o.reached_end else o.time[: max(o.time.size - 1, 1)] for o in outcomes]
    return np.unique(np.concatenate([np.empty(0), *kept]))


def _variables(
    plan: Plan,
    series: Mapping[str, FloatArray],
    last: Mapping[str, FloatArray],
    ended: Mapping[str, Any],
    labels: Labels,
) -> dict[str, Any]:
    dimensions = tuple(axis.key for axis in plan.axes)
    described = {name: labels.of(name).described if name in SCALARS else Label(name, name).described for name in last}
    described["time"] = labels.time.described
    variables: dict[str, Any] = {
        name: ((*dimensions, "time"), values.reshape(*plan.shape, -1), described[name])
        for name, values in series.items()
    }
    for name, values in last.items():
        said = {**described[name], "long_name": f"{described[name]['long_name']} at the last snapshot"}
        variables[f"final_{name}"] = (dimensions, values.reshape(plan.shape), said)
    for name, long_name in (("status", "how the run ended"), ("message", "its error or its warnings")):
        variables[name] = (dimensions, ended[name].astype(str).reshape(plan.shape), {"long_name": long_name})
    return variables


def _coordinates(plan: Plan, times: FloatArray, labels: Labels) -> dict[str, Any]:
    coordinates: dict[str, Any] = {axis.key: (axis.key, axis.coordinates) for axis in plan.axes}
    coordinates["time"] = ("time", times, labels.time.described)
    return coordinates


def _attributes(plan: Plan) -> dict[str, str]:
    return {
        "Conventions": "CF-1.8",
        "title": "Sweep of a Wasserstein gradient flow",
        "source": f"wgflow {version('wgflow')}",
        "problem": problem_text(plan),
    }


def write_dataset(dataset: xarray.Dataset, folder: Path) -> Path:
    """Write the dataset as netCDF-4 and give its path; raises ComputationError if the disk does not take it."""
    path = folder / DATASET
    try:
        with replacing_by_name(path) as draft:
            dataset.to_netcdf(draft, engine="h5netcdf")
    except OSError as error:
        raise ComputationError(f"{path} cannot be written: {error.strerror or error}; the runs are kept") from None
    return path
