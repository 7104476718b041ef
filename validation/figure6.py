"""Figure 6 of Bach and Chizat (2022): test errors of wide networks that classify clusters, both layers or one trained.

The label of a point depends on the cluster (3 x 3 of them) of its first two coordinates; the others are noise. Networks
of 1000 neurons are trained by ascent of the soft-min margin, 5 10^4 iterations, in d = 15 dimensions (a constant and
the two coordinates among them) on n = 32 ... 512 points, and on n = 256 points in d = 5 ... 25. Beside training of the
output layer stands its limit, the support vector machine with the kernel of infinitely many neurons: at that number of
iterations the output layer has often not even separated the data, so that its published curve depends on when it stops.
A repetition has one law of the labels and nested samples.

Ten repetitions by default, half an hour on two cores; the published figure has 20. In d = 5 gains differ a hundredfold
between laws: five repetitions do not show there that both layers are better, though they are in each. Finished
trainings are kept in figure6.csv, from which an interrupted run continues. Quick runs have small networks and one
repetition, and keep nothing.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes

from wgflow.analysis.optimality.margins import kernel_margin
from wgflow.app.validation import Row, Setting, agrees, at_least, measured
from wgflow.errors import InputError
from wgflow.networks.training.classifiers import MarginAscent, draw_network, error_rate, margin
from wgflow.networks.training.clusters import Clusters, draw_clusters
from wgflow.plotting import save_figure
from wgflow.plotting.regions import draw_labelled
from wgflow.plotting.style import CURVES, styled_figure
from wgflow.system.terminal import make_console
from wgflow.typing import FloatArray

from ._processes import dask_workers

SIDE, TESTS = 3, 10_000  # clusters along an axis; points that measure the error
COUNTS, DIMENSION = (32, 64, 128, 256, 512), 15
DIMENSIONS, COUNT = (5, 10, 15, 20, 25), 256
ENOUGH = 128  # points from which on training both layers is expected to be better
LEAST_GAIN = 2.0  # standard errors
WAYS = {"both": "both layers", "outputs": "output layer", "limit": "output layer, limit"}


@dataclass(frozen=True)
class Training:
    """One training set and how networks are trained on it."""

    repetition: int
    count: int
    dimension: int
    width: int = 1000
    iterations: int = 50_000
    precision: str = "float64"


@dataclass(frozen=True)
class Result:
    """Test errors, and whether the data were separated."""

    both: float
    outputs: float
    limit: float
    both_separated: bool
    outputs_separated: bool


def law_of(training: Training) -> Clusters:
    """The law of a repetition; the labels of its clusters are the same in all dimensions."""
    return draw_clusters(SIDE, training.dimension, np.random.default_rng([training.repetition, 0]))


def carry_out(training: Training) -> Result:
    """Train on one set in both ways, and test."""
    law, key = law_of(training), [training.repetition, training.dimension]
    inputs, labels = law.draw(max(COUNTS), np.random.default_rng([*key, 1]))
    inputs, labels = inputs[: training.count], labels[: training.count]
    test = law.draw(TESTS, np.random.default_rng([*key, 2]))
    start = draw_network(training.width, training.dimension, np.random.default_rng([*key, 3]))
    ascent = MarginAscent(training.iterations, precision=training.precision)
    both = ascent.train(start, inputs, labels)
    outputs = ascent.train_outputs(start.inputs, inputs, labels)
    limit = kernel_margin(inputs, labels)
    return Result(
        error_rate(both, *test),
        error_rate(outputs, *test),
        error_rate(limit, *test),
        margin(both, inputs, labels) > 0.0,
        margin(outputs, inputs, labels) > 0.0,
    )


def plan(repetitions: int, precision: str, *, quick: bool) -> list[Training]:
    """All trainings, the longest first so that all processes end together."""
    if quick:
        sizes: Iterable[tuple[int, int]] = ((32, 5), (ENOUGH, 5))
        make = partial(Training, width=100, iterations=1000, precision=precision)
    else:
        sizes = {*((count, DIMENSION) for count in COUNTS), *((COUNT, dimension) for dimension in DIMENSIONS)}
        make = partial(Training, precision=precision)
    longest_first = sorted(sizes, key=lambda size: (-size[0], -size[1]))
    return [make(repetition, *size) for repetition in range(repetitions) for size in longest_first]


class Results:
    """Results in a file, one line each, written as soon as they are known.

    Parameters
    ----------
    path : Path or None
        Where they are kept.

    Raises
    ------
    InputError
        If the file holds something else.
    """

    NAMES = (*(item.name for item in fields(Training)), *(item.name for item in fields(Result)))

    def __init__(self, path: Path | None) -> None:
        self._path, self.found = path, dict[Training, Result]()
        if path is not None and path.exists():
            text = path.read_text()
            whole = text[: text.rfind("\n") + 1]
            if whole != text:  # a line that an interruption cut
                path.write_text(whole)
            rows = csv.reader(whole.splitlines())
            if tuple(next(rows, ())) != self.NAMES:
                raise InputError(f"results {path} hold something else; choose another file")
            self.found = dict(_parse(row) for row in rows)

    def add(self, training: Training, result: Result) -> None:
        """Keep a result."""
        self.found[training] = result
        if self._path is None:
            return
        new = not self._path.exists()
        with self._path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if new:
                writer.writerow(self.NAMES)
            writer.writerow([*asdict(training).values(), *asdict(result).values()])


def _parse(row: Sequence[str]) -> tuple[Training, Result]:
    repetition, count, dimension, width, iterations = (int(text) for text in row[:5])
    both, outputs, limit = (float(text) for text in row[6:9])
    training = Training(repetition, count, dimension, width, iterations, row[5])
    return training, Result(both, outputs, limit, row[9] == "True", row[10] == "True")


def results_of(
    trainings: Sequence[Training], scheduler: str | None, processes: int
) -> Iterator[tuple[Training, Result]]:
    """Carry out trainings on dask workers, of one thread each; results as they come."""
    from distributed import as_completed
    from rich.progress import track

    with dask_workers(scheduler, processes) as client:
        tasks = {client.submit(carry_out, training, pure=False): training for training in trainings}
        done = as_completed(tasks, loop=client.loop)  # type: ignore[no-untyped-call]
        for task in track(done, "trainings", len(trainings), console=make_console(), refresh_per_second=1):
            yield tasks[task], task.result()


def errors_of(results: Results, trainings: Sequence[Training], way: str, axis: str, fixed: int) -> FloatArray:
    """Test errors of a way, shape (repetitions, sizes), where the other size is fixed."""
    other = "dimension" if axis == "count" else "count"
    chosen = [training for training in trainings if getattr(training, other) == fixed]
    sizes = sorted({getattr(training, axis) for training in chosen})
    table = np.full((1 + max(training.repetition for training in chosen), len(sizes)), np.nan)
    for training in chosen:
        table[training.repetition, sizes.index(getattr(training, axis))] = getattr(results.found[training], way)
    return table


def rows_of(found: Sequence[Result], what: str, *, expected: bool) -> Iterator[Row]:
    """Mean errors of trainings that differ in the repetition, how often both layers beat one, and by how much."""
    separated = {way: np.mean([getattr(one, f"{way}_separated") for one in found]) for way in ("both", "outputs")}
    for way, name in WAYS.items():
        beside = f"data separated in {separated[way]:.2f} of the repetitions" if way in separated else ""
        error = float(np.mean([getattr(one, way) for one in found]))
        yield measured(f"{what}: test error, {name}", error, beside).quote()
    gain = np.array([one.outputs - one.both for one in found])
    better = f"{what}: share of repetitions where both layers are better"
    if not expected:
        yield measured(better, float((gain > 0.0).mean()))
    elif len(gain) == 1:
        yield agrees(better, float((gain > 0.0).mean()), 1.0)
    else:
        yield measured(better, float((gain > 0.0).mean())).quote()
        deviation = gain.std(ddof=1) / math.sqrt(len(gain))
        yield at_least(f"{what}: gain of both layers in standard errors", gain.mean() / deviation, LEAST_GAIN).quote()


def draw_errors(axes: Axes, results: Results, trainings: Sequence[Training], axis: str, fixed: int) -> None:
    """Thin lines for repetitions, thick ones for means."""
    other = "dimension" if axis == "count" else "count"
    sizes = sorted({getattr(training, axis) for training in trainings if getattr(training, other) == fixed})
    for (way, label), color in zip(WAYS.items(), CURVES, strict=True):
        errors = errors_of(results, trainings, way, axis, fixed)
        axes.plot(sizes, errors.T, color=color, linewidth=0.5, alpha=0.4)
        axes.plot(sizes, errors.mean(axis=0), color=color, linewidth=2.4, marker="o", markersize=3.5, label=label)
    axes.set_ylabel("test error")
    axes.set_ylim(bottom=0.0)


def draw(results: Results, trainings: Sequence[Training], path: Path) -> None:
    """Draw the data, the errors by the number of points, and by the dimension."""
    count = max(training.count for training in trainings)
    dimensions = sorted({training.dimension for training in trainings})
    fixed = DIMENSION if DIMENSION in dimensions else dimensions[0]
    with styled_figure(3.2) as figure:
        data, by_count, by_dimension = figure.subplots(1, 3)
        inputs, labels = law_of(trainings[0]).draw(count, np.random.default_rng(0))
        draw_labelled(data, inputs[:, 1:3], labels)
        data.set_aspect("equal")
        data.set_title("first two coordinates")
        draw_errors(by_count, results, trainings, "count", fixed)
        by_count.set_xscale("log", base=2)
        by_count.set_xlabel(f"number of points $n$ ($d = {fixed}$)")
        chosen = COUNT if any(training.count == COUNT for training in trainings) else count
        draw_errors(by_dimension, results, trainings, "dimension", chosen)
        by_dimension.set_xlabel(f"dimension $d$ ($n = {chosen}$)")
        by_count.legend()
    save_figure(figure, path)


def validate(
    setting: Setting,
    *,
    repetitions: int = 10,
    precision: Literal["float64", "float32"] = "float64",
    scheduler: str | None = None,
) -> Iterator[Row]:
    """Do the trainings that are not done yet, compare the errors and draw them.

    Parameters
    ----------
    setting : Setting
        How much is computed.
    repetitions : int
        Number of laws and training sets.
    precision : str
        Of the training.
    scheduler : str or None
        Address of a dask scheduler; processes on this machine by default.
    """
    trainings = plan(1 if setting.quick else repetitions, precision, quick=setting.quick)
    results = Results(None if setting.quick else setting.file(".csv"))
    missing = [training for training in trainings if training not in results.found]
    if setting.quick:
        done: Iterable[tuple[Training, Result]] = ((training, carry_out(training)) for training in missing)
    else:
        done = results_of(missing, scheduler, setting.processes) if missing else ()
    for training, result in done:
        results.add(training, result)
    for count, dimension in sorted({(one.count, one.dimension) for one in trainings}):
        found = [results.found[one] for one in trainings if (one.count, one.dimension) == (count, dimension)]
        yield from rows_of(found, f"n = {count}, d = {dimension}", expected=count >= ENOUGH)
    draw(results, trainings, setting.file())
