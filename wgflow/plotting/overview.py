"""One figure that shows a trajectory: what was learned, the measure over time, and what falls."""

from __future__ import annotations

from matplotlib.figure import Figure

from wgflow.plotting.characteristics import plot_characteristics, shows_deformed_mesh
from wgflow.plotting.layout import draw_rows
from wgflow.plotting.overviews.classifiers import CLASSIFIER
from wgflow.plotting.overviews.deconvolution import DECONVOLUTION
from wgflow.plotting.overviews.grids import PLANE, SPACE, SURFACE
from wgflow.plotting.overviews.kinds import RunKind
from wgflow.plotting.overviews.lines import CIRCLE_DATA, CIRCLE_TEACHER, LINE
from wgflow.plotting.overviews.particles import HIGH_DIMENSION, PARTICLES
from wgflow.plotting.shown import Shown
from wgflow.problems import Problem
from wgflow.trajectory import Trajectory

KINDS: tuple[RunKind, ...] = (
    CLASSIFIER,
    DECONVOLUTION,
    CIRCLE_DATA,
    CIRCLE_TEACHER,
    LINE,
    PLANE,
    SPACE,
    SURFACE,
    PARTICLES,
    HIGH_DIMENSION,
)
"""Kinds of runs; the first that holds a run shows it."""


def kind_of_run(shown: Shown) -> RunKind:
    """Kind of a run: the first in ``KINDS`` that holds it; the last one holds all."""
    return next(kind for kind in KINDS if kind.holds(shown))


def plot_trajectory(trajectory: Trajectory, problem: Problem | None = None) -> Figure:
    """Draw a trajectory in the way that suits it.

    - Regression shows the data and the learned function at a few times, or teacher and learned function; a network on
      the circle with a teacher the last densities around it, or particles in a disk (Figure 2 of Bach and Chizat,
      2022); classification with two inputs the regions of both classes, and the margin with its upper bound.
    - The measure is drawn over time on circles and intervals, with the density at which it rests, where that is known,
      dashed; in the plane at a few times with contours of V, or of J; in space by its three marginals; on spheres by
      maps; particles with their paths; those in more dimensions by their angle to the teacher, or their two principal
      axes.
    - Characteristics in the plane and on spheres show the mesh of their nodes, see `plot_characteristics`.
    - Deconvolution shows the spikes that were to be found and those that were, J at the end, and their errors.
    - Networks show their risk, energies F and its dissipation, and F above its least value where that is known. The
      certified gap stands beside risks that are regularised, the last value beside each curve.

    Parameters
    ----------
    trajectory : Trajectory
        What `wgflow.run` returned or `wgflow.load` read.
    problem : Problem, optional
        Its problem, from `wgflow.open_problem` or `wgflow.load_problem`; it adds data, teacher and exact solution.

    Returns
    -------
    Figure
        A matplotlib figure; `save_figure` writes it to a file.

    Examples
    --------
    >>> problem = wgflow.open_problem("quadratic", ["domain.cells=16", "output.snapshots=3"])
    >>> figure = wgflow.plot_trajectory(wgflow.run(problem), problem)
    >>> len(figure.axes) > 3
    True
    """
    shown = Shown(trajectory, problem)
    kind = kind_of_run(shown)
    if kind in (PLANE, SURFACE, PARTICLES) and shows_deformed_mesh(trajectory):
        return plot_characteristics(trajectory)
    return draw_rows(kind.rows(shown), shown)
