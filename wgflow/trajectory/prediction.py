"""What the network of a trajectory predicts: in the units of the data, or as the features see them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from wgflow.errors import InputError, ShapeError
from wgflow.networks.predictions import predictions
from wgflow.text import shown
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.problems.datasets import Dataset
    from wgflow.trajectory.trajectory import Trajectory

Inputs = Any
"""Rows of inputs (array-like), or columns by name: a mapping, or a DataFrame, which need not be installed."""


def predict(trajectory: Trajectory, x: Inputs, index: int, *, raw: bool) -> FloatArray:
    """Prediction of a network at an output; see `Trajectory.predict`."""
    if trajectory.functional is None:
        raise InputError("the functional of this trajectory is not known; load(path, functional=...) gives it")
    problem = trajectory.problem
    data = None if problem is None or raw else problem.dataset
    columns = _columns(x)
    if columns is not None and data is None:
        advice = "raw=True takes rows of numbers" if raw else "there is no data set here: give rows of inputs"
        raise InputError(f"columns by name ({', '.join(map(str, columns))}) have no meaning; {advice}")
    if data is None:
        return predictions(trajectory.functional, trajectory.measure(index), _rows(x))
    values = _rows_of_data(x, data) if columns is None else _by_name(columns, data)
    if _are_scaled(values, data):
        _warn_of_scaled(data)
        return predictions(trajectory.functional, trajectory.measure(index), values)
    found = predictions(trajectory.functional, trajectory.measure(index), data.scaled(_checked(values, data)))
    return data.in_units(found)


def _columns(x: Inputs) -> Mapping[Any, Any] | None:
    """Columns by name, of a mapping or of what has columns as a DataFrame has; None for anything else."""
    if isinstance(x, Mapping):
        return x
    return {name: x[name] for name in x.columns} if hasattr(x, "columns") else None


def _rows(x: ArrayLike) -> FloatArray:
    """Rows of numbers; one row has an axis less."""
    try:
        return np.atleast_2d(np.asarray(x, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"x = {shown(x)} are not numbers; give an array of shape (k, d)") from None


def _rows_of_data(x: ArrayLike, data: Dataset) -> FloatArray:
    """Rows of values of the input columns; of a single column its values alone."""
    rows = _rows(x)
    return rows.T if data.input_shift.size == 1 and np.ndim(x) == 1 else rows


def _by_name(columns: Mapping[Any, Any], data: Dataset) -> FloatArray:
    """Rows of values of the input columns, from columns by name."""
    inputs = data.names[:-1]
    missing = [name for name in inputs if name not in columns]
    if missing:
        raise InputError(
            f"the input column {missing[0]!r} is missing; needed are {', '.join(inputs)}, given "
            f"{', '.join(map(str, columns))}"
        )
    chosen = [np.atleast_1d(_numbers(columns[name], name)) for name in inputs]
    sizes = {name: values.shape for name, values in zip(inputs, chosen, strict=True)}
    if len(set(sizes.values())) > 1 or chosen[0].ndim != 1:
        raise ShapeError(f"columns have the shapes {shown(sizes)}; give one-dimensional ones of the same length")
    return np.stack(chosen, axis=1)


def _numbers(values: Any, name: str) -> FloatArray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"the column {name!r} = {shown(values)} holds something that is no number") from None


def _checked(values: FloatArray, data: Dataset) -> FloatArray:
    """Values that fit the input columns; raises ShapeError."""
    inputs = data.names[:-1]
    if values.ndim != 2 or values.shape[1] != len(inputs):
        raise ShapeError(
            f"values x of shape {values.shape} do not fit: give a column for each of {', '.join(inputs)} (the bias is "
            "added), in the units of the data; raw=True takes scaled inputs as the features see them"
        )
    return values


def _are_scaled(values: FloatArray, data: Dataset) -> bool:
    """Whether values are scaled inputs with a bias, as version 0.1 took them."""
    seen = data.inputs.shape[1]
    return seen > data.input_shift.size and values.shape[1:] == (seen,) and bool((values[:, -1] == 1.0).all())


def _warn_of_scaled(data: Dataset) -> None:
    warnings.warn(
        f"Trajectory.predict takes {', '.join(data.names[:-1])} in the units of the data, and adds the bias; scaled "
        "inputs with a last 1, as in version 0.1, need raw=True from version 0.3 on",
        DeprecationWarning,
        stacklevel=4,
    )
