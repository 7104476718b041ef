"""Figure 6 of Bach and Chizat (2022): test errors of wide networks that classify clusters, both layers or one trained.

The label of a point depends on the cluster (3 x 3 of them) of its first two coordinates; the others are noise. Networks
of 1000 neurons are trained by ascent of the soft-min margin, 5 10^4 iterations, in d = 15 dimensions (a constant and
the two coordinates among them) on n = 32 ... 512 points, and on n = 256 points in d = 5 ... 25. Beside training of the
output layer stands its limit, the support vector machine with the kernel of infinitely many neurons: at that number of
iterations the output layer has often not even separated the data, so that its published curve depends on when it stops.
A repetition has one law of the labels and nested samples.

Ten repetitions by default, half an hour on two cores, 20 with --full. In d = 5 gains differ a hundredfold between laws:
five repetitions do not show there that both layers are better, though they are in each. Finished trainings are kept in
a file, from which an interrupted run continues. With --quick, small networks, one repetition, and nothing is kept.

    python validation/figure6.py [--quick | --full | --repetitions 1] [--results figure6.csv] [--scheduler ADDRESS]
                                 [--processes 2] [--precision float32] [--figure PNG]
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from rich.console import Console
from rich.progress import track

from wgflow.analysis.optimality.margins import kernel_margin
from wgflow.app.sweeps.cluster import check_libraries, connect
from wgflow.errors import InputError, WgflowError
from wgflow.networks.training.classifiers import MarginAscent, draw_network, error_rate, margin
from wgflow.networks.training.clusters import Clusters, draw_clusters
from wgflow.plotting import save_figure
from wgflow.plotting.regions import draw_labelled
from wgflow.plotting.style import CURVES, styled_figure
from wgflow.system.threads import available_cores
from wgflow.typing import FloatArray

SIDE, TESTS = 3, 10_000  # clusters along an axis; points that measure the error
COUNTS, DIMENSION = (32, 64, 128, 256, 512), 15
DIMENSIONS, COUNT = (5, 10, 15, 20, 25), 256
ENOUGH = 128  # points from which on training both layers is expected to be better
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


def distributed(
    trainings: Sequence[Training], scheduler: str | None, processes: int
) -> Iterator[tuple[Training, Result]]:
    """Carry out trainings on dask workers, of one thread each; results as they come."""
    from distributed import as_completed

    with connect(scheduler, processes, 1) as client:
        tasks = {client.submit(carry_out, training, pure=False): training for training in trainings}
        for task in as_completed(tasks, loop=client.loop):  # type: ignore[no-untyped-call]
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


def report(results: Results, trainings: Sequence[Training]) -> bool:
    """Print mean errors, how often the data were separated, and whether both layers beat one; the verdict."""
    print("   n   d   both layers  output layer   limit   share of repetitions: better, separated (both, output)")
    passed = True
    for count, dimension in sorted({(one.count, one.dimension) for one in trainings}):
        found = [results.found[one] for one in trainings if (one.count, one.dimension) == (count, dimension)]
        errors = np.array([[one.both, one.outputs, one.limit] for one in found])
        mean, gain = errors.mean(axis=0), errors[:, 1] - errors[:, 0]
        better = float((gain > 0.0).mean())
        both, outputs = (np.mean([getattr(one, f"{way}_separated") for one in found]) for way in ("both", "outputs"))
        print(
            f"{count:4d} {dimension:3d}   {mean[0]:11.4f}  {mean[1]:12.4f}  {mean[2]:.4f}   {better:.2f}, "
            f"{both:.2f}, {outputs:.2f}"
        )
        if count >= ENOUGH:
            error = float(gain.std(ddof=1) / math.sqrt(len(gain))) if len(gain) > 1 else 0.0
            passed = passed and bool(gain.mean() > 2.0 * error)
    print(f"{'PASS' if passed else 'FAIL'}  for n >= {ENOUGH} both layers beat one in the mean, by two standard errors")
    return passed


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


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one repetition, small networks: seconds")
    parser.add_argument("--full", action="store_true", help="20 repetitions, as published")
    parser.add_argument("--repetitions", type=int, default=10, help="number of laws and training sets")
    parser.add_argument("--precision", choices=("float64", "float32"), default="float64", help="of the training")
    parser.add_argument("--results", type=Path, default=Path("figure6.csv"), help="file that keeps finished trainings")
    parser.add_argument("--scheduler", help="address of a dask scheduler; processes on this machine by default")
    parser.add_argument("--processes", type=int, default=available_cores(), help="processes side by side")
    parser.add_argument("--figure", type=Path, default=Path("figure6.png"), help="picture to write")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the trainings that are not done yet, print the errors and draw them; 0 if both layers are better."""
    options = parse(arguments)
    repetitions = 1 if options.quick else 20 if options.full else options.repetitions
    trainings = plan(repetitions, options.precision, quick=options.quick)
    results = Results(None if options.quick else options.results)
    missing = [training for training in trainings if training not in results.found]
    if options.quick:
        done: Iterable[tuple[Training, Result]] = ((training, carry_out(training)) for training in missing)
    else:
        check_libraries()
        done = distributed(missing, options.scheduler, options.processes) if missing else ()
    for training, result in track(done, "trainings", len(missing), console=Console(stderr=True), refresh_per_second=1):
        results.add(training, result)
    passed = report(results, trainings)
    draw(results, trainings, options.figure)
    print(f"figure      {options.figure}")
    return 0 if passed else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WgflowError as error:
        sys.exit(f"error: {error}")
