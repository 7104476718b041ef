"""Diffusion, aggregation and discrepancies against exact solutions: rates, profiles, moments and blow-up.

Beside some rows stand the errors of simpler schemes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wgflow import (
    Box,
    Circle,
    ComputationError,
    Entropy,
    Interaction,
    Potential,
    PowerEnergy,
    SobolevDiscrepancy,
    Sphere,
    Trajectory,
    solve,
)
from wgflow.app.validation import Row, Setting, agrees, within
from wgflow.domains.quadrature import cell_averages
from wgflow.problems.exact_profiles import Barenblatt, bump_averages, disk_averages, radius_at_rest
from wgflow.typing import FloatArray

Density = Callable[[FloatArray], FloatArray]

PHASES = np.array([-2, 0, 2, 4])  # more cells, with which the front stands at quarters of its cell


def distance(density: FloatArray, exact: FloatArray, volume: float) -> float:
    """L1 distance of two densities on cells of one volume."""
    return float(np.abs(density - exact).sum()) * volume


def bowl(points: FloatArray) -> FloatArray:
    """|x|^2 / 2."""
    return 0.5 * (points**2).sum(axis=-1)


def gaussian(variance: float, dimension: int) -> Density:
    """Density of N(0, variance I)."""
    scale = (2.0 * np.pi * variance) ** (-0.5 * dimension)
    return lambda points: scale * np.exp(-bowl(points) / variance)


def fokker_planck(time: float) -> Density:
    """Solution on [0, 1] with V = -x, walls at both ends."""

    def density(points: FloatArray) -> FloatArray:
        x = points[..., 0]
        wave = np.pi * np.cos(np.pi * x) + 0.5 * np.sin(np.pi * x)
        return np.exp(-(np.pi**2 + 0.25) * time + 0.5 * x) * wave + np.pi * np.exp(x - 0.5)

    return density


def linear_equations(*, quick: bool) -> Iterator[Row]:
    """Heat equation, Ornstein-Uhlenbeck process and Fokker-Planck equation, explicit and implicit."""
    drift = Entropy() + Potential(lambda points: -points[:, 0])
    cases = [("explicit", 80, 1.1e-4, ""), ("tr_bdf2", 80, 5e-5, ""), ("backward_euler", 80, 9e-3, "JKO steps: 2.5e-2")]
    cases += [] if quick else [("tr_bdf2", 640, 7e-7, "Scharfetter-Gummel, TR-BDF2: 4.2e-6")]
    for stepper, cells, bound, beside in cases:
        box = Box([(0.0, 1.0)], cells)
        options: dict[str, Any] = {} if stepper == "explicit" else {"stepper": stepper, "tolerance": 0.4 * cells**-2.0}
        if stepper == "tr_bdf2":
            options["tolerance"] = 0.8 * cells**-3.0
        trajectory = solve(drift, box, cell_averages(box, fokker_planck(0.0)), 0.25, times=[0.25], **options)
        error = distance(trajectory.density[-1], cell_averages(box, fokker_planck(0.25)), 1.0 / cells)
        yield within(f"Fokker-Planck, {cells} cells, {stepper}: L1 error", error, bound, beside)
    box = Box([(-7.0, 7.0)], 140)
    for name, functional, end in (
        ("heat", Entropy(), 0.3 + 2.0 * 0.5),
        ("Ornstein-Uhlenbeck", Entropy() + Potential(bowl), 1.0 + (0.3 - 1.0) * np.exp(-1.0)),
    ):
        trajectory = solve(functional, box, cell_averages(box, gaussian(0.3, 1)), 0.5, times=[0.5])
        error = distance(trajectory.density[-1], cell_averages(box, gaussian(end, 1)), 0.1)
        yield within(f"{name}, 140 cells: L1 error", error, 1.5e-3)
        variance = float(trajectory.density[-1] @ box.axes[0] ** 2) * 0.1
        yield within(f"{name}, 140 cells: error of the variance", variance / end - 1.0, 4e-3)


def follow_barenblatt(exponent: float, box: Box, **options: Any) -> tuple[FloatArray, FloatArray, float]:
    """Density at t = 3 from Barenblatt's solution at t = 1, that solution, and its radius."""
    exact = Barenblatt(exponent, len(box.shape))
    trajectory = solve(PowerEnergy(exponent), box, exact.averages(box, 1.0), 2.0, times=[2.0], **options)
    return trajectory.density[-1], exact.averages(box, 3.0), exact.radius(3.0)


def porous_medium(*, quick: bool) -> Iterator[Row]:
    """Barenblatt's solutions from t = 1 to 3: errors and radii of the support."""
    cases = [(2, 1, 400, "explicit", 3.3e-5), (2, 1, 800, "tr_bdf2", 1.9e-5), (3, 1, 800, "tr_bdf2", 6e-5)]
    cases += [(2, 2, 64, "explicit", 1.3e-3)]
    cases += (
        []
        if quick
        else [
            (2, 1, 800, "explicit", 1e-5),
            (3, 1, 800, "explicit", 1e-4),
            (4, 1, 800, "explicit", 2.5e-4),
            (2, 2, 256, "explicit", 1e-4),
            (2, 2, 64, "tr_bdf2", 2e-3),
        ]
    )
    floors = {(2, 1): "4.4e-6 at 800", (3, 1): "6.1e-5 at 800", (4, 1): "1.6e-4 at 800", (2, 2): "5.6e-5 at 256"}
    for exponent, dimension, cells, stepper, bound in cases:
        width = 6.0 if dimension == 1 else 4.0
        box = Box([(-width, width)] * dimension, (cells,) * dimension)
        options: dict[str, Any] = {} if stepper == "explicit" else {"stepper": stepper, "tolerance": 1e-6}
        density, exact, radius = follow_barenblatt(exponent, box, **options)
        name = f"Barenblatt m = {exponent}, {dimension}-D, {cells} cells, {stepper}"
        error = distance(density, exact, box.spacing[0] ** dimension)
        yield within(f"{name}: L1 error", error, bound, f"centred fluxes: {floors[exponent, dimension]}")
        held = np.sqrt((box.points**2).sum(axis=-1))[density > 1e-3 * density.max()]
        yield within(f"{name}: radius, in cells", (held.max() - radius) / box.spacing[0], 2.5)


def steep_front(*, quick: bool) -> Iterator[Row]:
    """Barenblatt's solution with m = 4, whose front is like a cube root, wherever in its cell the front stands.

    Nearly all of the error is that of the two cells at the front. It is three times as large where the front has just
    entered a cell as in the middle of one; the mean over grids of slightly other cells does not depend on that.
    """
    usual, errors = 200 if quick else 800, []
    for cells in PHASES + usual:
        box = Box([(-6.0, 6.0)], int(cells))
        density, exact, _ = follow_barenblatt(4.0, box, stepper="tr_bdf2", tolerance=1e-6)
        errors.append(distance(density, exact, box.spacing[0]))
    beside = f"{min(errors):.1e} to {max(errors):.1e}; centred fluxes: 1.6e-4 at 800"
    bound = 1.8e-4 * (800 / usual) ** (4.0 / 3.0)
    yield within(f"Barenblatt m = 4, {usual} cells, tr_bdf2: mean L1 error", float(np.mean(errors)), bound, beside)


def confinement(*, quick: bool) -> Iterator[Row]:
    """Porous medium, m = 2, with V = |x|^2 / 2: the energy falls to that of rest like exp(-2t).

    Carrillo, Juengel, Markowich, Toscani and Unterreiter (2001), Monatsh. Math. 133.
    """
    cells = 100 if quick else 400
    box = Box([(-3.0, 3.0)], cells)
    start = cell_averages(box, lambda points: gaussian(0.09, 1)(points - 0.8))
    trajectory = solve(PowerEnergy(2.0) + Potential(bowl), box, start, 16.0, times=np.linspace(0.0, 16.0, 81))
    exact = bump_averages(box, radius_at_rest(2.0), 1.0)
    yield within(
        "porous medium at rest in a bowl: L1 error", distance(trajectory.density[-1], exact, 6.0 / cells), 1.5e-5
    )
    excess = trajectory.energy - trajectory.energy[-1]
    late = (excess > 1e-9 * excess[0]) & (trajectory.time > 1.0)
    rate = -np.polyfit(trajectory.time[late], np.log(excess[late]), 1)[0]
    decades = float(np.log10(excess[0] / excess[late].min()))
    beside = f"{decades:.1f} decades"
    yield within("porous medium in a bowl: error of the rate of F", rate / 2.0 - 1.0, 6e-3, beside)
    bound = float((excess[late] / (excess[0] * np.exp(-2.0 * trajectory.time[late]))).max())
    yield within("porous medium in a bowl: largest F over its bound exp(-2t)", bound, 1.02)


def rest(*, quick: bool) -> Iterator[Row]:
    """At rest in a bowl: the cells at the front, where the slope has no bound for m > 2, set the order 1 + 1/(m - 1).

    Grids four times as fine have the front at the same place in its cell, a third.
    """
    grids, t_end = np.array([40, 160] if quick else [40, 160, 640]), 10.0
    for exponent, expected in ((2.0, 2.0), (4.0, 4.0 / 3.0)) if quick else ((2.0, 2.0), (3.0, 1.5), (4.0, 4.0 / 3.0)):
        radius, errors = radius_at_rest(exponent), []
        for cells in grids:
            box = Box([(-1.5 * radius, 1.5 * radius)], int(cells))
            start = np.full(box.shape, 1.0 / (3.0 * radius))
            options: dict[str, Any] = {"stepper": "tr_bdf2", "tolerance": 1e-3, "times": [t_end]}
            trajectory = solve(PowerEnergy(exponent) + Potential(bowl), box, start, t_end, **options)
            exact = bump_averages(box, radius, 1.0 / (exponent - 1.0))
            errors.append(distance(trajectory.density[-1], exact, box.spacing[0]))
        order = -np.polyfit(np.log(grids), np.log(errors), 1)[0]
        listed = ", ".join(f"{error:.1e}" for error in errors)
        name = f"m = {exponent:g} at rest in a bowl: order less {expected:.2f}"
        yield within(name, order - expected, 0.01, f"L1 {listed} at {', '.join(map(str, grids))} cells")


def averaged_logarithm(spacing: float) -> Density:
    """Averages of log|x| over cells of the line."""

    def primitive(x: FloatArray) -> FloatArray:
        return x * np.log(np.maximum(np.abs(x), 1e-300)) - x

    return lambda x: (primitive(x + 0.5 * spacing) - primitive(x - 0.5 * spacing)) / spacing


def aggregation(*, quick: bool) -> Iterator[Row]:
    """W = x^2 / 2 - log|x| comes to rest at the semicircle."""
    cells = 128 if quick else 512
    box = Box([(-2.5, 2.5)], cells)
    logarithm = averaged_logarithm(box.spacing[0])
    repulsive = Interaction(lambda z: 0.5 * z[:, 0] ** 2 - logarithm(z[:, 0]))
    trajectory = solve(repulsive, box, cell_averages(box, gaussian(0.3, 1)), 8.0, times=[8.0])
    error = distance(trajectory.density[-1], bump_averages(box, np.sqrt(2.0), 0.5), box.spacing[0])
    yield within(f"semicircle, {cells} cells: L1 error", error, 0.2 / cells)


def planar_logarithm(spacing: float) -> Density:
    """log|x| / (2 pi) on a square grid; at 0 its average over the cell."""
    at_zero = np.log(spacing) - 0.5 * np.log(2.0) - 1.5 + 0.25 * np.pi

    def kernel(points: FloatArray) -> FloatArray:
        length = np.hypot(points[:, 0], points[:, 1])
        return np.where(length > 0.0, np.log(np.maximum(length, 1e-300)), at_zero) / (2.0 * np.pi)

    return kernel


def disk_at_rest(*, quick: bool) -> Iterator[Row]:
    """W = |x|^2 / 2 - log|x| in the plane comes to rest as the uniform density on the unit disk, F = 3/8.

    The density jumps at its edge: it is of the first order, its moments and its energy of the second.
    """
    grids, rows = np.array([32, 64] if quick else [32, 64, 128]), []
    for cells in grids:
        box = Box([(-1.6, 1.6)] * 2, (int(cells),) * 2)
        logarithm, start = planar_logarithm(box.spacing[0]), cell_averages(box, gaussian(0.1, 2))
        repulsive = Interaction(lambda z, log=logarithm: bowl(z) - 2.0 * np.pi * log(z))  # type: ignore[misc]
        volume = box.spacing[0] ** 2
        trajectory = solve(repulsive, box, start / (start.sum() * volume), 5.0, times=[5.0])
        density = trajectory.density[-1]
        error, moment = distance(density, disk_averages(box), volume), 2.0 * float((bowl(box.points) * density).sum())
        radius = np.sqrt((density > 0.5 / np.pi).sum() * volume / np.pi)
        name = f"disk at rest, {cells}^2 cells"
        yield within(f"{name}: L1 error", error, 1.0 / cells)
        yield within(f"{name}: second moment less 1/2", moment * volume - 0.5, 1.0 / cells**2)
        yield within(f"{name}: radius less 1, in cells", (radius - 1.0) / box.spacing[0], 0.25)
        rows.append((error, trajectory.energy[-1] - 0.375))
    orders = -np.polyfit(np.log(grids), np.log(np.abs(rows)), 1)[0]
    for quantity, order, expected in zip(("the density", "F"), orders, (1.0, 2.0), strict=True):
        yield within(f"disk at rest: order of {quantity} less {expected:g}", order - expected, 0.2 / expected)


def keller_segel(mass: float, box: Box, time: float) -> Trajectory:
    """Flow of entropy and logarithmic attraction in the plane, its start and end."""
    functional = Entropy() + Interaction(planar_logarithm(box.spacing[0]))
    start = mass * cell_averages(box, gaussian(0.3, 2))
    return solve(functional, box, start, time, times=[time])


def critical_mass(*, quick: bool) -> Iterator[Row]:
    """Second moment below and above the critical mass 8 pi, and a clear stop where it blows up."""
    cells = 64 if quick else 128
    box = Box([(-4.0, 4.0)] * 2, (cells,) * 2)
    for share in (0.5, 1.25):
        mass = 8.0 * np.pi * share
        trajectory = keller_segel(mass, box, 0.05)
        moments = (2.0 * bowl(box.points) * trajectory.density).sum(axis=(1, 2)) * (8.0 / cells) ** 2
        expected = 4.0 * mass * (1.0 - share)
        found = (moments[-1] - moments[0]) / 0.05
        yield within(
            f"Keller-Segel at {share} of 8 pi, {cells}^2: rate of the second moment",
            (found - expected) / (4.0 * mass),
            0.02,
        )
    try:
        keller_segel(16.0 * np.pi, box, 2.0)
        message = "nothing"
    except ComputationError as error:
        message = str(error)
    yield agrees("Keller-Segel at twice 8 pi: what stops it", message.split()[0], "concentration", message[:60])


def sobolev_modes(*, quick: bool) -> Iterator[Row]:
    """Modes near the uniform density on the circle, and the exact solution of order 1 on the torus."""
    circle, flat = Circle(256 if quick else 512), np.ones(256 if quick else 512)
    for order in (0.0, 0.5, 1.0, 1.5, 2.0):
        worst = 0.0
        for number in (1, 2, 4, 8):
            wave, rate = np.cos(number * circle.angles), number ** (2.0 - 2.0 * order)
            times = np.linspace(0.0, 1.0 / rate, 17)
            trajectory = solve(
                SobolevDiscrepancy(flat, order), circle, 1.0 + 1e-6 * wave, times[-1], reaction=0.0, times=times
            )
            amplitude = 2.0 * float((trajectory.density[-1] * wave).mean())
            worst = max(worst, abs(-np.log(amplitude / 1e-6) - 1.0))
        yield within(f"Sobolev s = {order:g}: modes 1 to 8 decay at k^(2-2s)", worst, 0.01)
    cells = 128 if quick else 512
    box = Box([(0.0, 1.0)], cells, periodic=True)
    trajectory = solve(
        SobolevDiscrepancy(np.ones(cells), 1.0), box, cell_averages(box, lambda p: torus(p[..., 0])), 1.0
    )
    labels = np.linspace(0.0, 1.0, 200 * cells + 1)
    waves = 0.8 * np.sin(2.0 * np.pi * labels) / (2.0 * np.pi)
    held = np.interp(np.linspace(0.0, 1.0, cells + 1), labels + waves * (1.0 - np.exp(-1.0)), labels + waves)
    error = distance(trajectory.density[-1], np.diff(held) * cells, 1.0 / cells)
    yield within(f"Sobolev s = 1 on the torus, {cells} cells: L1 error", error, 1.0 / cells**2)
    decay = float(np.abs(trajectory.energy / trajectory.energy[0] * np.exp(2.0 * trajectory.time) - 1.0).max())
    yield within(f"Sobolev s = 1 on the torus, {cells} cells: error of F = F(0) exp(-2t)", decay, 5.0 / cells**2)


def torus(x: FloatArray) -> FloatArray:
    """Density at the start on the unit torus."""
    return 1.0 + 0.8 * np.cos(2.0 * np.pi * x)


def heat_on_sphere(*, quick: bool) -> Iterator[Row]:
    """Spherical harmonics decay like exp(-l (l + 1) t)."""
    sphere = Sphere(642 if quick else 2562)
    x, y, z = sphere.points.T
    harmonics = {1: z, 2: x * y, 3: z * (5.0 * z**2 - 3.0), 4: 35.0 * z**4 - 30.0 * z**2 + 3.0}
    for degree, values in harmonics.items():
        time, wave = 1.0 / (degree * (degree + 1)), values / np.abs(values).max()
        for stepper in ("ssprk3", "tr_bdf2"):
            trajectory = solve(
                Entropy(), sphere, 1.0 + 1e-3 * wave, time, reaction=0.0, times=[time], stepper=stepper, tolerance=1e-8
            )
            weights = wave * sphere.volumes
            left = float((trajectory.density[-1] - 1.0) @ weights / (wave @ weights)) / 1e-3
            name = f"heat on S^2, {sphere.cells} cells, l = {degree}, {stepper}: rate"
            yield within(name, -np.log(left) - 1.0, 2.0 * degree * (degree + 1) / sphere.cells)


PARTS = (
    linear_equations,
    porous_medium,
    steep_front,
    confinement,
    rest,
    aggregation,
    disk_at_rest,
    critical_mass,
    sobolev_modes,
    heat_on_sphere,
)


# Of the full runs.
QUOTED = frozenset(
    {
        "Fokker-Planck, 80 cells, explicit: L1 error",
        "Fokker-Planck, 640 cells, tr_bdf2: L1 error",
        *(f"Barenblatt m = {exponent}, 1-D, 800 cells, explicit: L1 error" for exponent in (2, 3, 4)),
        "Barenblatt m = 2, 2-D, 256 cells, explicit: L1 error",
        "Barenblatt m = 4, 800 cells, tr_bdf2: mean L1 error",
        "disk at rest, 128^2 cells: L1 error",
        *(f"disk at rest: order of {quantity}" for quantity in ("the density less 1", "F less 2")),
        *(f"Sobolev s = {order:g}: modes 1 to 8 decay at k^(2-2s)" for order in (0.0, 0.5, 1.0, 1.5, 2.0)),
    }
)


def validate(setting: Setting) -> Iterator[Row]:
    """Run all parts; quick, on coarse grids."""
    for part in PARTS:
        for row in part(quick=setting.quick):
            yield row.quote() if row.what in QUOTED else row
