"""Comparing two runs of one problem: PDE, particles and characteristics, in any combination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from wgflow.analysis.comparison import PredictorDistance, compare_trajectories, data_distance, moment_distance
from wgflow.analysis.measure_distances import check_choice
from wgflow.analysis.metrics import as_neurons, empirical_distance, population_distance, symmetric_distance
from wgflow.analysis.shared_times import SharedTimes
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.networks.symmetric_population import frame_on
from wgflow.problems import Problem, load, load_problem
from wgflow.problems.models import QuadraticProblem, TwoLayerProblem
from wgflow.problems.sections import is_reference
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        The common ``time``, and at each: ``risk A``, ``risk B`` (``energy A``, ``energy B`` of flows without a risk),
        their relative ``difference``, and beside it the estimated errors of runs that have them, ``error A`` and
        ``error B``, over the same value; ``mass A``,
        ``mass B``, the distance of the ``predictors`` of networks and of quadratic features; in one space the
        ``kernel`` discrepancy, and ``W1``, ``W2`` of the normalised measures of each sheet, by the shortest ways on
        the domain (on spheres in radians), where they are exact. Where they are not, ``SW1``, ``SW2`` are sliced
        distances (`wgflow.sliced_wasserstein`), with one standard error each, ``SW1 error`` and ``SW2 error``.
        Periodic axes are closed: the kernel and sliced distances take the chord for the distance, as on spheres.
    times : SharedTimes
        The times that both have, and how many of each were left out.
    lines : tuple of str
        How distances of measures were computed, where that is no matter of course.

    Examples
    --------
    >>> few, many = (wgflow.open_problem("teacher", [f"domain.cells={n}", "solver.t_end=1.0"]) for n in (64, 128))
    >>> found = wgflow.compare(wgflow.run(few), wgflow.run(many), few)
    >>> sorted(found.columns)[:3], found.times.left_out
    (['W1+', 'W1-', 'W2+'], (0, 0))
    """

    first: Trajectory = field(repr=False)
    second: Trajectory = field(repr=False)
    names: tuple[str, str]
    problem: Problem | None = field(repr=False)
    columns: Mapping[str, FloatArray]
    times: SharedTimes
    lines: tuple[str, ...] = ()


def compare_files(first: Path, second: Path, *, transport: str = "auto") -> Comparison:
    """Compare two trajectory files, as `compare` does.

    Raises
    ------
    InputError
        If a file cannot be read, their problems differ, or they have no time after 0 in common.
    """
    check_choice(transport)
    runs = load(first), load(second)
    known = ["problem" in run.attributes for run in runs]
    problem = load_problem(first) if known[0] else None
    other = load_problem(second) if known[1] else None
    if problem is not None and other is not None and problem.config.problem != other.config.problem:
        raise InputError(f"{first} and {second} hold different problems; compare two runs of one [problem]")
    return compare(*runs, problem or other, (str(first), str(second)), transport=transport)


def compare(
    first: Trajectory,
    second: Trajectory,
    problem: Problem | None = None,
    names: tuple[str, str] = ("A", "B"),
    *,
    transport: str = "auto",
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
    transport : {"auto", "exact", "sliced", "none"}
        Wasserstein distances in more than one dimension. By default they are exact where POT is installed
        (``pip install 'wgflow[transport]'``) and there are at most 2e7 pairs of atoms at a time and 1e8 in all, and
        else sliced, under another name; on circles and lines they are exact in any case.

    Raises
    ------
    InputError
        If ``transport`` is unknown, the runs have no time after 0 in common, or they are too large for the exact
        distances that were asked for.
    MissingExtraError
        If exact distances were asked for, and need POT.

    Examples
    --------
    >>> well, start = wgflow.Potential(lambda x: 0.5 * (x**2).sum(axis=-1)), wgflow.Particles([[1.0, 2.0]], [1.0])
    >>> runs = [wgflow.simulate(c * well, start, 1.0, domain=wgflow.Space(2), times=[1.0]) for c in (1.0, 2.0)]
    >>> found = wgflow.compare(*runs)
    >>> found.columns["W2"].round(4)  # at the times 0 and 1, the root of 5 times 1/e - 1/e^2
    array([0.  , 0.52])
    """
    check_choice(transport)
    distance = predictor_distance(problem) if _has_predictors(problem) else None
    columns, times, lines = compare_trajectories(first, second, distance, transport)
    return Comparison(first, second, names, problem, columns, times, tuple(lines))


def _has_predictors(problem: Problem | None) -> TypeGuard[Problem]:
    """Whether predictors are known: of networks, if their activation may be run, and of quadratic features."""
    section = None if problem is None else problem.config.problem
    if problem is not None and isinstance(section, TwoLayerProblem):
        return not (problem.code.withheld and is_reference(section.activation))
    return isinstance(section, QuadraticProblem)


def predictor_distance(problem: Problem) -> PredictorDistance:
    """Choose how the predictors of two states are compared.

    On data the root mean square over the inputs, with a teacher the root mean square over x ~ N(0, I), for quadratic
    features the Frobenius norm of the difference of ``int w w^T``.
    """
    count = problem.inputs
    if count is None:
        return moment_distance
    base = problem.config.domain.build().base
    if isinstance(base, SymmetricDomain) and problem.target is not None:
        frame = frame_on(problem.target, base)
        return lambda a, b: symmetric_distance(a, b, base, frame)
    if problem.dataset is None:
        return lambda a, b: population_distance(as_neurons(a, count), as_neurons(b, count))
    inputs, section = problem.dataset.inputs, problem.config.problem
    if isinstance(section, TwoLayerProblem) and section.activation != "relu":
        return data_distance(inputs, section.activation_in(problem.code))
    return lambda a, b: empirical_distance(as_neurons(a, count), as_neurons(b, count), inputs)


def plot_comparison_of(comparison: Comparison) -> Figure:
    """Draw a comparison."""
    from wgflow.plotting import plot_comparison

    time = comparison.columns["time"]
    curves = {
        name: (time, values)
        for name, values in comparison.columns.items()
        if name in {"predictors", "kernel"} or (name.lstrip("S").startswith("W") and not name.endswith(" error"))
    }
    labels = (Path(comparison.names[0]).name, Path(comparison.names[1]).name)
    return plot_comparison(comparison.first, comparison.second, labels, problem=comparison.problem, curves=curves)
