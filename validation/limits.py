"""Limits that are singular: each has the right value, or is refused.

- Temperature and strength of diffusion to 0: implicit steps become upwind transport.
- Kernels narrower than a cell act by their average, and W that jumps at half a period has a J that is dF/dmu.
- Thin and heavy measures, long runs and late times, where absolute floors, rounded weights and growing exponentials
  took digits.
- Gradients by differences, of kernels narrow or far from the origin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from wgflow import (
    Box,
    Circle,
    Entropy,
    Interaction,
    Particles,
    Population,
    Potential,
    PowerEnergy,
    Signed,
    Space,
    Teacher,
    simulate,
    solve,
)
from wgflow.app.validation import Row, Setting, within
from wgflow.domains.quadrature import cell_averages
from wgflow.exact.quadratic import quadratic_covariance
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.functionals.energies.radial_kernels import GaussianKernel
from wgflow.typing import FloatArray

COLD = 1e-6  # temperature
DOWNHILL = Potential(lambda x: -x[:, 0])


def relative(found: FloatArray, exact: FloatArray) -> float:
    """Relative difference in L1."""
    return float(np.abs(found - exact).sum() / np.abs(exact).sum())


def vanishing_diffusion(*, quick: bool) -> Iterator[Row]:
    """Diffusion of a strength towards 0, against transport; sharp ends of a block spread by sqrt(h t)."""
    for cells in (100, 200) if quick else (100, 200, 400):
        box = Box([(0.0, 4.0)], [cells])
        block = 1.0 * (np.abs(box.axes[0] - 1.0) < 0.5)
        spread = 2.0 * math.sqrt(2.0 * box.spacing[0] / math.pi)  # of both ends at t = 1, to first order in sqrt(h)
        exact = 1.0 * (np.abs(box.axes[0] - 2.0) < 0.5)
        for name, diffusion in (("T = 1e-6", Entropy(COLD)), ("m = 2, strength 1e-8", PowerEnergy(2.0, 1e-8))):
            trajectory = solve(diffusion + DOWNHILL, box, block, 1.0, times=[1.0], stepper="tr_bdf2")
            found = trajectory.density[-1]
            yield within(f"V = -x, {name}, {cells} cells: mean is 2", found @ box.axes[0] / found.sum() - 2.0, 1e-6)
            yield within(f"V = -x, {name}, {cells} cells: density over 1", max(found.max() - 1.0, 0.0), 1e-9)
            error = float(np.abs(found - exact).sum() * box.spacing[0])
            yield within(f"V = -x, {name}, {cells} cells: L1 error over theory, less 1", error / spread - 1.0, 0.05)


def cold_against_upwind(*, quick: bool) -> Iterator[Row]:
    """A cold Ornstein-Uhlenbeck process and a cold student, beside explicit upwind transport."""
    bowl = Potential(lambda x: 0.5 * x[:, 0] ** 2)
    for cells in (100, 200) if quick else (100, 200, 400):
        box = Box([(-4.0, 4.0)], [cells])
        start = cell_averages(box, lambda x: np.exp(-2.0 * (x[..., 0] - 1.0) ** 2))
        exact = cell_averages(box, lambda x: math.e * np.exp(-2.0 * (math.e * x[..., 0] - 1.0) ** 2))
        cold = solve(bowl + Entropy(COLD), box, start, 1.0, times=[1.0], stepper="tr_bdf2").density[-1]
        upwind = solve(bowl, box, start, 1.0, times=[1.0], order=1).density[-1]
        error = relative(cold, exact) / relative(upwind, exact)
        yield within(f"cold Ornstein-Uhlenbeck, {cells} cells: error over upwind's, less 1", error - 1.0, 0.01)
    teacher, domain = (
        Population(Teacher.from_angles(np.array([0.5, 2.9, 4.9, 5.4]), np.array([1.0, -1.0, -1.0, 1.0]))),
        Signed(Circle(64)),
    )
    density = np.full(domain.shape, 1.0 / math.pi)
    options: dict[str, Any] = {"reaction": 0.0, "times": [3.0]}
    cold_risk = solve(teacher + Entropy(COLD), domain, density, 3.0, stepper="tr_bdf2", **options).risk[-1]
    risk = solve(teacher, domain, density, 3.0, order=1, **options).risk[-1]
    yield within("cold student on the signed circle: risk over upwind's, less 1", cold_risk / risk - 1.0, 1e-3)


def narrow_kernels() -> Iterator[Row]:
    """Gaussians narrower than a cell, whose energy tends to that of a multiple of a Dirac; and the Nyquist row."""
    box = Box([(-1.5, 1.5)], [100])
    density = np.exp(-4.0 * box.axes[0] ** 2)
    for share in (1e-6, 0.1, 0.5):
        width = share * box.spacing[0]
        kernel = GaussianKernel(1.0, width)
        energy = Interaction(kernel, on_cells=kernel.on_cells).on_grid(box).value(density)
        exact = 0.5 * math.sqrt(2.0 * math.pi) * width * math.sqrt(math.pi / 8.0) / math.sqrt(1.0 + 4.0 * width**2)
        # Averages over a cell add h^2 / 12 to the variance: the relative error is 4 times that, half of it here.
        yield within(
            f"Gaussian kernel of {share:g} cells: relative error of F", energy / exact - 1.0, 4.0 * 0.03**2 / 12.0
        )
    torus = Box([(0.0, 1.0)], [16], periodic=True)
    bound = Interaction(lambda z: z[:, 0] ** 2 + 0.3 * z[:, 0]).on_grid(torus)
    generator = np.random.default_rng(0)
    start, direction = generator.exponential(size=16), generator.normal(size=16)
    slope = (bound.value(start + direction) - bound.value(start - direction)) / 2.0
    expected = float(bound.first_variation(start) @ direction) * torus.spacing[0]
    yield within("J along a direction over the change of F, less 1, at half a period", expected / slope - 1.0, 1e-13)


def thin_and_heavy() -> Iterator[Row]:
    """Fast diffusion of tiny masses, and rest with a large mass, whose F is a sum of large numbers."""
    box = Box([(-4.0, 4.0)], [100])
    start = np.exp(-2.0 * box.axes[0] ** 2)
    for stepper in ("ssprk43", "tr_bdf2"):
        ends = [
            solve(PowerEnergy(0.5, math.sqrt(mass)), box, mass * start, 0.2, times=[0.2], stepper=stepper).density[-1]
            for mass in (1.0, 1e-14)
        ]
        yield within(f"fast diffusion by {stepper}: mass 1e-14 and 1", relative(ends[1] / 1e-14, ends[0]), 1e-10)
    plane = Box([(-2.0, 2.0)] * 2, [16, 16])
    mist = 1e-33 * np.exp(-2.0 * (plane.points**2).sum(axis=-1))
    trajectory = solve(
        PowerEnergy(0.5, 1e-16) + Potential(lambda x: (x**2).sum(axis=-1)), plane, mist, 1.0, stepper="tr_bdf2"
    )
    yield within(
        "densities of 1e-33 in a plane: error of the mass", trajectory.mass[-1] / trajectory.mass[0] - 1.0, 1e-12
    )
    heavy = Entropy() + Potential(lambda x: 0.5 * x[:, 0] ** 2 - math.log(1e4))
    end = solve(heavy, box, 1e4 * np.exp(-0.5 * (box.axes[0] - 0.3) ** 2), 8.0, times=[8.0]).density[-1]
    rest = np.exp(-0.5 * box.axes[0] ** 2)
    yield within(
        "a mass of 1e4 comes to rest, with F a sum of large numbers", relative(end / end.sum(), rest / rest.sum()), 2e-4
    )


def long_runs(*, quick: bool) -> Iterator[Row]:
    """Mass after many steps, and the exact solution of quadratic features at late times."""
    circle = Circle(16)
    steps = 5_000 if quick else 400_000
    evolution = ExplicitFiniteVolume(
        Entropy().on_grid(circle), 1.0 + 0.1 * circle.points[:, 0], stepper="ssprk3", reaction=0.0
    )
    evolution.begin_interval(math.inf)
    mass = evolution.density.sum()
    for _ in range(steps):
        evolution.step()
    yield within(f"mass after {steps} steps of ssprk3", evolution.density.sum() / mass - 1.0, 2e-14)
    target, start = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
    for end in (1.0, 12.0, 20.0, 50.0):
        found = quadratic_covariance(target, start, end)

        def rate(_: float, state: FloatArray) -> FloatArray:
            matrix = state.reshape(2, 2)
            return np.asarray(-2.0 * ((matrix - target) @ matrix + matrix @ (matrix - target))).ravel()

        exact = solve_ivp(rate, (0.0, end), start.ravel(), method="DOP853", rtol=2.3e-14, atol=1e-15).y[:, -1]
        yield within(f"quadratic features at t = {end:g}", float(np.abs(found.ravel() - exact).max()), 2e-12)


def differences() -> Iterator[Row]:
    """Particles by differences: pairs under kernels narrow against their cloud, and a small cloud."""
    points = np.linspace(0.0, 1.0, 400)[:, None]
    for width in (1.0, 1e-1, 1e-3):
        particles = Particles(points, np.full(400, 1.0 / 400.0), np.ones(400))
        kernel = GaussianKernel(1.0, width)
        found = Interaction(kernel).at_particles(particles).gradient
        exact = Interaction(kernel, gradient=kernel.gradient).at_particles(particles).gradient
        error = float(np.abs(found - exact).max() / np.abs(exact).max())
        yield within(f"velocities by differences, kernel of width {width:g}", error, 1e-9)
    unit = 1e-6
    start = Particles(np.linspace(-unit, unit, 20)[:, None], np.full(20, 0.05), np.ones(20))
    kernel = GaussianKernel(unit**2, unit)
    trajectory = simulate(Interaction(kernel), start, 10.0, domain=Space(1), tolerance=1e-8, times=[10.0])
    yield within(
        "a cloud of size 1e-6 that repels: outermost over 3.1378e-6, less 1",
        trajectory.position[-1].max() / 3.1378e-6 - 1.0,
        2e-5,
    )
    yield within("its F / L^2 at t = 10, less .1644", trajectory.energy[-1] / unit**2 - 0.1644, 5e-5)


def validate(setting: Setting) -> Iterator[Row]:
    """Show all limits; quick, on coarse grids."""
    yield from vanishing_diffusion(quick=setting.quick)
    yield from cold_against_upwind(quick=setting.quick)
    yield from narrow_kernels()
    yield from thin_and_heavy()
    yield from long_runs(quick=setting.quick)
    yield from differences()
