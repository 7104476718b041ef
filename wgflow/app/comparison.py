"""Comparing two runs of one problem: PDE, particles and characteristics, in any combination."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from wgflow.analysis.metrics import (
    as_neurons,
    empirical_distance,
    kernel_discrepancy,
    line_wasserstein,
    population_distance,
    sheet_wasserstein,
)
from wgflow.domains import Box, Circle, Domain
from wgflow.errors import InputError
from wgflow.functionals import FeatureMap, OuterProduct
from wgflow.functionals.moments import RecomputedMoments
from wgflow.measures import Particles
from wgflow.networks import Neurons, SmoothLayer
from wgflow.problems import Problem, load, load_problem
from wgflow.problems.models import QuadraticProblem, TwoLayerProblem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TransportDistance = Callable[[Particles, Particles, float], FloatArray]

SAME_TIME = 1e-9  # relative difference of output times that count as one
MOST_PAIRS = 2e10  # of atoms at all times, up to which the kernel discrepancy is computed: a minute
MOST_TIMES = 21  # distances between measures are computed at this many common times at the most


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Parameters
    ----------
    first, second : Trajectory
        The runs A and B.
    names : tuple of str
        What to call them.
    problem : Problem or None
        Their common problem, where it is known.
    columns : mapping of str to array, shape (k,)
        The common ``time``, and at each: ``risk A``, ``risk B``, their relative ``difference``, and beside it the
        estimated errors of runs that have them, ``error A`` and ``error B``, over the same risk; ``mass A``,
        ``mass B``, the distance of the ``predictors`` of networks and of quadratic features; in one space the
        ``kernel`` discrepancy, and on circles (in radians) and lines ``W1``, ``W2`` of the normalised measures of each
        sheet.
        Periodic axes are closed: the kernel takes the chord for the distance, as on circles.
    """

    first: Trajectory = field(repr=False)
    second: Trajectory = field(repr=False)
    names: tuple[str, str]
    problem: Problem | None = field(repr=False)
    columns: Mapping[str, FloatArray]


def compare_files(first: Path, second: Path) -> Comparison:
    """Compare two trajectory files.

    Raises
    ------
    InputError
        If a file cannot be read, their problems differ, or they have no time after 0 in common.
    """
    runs = load(first), load(second)
    known = ["problem" in run.attributes for run in runs]
    problem = load_problem(first) if known[0] else None
    other = load_problem(second) if known[1] else None
    if problem is not None and other is not None and problem.config.problem != other.config.problem:
        raise InputError(f"{first} and {second} hold different problems; compare two runs of one [problem]")
    return compare(*runs, problem or other, (str(first), str(second)))


def compare(
    first: Trajectory, second: Trajectory, problem: Problem | None = None, names: tuple[str, str] = ("A", "B")
) -> Comparison:
    """Compare two trajectories of one problem at their common times.

    Parameters
    ----------
    first, second : Trajectory
        The runs A and B.
    problem : Problem, optional
        Their common problem; it says how the distance of predictors is measured, which is left out without it.
    names : tuple of str
        What to call them.

    Raises
    ------
    InputError
        If the runs have no time after 0 in common.
    """
    pairs = common_times(first.time, second.time)
    measures = [(first.measure(i), second.measure(j)) for i, j in pairs]
    rows, others = np.array(pairs).T
    columns = {
        "time": first.time[rows],
        "risk A": first.risk[rows],
        "risk B": second.risk[others],
        "difference": relative_difference(first.risk[rows], second.risk[others]),
        **_estimates((first, second), (rows, others)),
        "mass A": first.mass[rows],
        "mass B": second.mass[others],
        **({"predictors": _each(predictor_distance(problem), measures)} if _has_predictors(problem) else {}),
    }
    atoms = [len(a.weights) + len(b.weights) for a, b in measures]
    if _are_near(first, second) and sum(count**2 for count in atoms) <= MOST_PAIRS:
        closed = [(_closed(a, first.domain), _closed(b, second.domain)) for a, b in measures]
        columns["kernel"] = _each(kernel_discrepancy, closed)
    distance = _transport_distance(first.domain, second.domain)
    if distance is not None:
        columns |= _wasserstein_columns(measures, distance)
    return Comparison(first, second, names, problem, columns)


def _has_predictors(problem: Problem | None) -> TypeGuard[Problem]:
    return problem is not None and isinstance(problem.config.problem, TwoLayerProblem | QuadraticProblem)


def _are_near(first: Trajectory, second: Trajectory) -> bool:
    """Whether two runs live in one space, so that their measures can be compared."""
    kinds = {(run.domain.kind, _periods(run.domain)) for run in (first, second) if run.domain is not None}
    return len(kinds) <= 1 and first.measure(0).points.shape[1] == second.measure(0).points.shape[1]


def _periods(domain: Domain | None) -> tuple[float, ...]:
    """Length of each axis of a box, inf where it is not periodic; empty elsewhere."""
    base = None if domain is None else domain.base
    if not isinstance(base, Box):
        return ()
    sides = zip(base.bounds, base.periodic, strict=True)
    return tuple(high - low if periodic else np.inf for (low, high), periodic in sides)


def _closed(measure: Particles, domain: Domain | None) -> Particles:
    """The measure with each periodic axis bent to a circle of its length."""
    periods = np.array(_periods(domain))
    if not np.isfinite(periods).any():
        return measure
    columns = []
    for axis, period in zip(measure.points.T, periods, strict=True):
        radius = period / (2.0 * np.pi)
        closed = np.isfinite(period)
        columns += [radius * np.cos(axis / radius), radius * np.sin(axis / radius)] if closed else [axis]
    return replace(measure, points=np.stack(columns, axis=1))


def _transport_distance(first: Domain | None, second: Domain | None) -> TransportDistance | None:
    """Choose the exact Wasserstein distance of measures on two domains: there is one on circles and on lines."""
    if first is None or second is None:
        return None
    if isinstance(first.base, Circle) and isinstance(second.base, Circle):
        return sheet_wasserstein
    periods = _periods(first)
    if len(periods) != 1 or periods != _periods(second):
        return None
    return partial(line_wasserstein, period=periods[0] if np.isfinite(periods[0]) else None)


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


def _estimates(runs: tuple[Trajectory, Trajectory], rows: tuple[IntArray, IntArray]) -> dict[str, FloatArray]:
    """Estimated errors of the risks over the larger risk, of the runs that have them."""
    larger = np.maximum(*(np.abs(run.risk[chosen]) for run, chosen in zip(runs, rows, strict=True)))
    scale = np.where(larger > 0.0, larger, 1.0)
    named = zip(("error A", "error B"), runs, rows, strict=True)
    return {name: run.errors["risk"][chosen] / scale for name, run, chosen in named if run.errors}


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


def predictor_distance(problem: Problem) -> Callable[[Particles, Particles], float]:
    """Choose how the predictors of two states are compared.

    On data the root mean square over the inputs, with a teacher the root mean square over x ~ N(0, I), for quadratic
    features the Frobenius norm of the difference of ``int w w^T``.
    """
    count = problem.inputs
    if count is None:
        return _moment_distance
    if problem.dataset is None:
        return lambda a, b: population_distance(as_neurons(a, count), as_neurons(b, count))
    inputs, section = problem.dataset.inputs, problem.config.problem
    if isinstance(section, TwoLayerProblem) and section.activation != "relu":
        features = Neurons(SmoothLayer(inputs, section.activation))
        return lambda a, b: _output_distance(features, len(inputs), a, b) / float(np.sqrt(len(inputs)))
    return lambda a, b: empirical_distance(as_neurons(a, count), as_neurons(b, count), inputs)


def _moment_distance(first: Particles, second: Particles) -> float:
    return _output_distance(OuterProduct(), first.points.shape[1] ** 2, first, second)


def _output_distance(features: FeatureMap, count: int, first: Particles, second: Particles) -> float:
    """Euclidean distance of the outputs, shape (count,), of two measures."""
    outputs = [
        RecomputedMoments(features, measure.points, count).moments(measure.weights * measure.signs)
        for measure in (first, second)
    ]
    return float(np.linalg.norm(outputs[0] - outputs[1]))


def plot_comparison_of(comparison: Comparison) -> Figure:
    """Draw a comparison."""
    from wgflow.plotting import plot_comparison

    time = comparison.columns["time"]
    curves = {
        name: (time, values)
        for name, values in comparison.columns.items()
        if name in {"predictors", "kernel"} or name.startswith("W")
    }
    labels = (Path(comparison.names[0]).name, Path(comparison.names[1]).name)
    return plot_comparison(comparison.first, comparison.second, labels, problem=comparison.problem, curves=curves)
