"""Comparing two runs of one problem: PDE, particles and characteristics, in any combination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from wgflow.analysis.comparison import PredictorDistance, compared_columns, data_distance, moment_distance
from wgflow.analysis.metrics import as_neurons, empirical_distance, population_distance, symmetric_distance
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
    distance = predictor_distance(problem) if _has_predictors(problem) else None
    return Comparison(first, second, names, problem, compared_columns(first, second, distance))


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
        if name in {"predictors", "kernel"} or name.startswith("W")
    }
    labels = (Path(comparison.names[0]).name, Path(comparison.names[1]).name)
    return plot_comparison(comparison.first, comparison.second, labels, problem=comparison.problem, curves=curves)
