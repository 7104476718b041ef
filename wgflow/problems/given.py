"""Data that Python gives in the place of a file: arrays by name, in a dictionary or a DataFrame of any library."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np

from wgflow.errors import InputError
from wgflow.problems.columns import Columns
from wgflow.text import named, shown
from wgflow.typing import FloatArray

GIVEN = "python"
"""What stands for such data in problem files, and in the trajectories that store them."""

FORMS = "a DataFrame, or a dictionary of one-dimensional arrays by name"


def take_data(sections: Mapping[str, Any]) -> tuple[Mapping[str, Any], Columns | None]:
    """Take the data out of the sections of a problem, where they are no path.

    Parameters
    ----------
    sections : mapping
        Sections of a problem, with data under ``problem.data``.

    Returns
    -------
    sections : mapping
        The same, with a name in the place of such data.
    columns : Columns or None
        The data.

    Raises
    ------
    InputError
        If the data are arrays without names, of different lengths, or hold nothing.
    """
    problem = sections.get("problem")
    data = problem.get("data") if isinstance(problem, Mapping) else None
    if isinstance(data, np.ndarray):
        raise InputError(f"[problem] data is an array of shape {data.shape}, whose columns have no names; give {FORMS}")
    if not (isinstance(data, Mapping) or _is_frame(data)):
        if data is not None and not isinstance(data, str):
            raise InputError(f"[problem] data = {shown(data)} is not allowed; give {FORMS}, or the path of a file")
        return sections, None
    return {**sections, "problem": {**problem, "data": GIVEN}}, columns_of(data)  # type: ignore[dict-item]


def _is_frame(data: Any) -> bool:
    """Whether something has named columns that become arrays, as DataFrames of pandas, polars and others do."""
    return hasattr(data, "columns") and hasattr(data, "__getitem__") and not isinstance(data, str)


def columns_of(data: Any) -> Columns:
    """Columns of a DataFrame or of a dictionary of arrays; its index, if it has one, is none of them.

    Raises
    ------
    InputError
        If they have the same names or different lengths, are not one-dimensional, or there are no numbers.
    """
    source = f"data ({type(data).__name__})"
    keys = list(data) if isinstance(data, Mapping) else list(data.columns)
    names = [str(key) for key in keys]
    if len(set(names)) != len(names):
        raise InputError(f"{source}: two columns have the same name; columns: {named(', '.join(names), 200)}")
    values, faults = {}, {}
    for name, key in zip(names, keys, strict=True):
        values[name], fault = _numbers(source, name, data[key])
        if fault:
            faults[name] = fault
    lengths = {name: column.size for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{source} holds columns of different lengths: {shown(lengths)}")
    if not any(lengths.values()):
        raise InputError(f"{source} holds no numbers")
    return Columns(source, values, faults)


def _numbers(source: str, name: str, column: Any) -> tuple[FloatArray, str]:
    """Values of a column and what is wrong with them; NaN where they are no numbers."""
    found = np.asarray(column.to_numpy() if hasattr(column, "to_numpy") else column)
    if found.ndim != 1:
        raise InputError(f"{source}: the column {shown(name)} has shape {found.shape}; give {FORMS}")
    if found.dtype.kind in "fiub":
        return found.astype(np.float64), ""
    row = next((row for row, value in enumerate(found) if not isinstance(value, Number)), None)
    if found.dtype.kind == "O" and row is None:
        try:
            return found.astype(np.float64), ""
        except (TypeError, ValueError):
            row = 0
    text = shown(str(found[row or 0])) if found.size else f"values of type {named(found.dtype)}"
    return np.full(found.size, np.nan), f"the column {shown(name)} holds {text} in data row {(row or 0) + 1}; " + (
        "allowed are numbers"
    )
