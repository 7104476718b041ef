"""Transport on the sphere against exact solutions: given velocities, and the gradient flow of V = z.

A cosine bell goes once around in solid rotation, across the pentagons; two Gaussian hills and two cosine bells are
drawn out to filaments and back by a flow without divergence. In all of them the density at the end is that at the
start. Down the potential z, points move along meridians, which has a closed form.

References
----------
Williamson et al. (1992), A standard test set for numerical approximations to the shallow water equations in spherical
geometry, J. Comput. Phys. 102: case 1. Nair and Lauritzen (2010), A class of deformational flow test cases for linear
transport problems on the sphere, J. Comput. Phys. 229: case 4. Skamarock and Gassmann (2011), Mon. Wea. Rev. 139.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wgflow import Potential, Sphere, StreamFunction, Trajectory, solve, solve_transport
from wgflow.app.validation import Row, Setting, at_least, measured, within
from wgflow.plotting import save_figure
from wgflow.plotting.style import styled_figure
from wgflow.typing import FloatArray

CELLS = (2562, 10242, 40962)
TOLERANCE = 1e-3  # of steps: errors in time are then a hundredth of those in space
AXIS = np.array([-np.sqrt(0.5), 0.0, np.sqrt(0.5)])
CENTRES = (5.0 * np.pi / 6.0, 7.0 * np.pi / 6.0)
MASS_ERROR = 1e-12
GRADIENT_TIME = 1.0  # of the flow down z
# Down z: largest L1 errors of order 2 with two-point velocities, and least orders of the errors L1 and Linf.
MOST_DOWN = {2562: 1.03e-3, 10242: 2.47e-4, 40962: 6.0e-5}
LEAST_L1, LEAST_LINF, LEAST_MIDPOINT = 1.9, 1.5, 1.9


def on_equator(longitude: float) -> FloatArray:
    """Unit vector."""
    return np.array([np.cos(longitude), np.sin(longitude), 0.0])


def rotation(points: FloatArray, time: float) -> FloatArray:  # noqa: ARG001
    """Stream function of a turn around an axis of 45 degrees in unit time."""
    return -2.0 * np.pi * points @ AXIS


def deformation(points: FloatArray, time: float) -> FloatArray:
    """Stream function that draws out and back, in a solid rotation of unit time."""
    angle = 2.0 * np.pi * time
    sideways = points[:, 1] * np.cos(angle) - points[:, 0] * np.sin(angle)
    return 10.0 * sideways**2 * np.cos(np.pi * time) - 2.0 * np.pi * points[:, 2]


def cosine(points: FloatArray, longitude: float, radius: float) -> FloatArray:
    """Cosine bell of height 1."""
    distance = np.arccos(np.clip(points @ on_equator(longitude), -1.0, 1.0))
    return np.where(distance < radius, 0.5 + 0.5 * np.cos(np.pi * distance / radius), 0.0)


def bell(points: FloatArray) -> FloatArray:
    """Williamson's cosine bell."""
    return cosine(points, 1.5 * np.pi, 1.0 / 3.0)


def hills(points: FloatArray) -> FloatArray:
    """Two Gaussian hills."""
    squares = [((points - on_equator(centre)) ** 2).sum(axis=-1) for centre in CENTRES]
    return np.asarray(0.95 * np.exp(-5.0 * np.array(squares)).sum(axis=0))


def bells(points: FloatArray) -> FloatArray:
    """Two cosine bells above a background."""
    return np.asarray(0.1 + 0.9 * np.sum([cosine(points, centre, 0.5) for centre in CENTRES], axis=0))


@dataclass(frozen=True)
class Case:
    """A density that a velocity brings back to where it was, and the largest error asked for on the finest grid."""

    name: str
    density: Callable[[FloatArray], FloatArray]
    velocity: StreamFunction
    most: float


CASES = (
    Case("cosine bell", bell, StreamFunction(rotation, steady=True), 0.014),
    Case("Gaussian hills", hills, StreamFunction(deformation), 0.037),
    Case("cosine bells", bells, StreamFunction(deformation), 0.090),
)


def returned(case: Case, cells: int, order: int, limiter: str | None = None) -> tuple[Trajectory, float]:
    """The flow in unit time, and its relative L2 error at the end."""
    sphere = Sphere(cells)
    start = sphere.averages(case.density)
    options: dict[str, Any] = {"order": order, "limiter": limiter, "tolerance": TOLERANCE, "times": [1.0]}
    flow = solve_transport(case.velocity, sphere, start, 1.0, **options)
    wrong = (flow.density[-1] - start) ** 2 @ sphere.volumes
    return flow, float(np.sqrt(wrong / (start**2 @ sphere.volumes)))


def rows_of(case: Case, cells: tuple[int, ...]) -> Iterator[Row]:
    """Errors of third order, with flux correction and, beside it, without and of second order; what must hold."""
    error = {}
    for count in cells:
        flow, error[count] = returned(case, count, 3, "zalesak")
        positive, second = returned(case, count, 3)[1], returned(case, count, 2)[1]
        beside = f"positive: {positive:.2g}, order 2: {second:.2g}"
        label = f"{case.name}: relative L2 error with {count} cells"
        asked = count == CELLS[-1]
        yield within(label, error[count], case.most, beside).quote() if asked else measured(label, error[count], beside)
        change = float(abs(flow.mass[-1] / flow.mass[0] - 1.0))
        yield within(f"{case.name}: change of the mass with {count} cells", change, MASS_ERROR)
        yield at_least(f"{case.name}: least density with {count} cells", float(flow.density.min()), 0.0)
        start, end = flow.density[0], flow.density[-1]
        beyond = max(float(end.max() - start.max()), float(start.min() - end.min()), 0.0)
        yield within(f"{case.name}: beyond the range at the start with {count} cells", beyond, MASS_ERROR)
    last, finest = error[cells[-2]], error[cells[-1]]
    yield measured(f"{case.name}: observed order", float(np.log2(last / finest)))


def down_z(points: FloatArray) -> FloatArray:
    """Density after a time of what was 1: points have come from z_0 with artanh z_0 = artanh z + t."""
    z = np.clip(points[..., 2], -1.0 + 1e-15, 1.0 - 1e-15)
    began = np.tanh(np.arctanh(z) + GRADIENT_TIME)
    return (1.0 - began**2) / (1.0 - z**2)


def gradient_errors(cells: int, **options: Any) -> tuple[float, float]:
    """Relative L1 and Linf errors of the flow down z."""
    sphere = Sphere(cells)
    potential = Potential(lambda points: points[:, 2])
    times: dict[str, Any] = {"times": [GRADIENT_TIME], "reaction": 0.0}
    flow = solve(potential, sphere, np.ones(sphere.shape), GRADIENT_TIME, **times, **options)
    exact = sphere.averages(down_z)
    wrong = np.abs(flow.density[-1] - exact)
    return float(wrong @ sphere.volumes / (exact @ sphere.volumes)), float(wrong.max() / exact.max())


def gradient_rows(cells: tuple[int, ...]) -> Iterator[Row]:
    """Errors of the flow down z by two-point and midpoint velocities, and their orders."""
    for velocity, order in (("two_point", 2), ("midpoint", 2), ("midpoint", 3)):
        errors = np.array([gradient_errors(count, velocity=velocity, order=order) for count in cells])
        what = f"V = z, {velocity}, order {order}"
        for count, (mean, largest) in zip(cells, errors, strict=True):
            label, beside = f"{what}: L1 error with {count} cells", f"Linf: {largest:.2g}"
            plain = velocity == "two_point"
            yield within(label, mean, MOST_DOWN[count], beside) if plain else measured(label, mean, beside)
        mean, largest = np.log2(errors[:-1] / errors[1:]).min(axis=0)
        yield at_least(f"{what}: least order of L1", mean, LEAST_L1)
        least = LEAST_LINF if velocity == "two_point" else LEAST_MIDPOINT
        yield at_least(f"{what}: least order of Linf", largest, least)


def draw(curves: dict[str, FloatArray], cells: tuple[int, ...], path: Path) -> None:
    """Draw errors of given velocities over the numbers of cells."""
    with styled_figure(4.0) as figure:
        axes = figure.subplots()
        for name, errors in curves.items():
            axes.loglog(cells, errors, marker="o", label=name)
        axes.set_xlabel("cells")
        axes.set_ylabel("relative $L^2$ error")
        axes.legend()
    save_figure(figure, path)


def validate(setting: Setting) -> Iterator[Row]:
    """Measure all cases; quick, on coarse grids, of which nothing but positivity, mass and orders is asked."""
    cells = CELLS[:2] if setting.quick else CELLS
    curves = {}
    for case in CASES:
        rows = list(rows_of(case, cells))
        yield from rows
        curves[case.name] = np.array([float(row.value) for row in rows if "relative L2" in row.what])
    yield from gradient_rows(cells)
    draw(curves, cells, setting.file())
