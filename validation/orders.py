"""Orders of convergence of the finite volumes on every domain, against exact solutions of the full nonlinear flow.

Quadratic features (circle and sphere with the reaction, boxes without), T = 0.5 on circle and sphere, T = 1 on boxes;
relative L1 error of cell averages, for the scheme of fifth order of point values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wgflow import Box, Circle, Quadratic, Sphere, solve
from wgflow.app.validation import Row, Setting, at_least, measured, within
from wgflow.domains import Domain
from wgflow.exact import quadratic_flow
from wgflow.plotting import save_figure
from wgflow.plotting.style import styled_figure
from wgflow.problems.initial import initial_averages
from wgflow.problems.models import AngularGaussianInitial, GaussianInitial
from wgflow.typing import FloatArray

LEAST_ORDER = {2: 1.9, 5: 4.5}


@dataclass(frozen=True)
class Case:
    """A flow with its exact solution, and the grids to solve it on."""

    name: str
    target: FloatArray
    start: FloatArray
    t_end: float
    make_domain: Callable[[int], Domain]
    sizes: tuple[int, ...]
    quick: dict[int, int]  # how many of the sizes a quick run takes, by the order
    limits: dict[int, float]  # largest errors of second order at some sizes
    high_order: dict[int, float] = field(default_factory=dict)  # of fifth order, measured up to the last of these sizes
    tolerance: float = 1e-4  # of steps of fifth order, with which their error in time is small beside that in space

    def averages(self, domain: Domain, time: float) -> FloatArray:
        """Cell averages of the exact solution."""
        covariance = quadratic_flow(self.target, self.start, time).covariance.tolist()
        if domain.kind == "box":
            return initial_averages(GaussianInitial(kind="gaussian", covariance=covariance), domain)
        return initial_averages(AngularGaussianInitial(kind="angular_gaussian", covariance=covariance), domain)

    def point_values(self, domain: Domain, time: float) -> FloatArray:
        """Values of the exact solution at the cell centres of a box or circle."""
        density = quadratic_flow(self.target, self.start, time)
        return gaussian(density.covariance, domain.points) if domain.kind == "box" else density(domain.points)

    def error(self, size: int, order: int) -> float:
        """Relative L1 error at the end."""
        domain = self.make_domain(size)
        values = self.point_values if order == 5 else self.averages
        options: dict[str, Any] = {
            "order": order,
            "times": [self.t_end],
            "tolerance": self.tolerance if order == 5 else 1e-4,
        }
        trajectory = solve(Quadratic(self.target), domain, values(domain, 0.0), self.t_end, **options)
        exact = values(domain, self.t_end)
        return float((np.abs(trajectory.density[-1] - exact) * domain.volumes).sum() / (exact * domain.volumes).sum())


def gaussian(covariance: FloatArray, points: FloatArray) -> FloatArray:
    """Density of N(0, covariance)."""
    form = np.einsum("...i,ij,...j->...", points, np.linalg.inv(covariance), points)
    return np.exp(-0.5 * form) / np.sqrt(np.linalg.det(2.0 * np.pi * covariance))


def rotated(eigenvalues: list[float], angle: float) -> FloatArray:
    """Symmetric matrix in the plane with given eigenvalues, rotated."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag(eigenvalues) @ turn.T


PLANE = rotated([0.8, 0.15], np.pi / 6)
SPACE_TARGET = np.array([[1.0, 0.2, 0.1], [0.2, 0.5, 0.0], [0.1, 0.0, 0.25]])
SPACE_START = np.array([[0.4, -0.1, 0.0], [-0.1, 0.3, 0.05], [0.0, 0.05, 0.2]])

CASES = (
    Case(
        "circle",
        np.array([[1.0, 0.3], [0.3, 0.5]]),
        np.array([[0.5, -0.1], [-0.1, 0.3]]),
        0.5,
        Circle,
        (128, 256, 512, 1024),
        {1: 4, 2: 4, 5: 3},
        {512: 6e-5},
        {512: 2e-9, 1024: 6e-11},
        1e-8,
    ),
    Case(
        "box 2-D",
        PLANE,
        0.3 * np.eye(2),
        1.0,
        lambda size: Box([(-4.5, 4.5)] * 2, (size,) * 2),
        (64, 128, 256, 512),
        {2: 3, 5: 2},
        {256: 4e-4},
        {256: 2e-7},  # on finer grids the tails outside the box, 1e-8 of the mass, dominate
    ),
    Case(
        "box 3-D",
        np.diag([0.6, 0.3, 0.15]),
        0.3 * np.eye(3),
        1.0,
        lambda size: Box([(-4.0, 4.0)] * 3, (size,) * 3),
        (32, 64, 96, 128),
        {2: 2},
        {96: 2e-3},
        {96: 2e-5, 128: 6e-6},
    ),
    Case(
        "sphere",
        SPACE_TARGET,
        SPACE_START,
        0.5,
        Sphere,
        (642, 2562, 10242, 40962, 163842),
        {2: 3},
        {10242: 4e-4, 40962: 1.1e-4},
    ),
)


def widths(case: Case, sizes: tuple[int, ...]) -> FloatArray:
    """Relative width of a cell for each size."""
    counts = np.array(sizes, dtype=np.float64)
    return 1.0 / np.sqrt(counts) if case.name == "sphere" else 1.0 / counts


def errors_of(case: Case, order: int, *, quick: bool) -> dict[int, float]:
    """Errors of a case on its grids, by their numbers of cells."""
    sizes = case.sizes[: case.quick[order]] if quick else case.sizes
    return {size: case.error(size, order) for size in sizes if order != 5 or size <= max(case.high_order)}


def observed_orders(width: FloatArray, errors: FloatArray) -> FloatArray:
    """Orders between neighbouring grids."""
    return np.log(errors[:-1] / errors[1:]) / np.log(width[:-1] / width[1:])


def rows_of(case: Case, order: int, errors: dict[int, float]) -> Iterator[Row]:
    """Errors within their limits, and the orders on the finest grids."""
    limits = {2: case.limits, 5: case.high_order}.get(order, {})
    what = f"{case.name}, order {order}"
    for size, error in errors.items():
        label = f"{what}: error with {size} cells"
        yield within(label, error, limits[size]).quote() if size in limits else measured(label, error)
    orders = observed_orders(widths(case, tuple(errors)), np.array(list(errors.values())))
    least = f"{what}: least observed order on the finest grids"
    if order in LEAST_ORDER:
        yield at_least(least, orders[-2:].min(), LEAST_ORDER[order]).quote()
    else:
        yield measured(least, float(orders[-2:].min()))


def draw(curves: dict[str, tuple[FloatArray, FloatArray]], path: Path) -> None:
    """Draw errors over widths, with a line of slope 2."""
    with styled_figure(4.0) as figure:
        axes = figure.subplots()
        for name, (width, errors) in curves.items():
            axes.loglog(width, errors, marker="o", label=name)
        wide = np.array([1e-3, 3e-2])
        axes.loglog(wide, 5.0 * wide**2, color="grey", linestyle=":", label="slope 2")
        axes.set_xlabel("relative width of a cell")
        axes.set_ylabel("relative $L^1$ error")
        axes.legend()
    save_figure(figure, path)


def validate(setting: Setting) -> Iterator[Row]:
    """Measure all cases and draw their errors; quick, on coarse grids, and without fifth order in space."""
    curves = {}
    plans = [(case, order) for case in CASES for order in (2, 5) if order == 2 or case.high_order]
    for case, order in [*plans, (CASES[0], 1)]:
        if setting.quick and order not in case.quick:
            continue
        errors = errors_of(case, order, quick=setting.quick)
        yield from rows_of(case, order, errors)
        curves[f"{case.name}, order {order}"] = (widths(case, tuple(errors)), np.array(list(errors.values())))
    draw(curves, setting.file())
