"""Estimated errors against true ones: on exact solutions, and on the problems that ship with wgflow.

Each row is a run with `estimate`, halfway and at its end: the estimated over the true error of F, of the mass and of the
density (L1), or of the measure (W1) where particles move. They must be within a factor 3 of each other, unless the true
error is that of round-off or of the tolerance of time stepping. Where F has no closed form, the truth is its value at the
exact density on a finer grid; shipped problems without an exact solution run on finer grids.

    python validation/estimates.py [--quick]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wgflow import (
    Box,
    Circle,
    Entropy,
    Features,
    Potential,
    PowerEnergy,
    Quadratic,
    SobolevDiscrepancy,
    Sphere,
    Trajectory,
    solve,
)
from wgflow.domains import Domain, total_mass
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.functionals import Functional
from wgflow.problems import quadratic_flow
from wgflow.problems.profiles import Barenblatt
from wgflow.typing import FloatArray

FACTOR = 3.0
FINER = 4  # cells along an axis of the grid on which F is evaluated at the exact density, over those of the run
OUTPUTS = 17

Density = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Case:
    """A flow on a grid with its exact solution."""

    name: str
    functional: Functional
    domain: Domain
    exact: Callable[[Domain, float], FloatArray]
    t_end: float
    options: Mapping[str, Any] = field(default_factory=dict)
    finer: Domain | None = None

    def solve(self) -> Trajectory:
        """Run with estimates."""
        times = np.linspace(0.0, self.t_end, OUTPUTS)
        start = self.exact(self.domain, 0.0)
        return solve(self.functional, self.domain, start, self.t_end, times=times, estimate=True, **self.options)

    def errors(self, flow: Trajectory, index: int) -> dict[str, float]:
        """True errors at an output."""
        finer, time = self.finer or finer_domain(self.domain), float(flow.time[index])
        exact, fine = self.exact(self.domain, time), self.exact(finer, time)
        return {
            "energy": abs(flow.energy[index] - self.functional.on_grid(finer).value(fine)),
            "mass": abs(flow.mass[index] - total_mass(finer, fine)),
            "density": float((np.abs(flow.density[index] - exact) * self.domain.volumes).sum()),
        }


def finer_domain(domain: Domain) -> Domain:
    """The same with finer cells."""
    if isinstance(domain, Box):
        return Box(domain.bounds, [FINER * count for count in domain.shape], domain.periodic)
    return Circle(FINER * domain.shape[0]) if isinstance(domain, Circle) else Sphere(FINER**2 * domain.shape[0] - 30)


def averaged(density: Callable[[float], Density]) -> Callable[[Domain, float], FloatArray]:
    """Cell averages of a solution given as a function of points at each time."""
    return lambda domain, time: cell_averages(domain, density(time))


def gaussian(covariance: FloatArray) -> Density:
    """Density of N(0, covariance)."""
    inverse, scale = np.linalg.inv(covariance), np.linalg.det(2.0 * np.pi * covariance) ** -0.5
    return lambda points: scale * np.exp(-0.5 * np.einsum("...i,ij,...j->...", points, inverse, points))


def bowl(points: FloatArray) -> FloatArray:
    """|x|^2 / 2."""
    return 0.5 * (points**2).sum(axis=-1)


def angular(target: FloatArray, start: FloatArray) -> Callable[[float], Density]:
    """The flow of quadratic features on the circle or sphere."""
    return lambda time: quadratic_flow(target, start, time)


def riccati(target: FloatArray, start: FloatArray) -> Callable[[float], Density]:
    """The flow of quadratic features on a box."""
    return lambda time: gaussian(quadratic_flow(target, start, time).covariance)


def dilation(time: float) -> Density:
    """F = (int x^2 dmu - 1)^2 / 2 dilates N(0, 0.09)."""
    return gaussian(np.array([[0.09 / (0.09 + 0.91 * np.exp(-4.0 * time))]]))


def ornstein_uhlenbeck(time: float) -> Density:
    """The variance goes from 0.3 to 1."""
    return gaussian(np.array([[1.0 - 0.7 * np.exp(-2.0 * time)]]))


def fokker_planck(time: float) -> Density:
    """Solution on [0, 1] with V = -x, walls at both ends."""

    def density(points: FloatArray) -> FloatArray:
        x = points[..., 0]
        wave = np.pi * np.cos(np.pi * x) + 0.5 * np.sin(np.pi * x)
        return np.exp(-(np.pi**2 + 0.25) * time + 0.5 * x) * wave + np.pi * np.exp(x - 0.5)

    return density


def harmonic(time: float) -> Density:
    """Heat on the sphere: a harmonic of degree 2 decays like exp(-6t)."""
    return lambda points: 1.0 + 0.8 * np.exp(-6.0 * time) * points[..., 0] * points[..., 1]


def sobolev(domain: Domain, time: float) -> FloatArray:
    """On the torus -J'' = mu - 1 moves points by their wave times 1 - exp(-t)."""
    cells = domain.shape[0]
    labels = np.linspace(0.0, 1.0, 400 * cells + 1)
    waves = 0.8 * np.sin(2.0 * np.pi * labels) / (2.0 * np.pi)
    held = np.interp(np.linspace(0.0, 1.0, cells + 1), labels + waves * (1.0 - np.exp(-time)), labels + waves)
    return np.diff(held) * cells


def barenblatt(exponent: float) -> Callable[[Domain, float], FloatArray]:
    """Spreading of a porous medium from t = 1 on."""
    return lambda domain, time: Barenblatt(exponent, len(domain.shape)).averages(domain.base, 1.0 + time)


PLANE, PLANE_START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
SPACE = np.array([[1.0, 0.2, 0.1], [0.2, 0.5, 0.0], [0.1, 0.0, 0.25]])
SPACE_START = np.array([[0.4, -0.1, 0.0], [-0.1, 0.3, 0.05], [0.0, 0.05, 0.2]])
FLAT = np.array([[0.6375, 0.2814583], [0.2814583, 0.3125]])
SQUARE = Features(lambda points: (points**2).sum(axis=1, keepdims=True), np.array([1.0]))
DRIFT = Entropy() + Potential(lambda points: -points[:, 0])
UNIFORM = SobolevDiscrepancy(lambda points: np.ones(points.shape[:-1]), 1.0)
CASES = (
    Case("quadratic, circle", Quadratic(PLANE), Circle(256), averaged(angular(PLANE, PLANE_START)), 0.5),
    Case("the same, 251 cells", Quadratic(PLANE), Circle(251), averaged(angular(PLANE, PLANE_START)), 0.5),
    Case(
        "the same, order 5",
        Quadratic(PLANE),
        Circle(256),
        lambda domain, time: point_values(domain, angular(PLANE, PLANE_START)(time)),
        0.5,
        {"order": 5},
    ),
    Case(
        "Riccati, plane",
        Quadratic(FLAT),
        Box([(-4.5, 4.5)] * 2, (128,) * 2),
        averaged(riccati(FLAT, 0.3 * np.eye(2))),
        1.0,
    ),
    Case("dilation, line", SQUARE, Box([(-5.0, 5.0)], 256), averaged(dilation), 1.0),
    Case(
        "contraction, line",
        Potential(bowl),
        Box([(-4.4, 4.4)], 256),
        averaged(lambda time: gaussian(np.array([[0.6 * np.exp(-2.0 * time)]]))),
        0.25,
    ),
    Case("quadratic, sphere", Quadratic(SPACE), Sphere(2562), averaged(angular(SPACE, SPACE_START)), 0.5),
    Case("Fokker-Planck", DRIFT, Box([(0.0, 1.0)], 80), averaged(fokker_planck), 0.25),
    Case(
        "the same, TR-BDF2",
        DRIFT,
        Box([(0.0, 1.0)], 80),
        averaged(fokker_planck),
        0.25,
        {"stepper": "tr_bdf2", "tolerance": 1e-5},
    ),
    Case(
        "the same, backward Euler",
        DRIFT,
        Box([(0.0, 1.0)], 80),
        averaged(fokker_planck),
        0.25,
        {"stepper": "backward_euler", "tolerance": 1e-5},
    ),
    Case("Ornstein-Uhlenbeck", Entropy() + Potential(bowl), Box([(-7.0, 7.0)], 140), averaged(ornstein_uhlenbeck), 0.5),
    Case("heat, sphere", Entropy(), Sphere(2562), averaged(harmonic), 0.2, {"reaction": 0.0}),
    Case("Sobolev s = 1, torus", UNIFORM, Box([(0.0, 1.0)], 256, periodic=True), sobolev, 1.0),
    Case("Barenblatt m = 2", PowerEnergy(2.0), Box([(-6.0, 6.0)], 400), barenblatt(2.0), 2.0),
    Case("Barenblatt m = 3", PowerEnergy(3.0), Box([(-6.0, 6.0)], 400), barenblatt(3.0), 2.0),
    Case("Barenblatt, plane", PowerEnergy(2.0), Box([(-4.0, 4.0)] * 2, (64,) * 2), barenblatt(2.0), 2.0),
)


def ratios(estimates: Sequence[float], truths: Sequence[float]) -> FloatArray:
    return np.divide(estimates, truths)


def main() -> int:
    """Run all cases; 0 if each estimate is within its factor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="coarse grids only")
    options = parser.parse_args()
    for case in CASES:
        flow = case.solve()
        for index in (len(flow) // 4, len(flow) // 2, len(flow) - 1):
            true = case.errors(flow, index)
            for name in true:
                e = flow.errors[name][index]
                print(
                    f"{case.name:26s} {index} {name:8s} true {true[name]:.2e} est {e:.2e} order {flow.orders[name][index]:5.2f} ratio {e / true[name]:.2f}",
                    "" if 1 / 3 <= e / true[name] <= 3 or true[name] < 1e-12 else "XXX",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
