"""What is drawn of a trajectory on a line of cells: its coordinate, its sheets, densities and histograms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis as MatplotlibAxis

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Coordinate, HalfCircle
from wgflow.domains.base import UnsignedDomain
from wgflow.errors import InputError
from wgflow.problems import Problem
from wgflow.problems.models import DeconvolutionProblem, EnergyProblem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

TURN = 2.0 * np.pi
MAX_BINS, MIN_BINS, PARTICLES_PER_BIN = 128, 16, 8


@dataclass(frozen=True)
class Line:
    """The one coordinate of a domain: an angle, or a coordinate of an interval."""

    label: str
    limits: tuple[float, float]
    angular: bool


def find_line(trajectory: Trajectory, problem: Problem | None = None) -> Line | None:
    """Give the coordinate of circles and intervals; None where the measure does not live on a line."""
    if trajectory.domain is not None:
        line = LINES.get(trajectory.domain)
        return None if line is None else line(trajectory, problem)
    components = trajectory.position.shape[-1] if trajectory.has_particles else 0
    if components == 2 and _on_circle(trajectory.position[0]):
        return _circle(trajectory, problem)
    return _interval(trajectory, problem) if components == 1 else None


def _circle(_: Trajectory, __: Problem | None) -> Line:
    return Line(r"angle of $\eta$", (0.0, TURN), angular=True)


def _interval(trajectory: Trajectory, problem: Problem | None) -> Line:
    """From wall to wall, or as far as particles go."""
    label = axis_labels(problem, 1)[0]
    if has_density(trajectory):
        edges = cell_edges(grid_of(trajectory).coordinates[0])
        return Line(label, (float(edges[0]), float(edges[-1])), angular=False)
    low, high = float(trajectory.position.min()), float(trajectory.position.max())
    margin = 0.03 * (high - low) or 1.0
    return Line(label, (low - margin, high + margin), angular=False)


def _one_axis(trajectory: Trajectory, problem: Problem | None) -> Line | None:
    return _interval(trajectory, problem) if len(grid_of(trajectory).shape) == 1 else None


def _half_circle(_: Trajectory, __: Problem | None) -> Line:
    return Line("angle to the target", (0.0, 0.5 * TURN), angular=False)


LINES = DomainTable[Callable[[Trajectory, "Problem | None"], Line | None]](
    "a line", {Circle: _circle, HalfCircle: _half_circle, Box: _one_axis}
)
"""Lines of the domains that have one."""


def axis_labels(problem: Problem | None, dimension: int) -> tuple[str, ...]:
    """Symbols of the coordinates: neurons (a, b) or b with c for a bias, else w in R^p; x, y, z of energies."""
    if problem is None or isinstance(problem.config.problem, EnergyProblem | DeconvolutionProblem):
        return ("$x$", "$y$", "$z$")[:dimension]
    if problem.inputs is None:
        return _numbered("w", dimension)
    bias = problem.dataset is not None and problem.dataset.input_shift.size < problem.inputs
    output = ("$a$",) if problem.has_pairs else ()
    return (*output, *_numbered("b", dimension - len(output) - bias), *(("$c$",) if bias else ()))


def _numbered(name: str, count: int) -> tuple[str, ...]:
    return (f"${name}$",) if count == 1 else tuple(f"${name}_{number + 1}$" for number in range(count))


def measure_symbol(trajectory: Trajectory) -> str:
    r"""Letter of the measure in mathtext: mu on R^p, nu on circles and spheres."""
    if trajectory.domain is not None:
        return trajectory.domain.base.symbol
    return r"\nu" if trajectory.has_particles and on_sphere(trajectory) else r"\mu"


def on_sphere(trajectory: Trajectory) -> bool:
    """Whether particles of which no domain is known live on a unit sphere: first and last positions tell."""
    ends = trajectory.position[[0, -1]]
    return bool(np.allclose(np.linalg.norm(ends, axis=-1), 1.0))


def _on_circle(points: FloatArray) -> bool:
    return points.shape[1] == 2 and bool(np.allclose(np.linalg.norm(points, axis=1), 1.0))


def cell_edges(axis: Coordinate) -> FloatArray:
    """Ends of the cells between their centres, shape (n + 1,)."""
    centres = axis.values
    middles = 0.5 * (centres[1:] + centres[:-1])
    first, last = 2.0 * centres[0] - middles[0], 2.0 * centres[-1] - middles[-1]
    return np.concatenate([[first], middles, [last]])


def coordinate_of(points: FloatArray, line: Line) -> FloatArray:
    """Coordinate of points on the line, shape (..., p) to (...); angles in [0, 2 pi)."""
    if not line.angular:
        return points[..., 0]
    return np.mod(np.arctan2(points[..., 1], points[..., 0]), TURN)


def sheet_signs(trajectory: Trajectory) -> tuple[float, ...]:
    """Signs of the sheets that the measure has: (1, -1) on signed domains, else (1,)."""
    if trajectory.domain is not None:
        return tuple(trajectory.domain.signs.tolist())
    negative = trajectory.sign is not None and bool((trajectory.sign < 0.0).any())
    return (1.0, -1.0) if negative else (1.0,)


def has_density(trajectory: Trajectory) -> bool:
    """Whether there is a density on a grid to be drawn."""
    return trajectory.domain is not None and "density" in trajectory.fields


def grid_of(trajectory: Trajectory) -> UnsignedDomain:
    """Unsigned domain that the density lives on."""
    if trajectory.domain is None:
        raise InputError("the domain of this trajectory is not known; its density cannot be drawn")
    return trajectory.domain.base


def sheet_density(trajectory: Trajectory, sign: float) -> FloatArray:
    """Density of a sheet at all times, shape (T, n)."""
    signs = sheet_signs(trajectory)
    return trajectory.density.reshape(len(trajectory.time), len(signs), -1)[:, signs.index(sign)]


def sheet_particles(trajectory: Trajectory, sign: float) -> IntArray:
    """Indices of the particles of a sign."""
    if trajectory.sign is None:
        return np.arange(trajectory.weight.shape[1])
    return np.flatnonzero(trajectory.sign == sign)


def sheet_mass(trajectory: Trajectory, sign: float) -> FloatArray:
    """Mass of a sheet at each time, shape (T,)."""
    if trajectory.has_particles:
        return trajectory.weight[:, sheet_particles(trajectory, sign)].sum(axis=1)
    return sheet_density(trajectory, sign) @ grid_of(trajectory).volumes.ravel()


def weighted_histogram(trajectory: Trajectory, index: int, sign: float, line: Line) -> tuple[FloatArray, FloatArray]:
    """Weights of the particles of a sign in equal bins, divided by the width of a bin: edges, heights."""
    chosen = sheet_particles(trajectory, sign)
    return binned(coordinate_of(trajectory.position[index, chosen], line), trajectory.weight[index, chosen], line)


def binned(values: FloatArray, weights: FloatArray, line: Line) -> tuple[FloatArray, FloatArray]:
    """Weights in equal bins of a line, divided by the width of a bin: edges, heights."""
    bins = int(np.clip(values.size // PARTICLES_PER_BIN, MIN_BINS, MAX_BINS))
    heights, edges = np.histogram(values, bins=bins, range=line.limits, weights=weights)
    return edges, heights / (edges[1] - edges[0])


def profile(trajectory: Trajectory, index: int, sign: float, line: Line) -> tuple[FloatArray, FloatArray]:
    """Density of a sheet at an output as steps: edges (n + 1,), heights (n,); a histogram for particles."""
    if not has_density(trajectory):
        return weighted_histogram(trajectory, index, sign, line)
    edges = cell_edges(grid_of(trajectory).coordinates[0])
    return edges, sheet_density(trajectory, sign)[index]


def set_line_axis(axis: MatplotlibAxis, line: Line) -> None:
    """Label an axis with the coordinate; angles have ticks at multiples of pi / 2."""
    axis.set_label_text(line.label)
    if line.angular:
        labels = ["$0$", r"$\pi/2$", r"$\pi$", r"$3\pi/2$", r"$2\pi$"]
        axis.set_ticks((np.arange(5) * 0.5 * np.pi).tolist(), labels=labels)


def set_line_limits(axes: Axes, line: Line) -> None:
    """Make the coordinate the x axis, from end to end."""
    set_line_axis(axes.xaxis, line)
    axes.set_xlim(*line.limits)
