"""Reading data sets from .csv and .npz files, checked before any work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from wgflow.errors import InputError
from wgflow.measures import Particles
from wgflow.problems.archives import read_arrays
from wgflow.problems.columns import CHOOSE, Columns
from wgflow.problems.tables import ending_of, read_csv, read_table
from wgflow.system.paths import kind_of
from wgflow.text import shown
from wgflow.typing import FloatArray

ENDINGS = (".csv", ".tsv", ".npz")
CONSTANT = 1e-12  # spread of a column, relative to its mean, below which it is constant up to round-off
LARGEST = 1e100  # of numbers whose squares, and quotients of squares, are floats


@dataclass(frozen=True)
class Dataset:
    """Inputs and targets as the features see them, with the way back to the units of the file.

    Parameters
    ----------
    inputs : array, shape (n, d)
        Inputs, standardized if asked for, with a last column of ones for the bias.
    targets : array, shape (n,)
        Targets, standardized if asked for and real-valued.
    input_shift, input_scale : arrays, shape (number of input columns,)
        File value = shift + scale * input.
    target_shift, target_scale : float
        File value = shift + scale * target.
    names : tuple of str
        Names of the input columns, then of the output.
    """

    inputs: FloatArray
    targets: FloatArray
    input_shift: FloatArray
    input_scale: FloatArray
    target_shift: float
    target_scale: float
    names: tuple[str, ...]

    def scaled(self, values: ArrayLike) -> FloatArray:
        """Inputs as the features see them, (k, d), of values of the input columns in the units of the file.

        Raises
        ------
        InputError
            If there is not one value for each input column.
        """
        rows = np.atleast_2d(np.asarray(values, dtype=np.float64))
        if rows.shape[-1] != self.input_shift.size:
            raise InputError(f"values of shape {rows.shape} do not fit the input columns {', '.join(self.names[:-1])}")
        rows = (rows - self.input_shift) / self.input_scale
        bias = np.ones((len(rows), self.inputs.shape[1] - rows.shape[1]))
        return np.hstack([rows, bias])

    def in_units(self, predictions: FloatArray) -> FloatArray:
        """Predictions in the units of the output column."""
        return self.target_shift + self.target_scale * predictions


def read_dataset(
    path: Path,
    *,
    inputs: Sequence[str] | None,
    output: str | None,
    bias: bool,
    standardize: bool,
    labels: bool,
) -> Dataset:
    """Read a data set from a file, see `read_table` for tables, and `select_columns` for the other arguments.

    Parameters
    ----------
    path : Path
        A table (.csv or .tsv, packed if it ends in .gz), or an .npz file of one-dimensional arrays.
    inputs, output, bias, standardize, labels
        As `select_columns` takes them.

    Raises
    ------
    InputError
        If the file cannot be read or is ragged, and as `select_columns` does.
    """
    ending = _checked_ending(path)
    columns = Columns(f"data {path}", _read_npz(path)) if ending == ".npz" else read_table(path)
    return select_columns(columns, inputs=inputs, output=output, bias=bias, standardize=standardize, labels=labels)


def select_columns(
    columns: Columns,
    *,
    inputs: Sequence[str] | None,
    output: str | None,
    bias: bool,
    standardize: bool,
    labels: bool,
) -> Dataset:
    """Make a data set of some columns; the others may hold anything.

    Parameters
    ----------
    columns : Columns
        All columns.
    inputs, output : column names
        All but the output, and the last column, by default; all columns must have names then.
    bias : bool
        Whether to append an input that is always 1.
    standardize : bool
        Whether to shift and scale columns to mean 0 and variance 1; labels stay as they are.
    labels : bool
        Whether the targets must be +1 or -1.

    Raises
    ------
    InputError
        If a column does not exist or holds something that is not a finite number, or none is chosen and one has no
        name.
    """
    source, by_default = columns.source, inputs is None
    if inputs is None or output is None:
        columns.check_names(f", or {CHOOSE}")
    output = columns.names[-1] if output is None else output
    inputs = [name for name in columns.names if name != output] if inputs is None else list(inputs)
    values = [columns.numbers(name, "inputs", by_default=by_default) for name in inputs]
    y = columns.numbers(output, "output")
    if not inputs:
        raise InputError(f"{source} has the one column {shown(output)}; at least one input is needed")
    if len(set(inputs)) != len(inputs):
        raise InputError(f"{source}: an input is named twice in {inputs}; name each column once")
    if output in inputs:
        raise InputError(f"{source}: the column {shown(output)} is both input and output; choose another output")
    columns.check_marks([*inputs, output])
    if labels and not np.isin(y, (-1.0, 1.0)).all():
        row = int(np.flatnonzero(~np.isin(y, (-1.0, 1.0)))[0])
        raise InputError(
            f"{source}: the column {shown(output)} holds {y[row]:g} in data row {row + 1}; this loss allows only "
            "the labels +1 and -1"
        )
    x = np.stack(values, axis=1)
    return _scale(source, x, y, (*inputs, output), bias=bias, standardize=standardize, labels=labels)


def read_samples(path: Path) -> Particles:
    """Read samples of a measure of mass 1, or of their own weights.

    Parameters
    ----------
    path : Path
        A table (see `read_table`), or an .npz file of one-dimensional arrays: a column for each component in their
        order, and one called "weight" where the samples have different weights.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no components or a negative weight.
    """
    if _checked_ending(path) == ".npz":
        arrays = Columns(f"data {path}", _read_npz(path))
        columns = {name: arrays.numbers(name, "column") for name in arrays.names}
    else:
        columns = read_csv(path)
    count = len(next(iter(columns.values())))
    weights = columns.pop("weight", np.full(count, 1.0 / count))
    if not columns:
        raise InputError(f"data {path} has no columns beside 'weight'; give one for each component of the samples")
    if weights.min() < 0.0 or not weights.max() > 0.0:
        raise InputError(f"data {path}: 'weight' goes down to {weights.min():g}; allowed are weights >= 0, not all 0")
    return Particles(np.stack(list(columns.values()), axis=1), weights, np.ones(count))


def _scale(
    source: str,
    x: FloatArray,
    y: FloatArray,
    names: tuple[str, ...],
    *,
    bias: bool,
    standardize: bool,
    labels: bool,
) -> Dataset:
    shift, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
    y_shift, y_scale = 0.0, 1.0
    if standardize:
        with np.errstate(over="ignore", invalid="ignore"):
            shift, scale = x.mean(axis=0), x.std(axis=0)
            if not labels:
                y_shift, y_scale = float(y.mean()), float(y.std())
            relative = np.append(scale, y_scale) / np.maximum(np.abs(np.append(shift, y_shift)), 1e-300)
        for name, spread in zip(names, np.where(relative > CONSTANT, np.append(scale, y_scale), 0.0), strict=True):
            if not 0.0 < spread < np.inf:
                raise InputError(
                    f"{source}: the column {shown(name)} is constant or too large and cannot be standardized; leave "
                    "it out, scale it, or set standardize = false"
                )
    scaled = (x - shift) / scale
    targets = (y - y_shift) / y_scale
    _check_sizes(source, names, np.column_stack([scaled, targets]))
    if bias:
        scaled = np.column_stack([scaled, np.ones(len(scaled))])
    return Dataset(scaled, targets, shift, scale, y_shift, y_scale, names)


def _check_sizes(source: str, names: tuple[str, ...], columns: FloatArray) -> None:
    """Raise InputError if the squares of numbers leave the floats."""
    for name, size in zip(names, np.abs(columns).max(axis=0).tolist(), strict=True):
        if size > LARGEST:
            raise InputError(
                f"{source}: the column {shown(name)} has numbers up to {size:g} in size; allowed is up to {LARGEST:g}: "
                "scale it, or set standardize = true"
            )


def _checked_ending(path: Path) -> str:
    """Ending of a file of data; raises InputError if it is not allowed, or there is no such file."""
    ending = ending_of(path)
    if ending not in ENDINGS or (ending == ".npz" and path.suffix.lower() != ending):
        found = "".join(path.suffixes[-2:]) if ending in ENDINGS else path.suffix
        raise InputError(
            f"data {path} has the ending {shown(found)}; allowed are .csv, .tsv (both also with .gz) and .npz"
        )
    if kind_of(path, "data") != "file":
        raise InputError(f"data {path} does not exist; paths are relative to the problem file")
    return ending


def _read_npz(path: Path) -> dict[str, FloatArray]:
    columns = read_arrays(path, f"data {path}")
    for name, values in columns.items():
        if values.ndim != 1:
            raise InputError(
                f"data {path}: the array {shown(name)} has shape {values.shape}; allowed are one-dimensional arrays of "
                "numbers"
            )
    lengths = {name: values.size for name, values in columns.items()}
    if not lengths or min(lengths.values()) == 0:
        raise InputError(f"data {path} holds no numbers")
    if len(set(lengths.values())) != 1:
        raise InputError(f"data {path} holds arrays of different lengths: {shown(lengths)}")
    return columns
