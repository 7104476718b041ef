"""Infinite width in any number of inputs: Figure 3 of Bach and Chizat (2022) with m = infinity, and how hard links are.

Gaussian inputs and a target of one or two directions are invariant under the rotations of all others, so that the
infinitely wide network is a flow on a half circle or a half sphere. It is compared with exact solutions, with circle
and sphere in two and three inputs, and with networks of 1 to 1000 neurons, trained by gradient descent on the
population risk and by stochastic gradient descent (batches of 100), which begin as the infinitely wide one does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import gammaln

from wgflow import Link
from wgflow.app.validation import Row, Setting, between, measured, within
from wgflow.plotting import save_figure
from wgflow.plotting.style import styled_figure
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

from ._processes import side_by_side
from ._symmetric_exact import (
    circle_difference,
    heat_error,
    linear_error,
    orbit_difference,
    quadratic_error,
    sphere_difference,
)
from ._symmetric_students import (
    SUCCESS,
    crossing,
    descent_risk,
    finite_width,
    floor,
    infinite_width,
    monte_carlo_exponent,
    pair,
)

ORBITS = {8: 2e-6, 16: 2e-7, 32: 2e-8, 64: 2e-9}  # copies, and what is asked
TIMES = np.concatenate([np.linspace(0.5, 10.0, 20), np.geomspace(11.0, 200.0, 40)])
TRAINED, STEP, BATCH = 50.0, 0.1, 100  # time, steps and samples of students
FIFTY = {5.0: 0.3505, 10.0: 0.1688, 20.0: 0.0696}  # risks in fifty inputs of the second Hermite polynomial
LINKS = {"hermite2": 0.1, "abs": 1e-3, "relu": 1e-3}  # risks beyond the floor by which escape is told


def validate(
    setting: Setting,
    *,
    dimensions: tuple[int, ...] = (5, 10, 20, 50, 100, 1000),
    students: tuple[int, ...] = (5, 20, 100),
) -> Iterator[Row]:
    """Compare with exact solutions and with finite networks; quick, with fewer of all.

    Parameters
    ----------
    setting : Setting
        How much is computed.
    dimensions : tuple of int
        Numbers of inputs of the infinitely wide networks.
    students : tuple of int
        Numbers of inputs in which finite ones are trained.
    """
    quick = setting.quick
    yield from exact_rows(quick)
    yield from known_rows(quick)
    yield from width_rows(setting)
    yield from link_rows(quick)
    curves = {}
    for inputs in (5, 100) if quick else dimensions:
        curves[inputs] = infinite_width(pair(inputs, None), 1024, TIMES)
        yield measured(f"d = {inputs}, one neuron, m = infinity: time to risk 1e-3", crossing(curves[inputs], SUCCESS))
    yield from pair_rows((20,) if quick else dimensions, quick)
    shares = {}
    for inputs in (20,) if quick else students:
        widths: tuple[int, ...] = (1, 10, 100) if quick else (1, 3, 10, 30, 100, 300, 1000)
        shares[inputs] = widths, train(setting, inputs, widths)
        yield from success_rows(inputs, *shares[inputs])
    draw(curves, shares, setting.file())


def exact_rows(quick: bool) -> Iterator[Row]:
    """Flows with exact solutions."""
    for inputs, bound in ((100, 1.5e-4), (1000, 1e-3)):
        error = quadratic_error(inputs, 1024, 2)
        yield within(f"quadratic features, d = {inputs}, order 2, N = 1024: relative L1", error, bound).quote()
        if inputs == 100 or not quick:
            rate = np.log2(error / quadratic_error(inputs, 2048, 2))
            yield between(f"quadratic features, d = {inputs}: rate", float(rate), 1.9, 2.1)
    for inputs in (5, 10, 100):
        error = quadratic_error(inputs, 512, 5)
        yield within(f"quadratic features, d = {inputs}, order 5, N = 512: relative L1", error, 1e-7).quote()
    yield within("linear J, d = 10, N = 1024: relative L1", linear_error(10, 1024), 5e-5)
    for inputs in (3, 10, 100):
        errors = [heat_error(inputs, degree, 2048) for degree in ((1, 4) if quick else (1, 2, 3, 4))]
        yield within(f"heat, d = {inputs}, N = 2048: Gegenbauer modes to l = 4", max(map(abs, errors)), 1e-4).quote()


def known_rows(quick: bool) -> Iterator[Row]:
    """Circle, sphere and orbits."""
    yield within("d = 2 on the half circle: risk against the circle", circle_difference(256), 1e-6).quote()
    yield within("d = 3 on the half sphere: risk against the sphere", sphere_difference(642), 1e-6).quote()
    for copies, bound in ORBITS.items():
        if copies < 64 or not quick:
            yield within(f"d = 3: F of reduced particles against {copies} copies", orbit_difference(copies), bound)


def width_rows(setting: Setting) -> Iterator[Row]:
    """Random networks come near the infinitely wide one as m^(-1/2)."""
    cases = ((20, (100, 400, 1600), 8),) if setting.quick else tuple(
        (inputs, (200, 400, 800, 1600, 3200), 20) for inputs in (5, 20, 100)
    )  # fmt: skip
    found = side_by_side(_exponent, cases, setting, "widths")
    for (inputs, widths, seeds), (exponent, distances) in zip(cases, found, strict=True):
        beside = f"{distances[0]:.1e} at m = {widths[0]}, {distances[-1]:.1e} at {widths[-1]}, {seeds} seeds"
        asked = 0.2 if setting.quick else 0.1
        what = f"d = {inputs}: exponent of the mean squared distance in m"
        yield between(what, exponent, -1.0 - asked, -1.0 + asked, beside).quote()


def _exponent(case: tuple[int, tuple[int, ...], int]) -> tuple[float, FloatArray]:
    return monte_carlo_exponent(*case)


def link_rows(quick: bool) -> Iterator[Row]:
    """How long links take, and what is out of reach."""
    for inputs in (5, 50) if quick else (5, 10, 20, 50, 100):
        least = floor(Link("hermite2", np.eye(1, inputs)), 512)
        yield within(
            f"d = {inputs}: floor of hermite2 against its formula", least - hermite_floor(inputs), 1e-6, f"{least:.5f}"
        )
    times = np.linspace(0.5, 60.0, 120)
    for inputs in (10, 100) if quick else (10, 100, 1000, 10_000):
        cells = 512 if quick else max(1024, 2 ** int(np.ceil(np.log2(20.0 * np.sqrt(inputs)))))
        for name, level in LINKS.items():
            flow = infinite_width(Link(name, np.eye(1, inputs)), cells, times)
            least = hermite_floor(inputs) if name == "hermite2" else 0.0
            what = f"d = {inputs}, {name}: time to {level:g} above the least risk"
            yield measured(what, crossing(flow, least + level), f"{cells} cells").quote()
    if not quick:
        for inputs in (10, 100, 1000, 10_000):
            flow = infinite_width(Link("hermite4", np.eye(1, inputs)), 1024, times)
            yield measured(f"d = {inputs}, hermite4: risk at t = 60", float(flow.risk[-1]), "0.5 at first")
    link, marks = Link("hermite2", np.eye(1, 50)), np.array(list(FIFTY))
    flow = infinite_width(link, 512 if quick else 1024, marks)
    for time, risk, wanted in zip(marks, flow.risk[1:], FIFTY.values(), strict=True):
        yield within(f"d = 50, hermite2: risk at t = {time:g} less {wanted}", float(risk) - wanted, 2e-4, f"{risk:.4f}")
    if not quick:
        students = finite_width(link, 1000, 0, marks)
        beside = "m = infinity: " + ", ".join(f"{risk:.4f}" for risk in flow.risk[1:])
        shown = ", ".join(f"{risk:.4f}" for risk in students.risk[1:])
        yield measured("d = 50, hermite2, m = 1000: risks at t = 5, 10, 20", shown, beside)


def hermite_floor(inputs: int) -> float:
    r"""Least risk of ReLU networks without bias for the second Hermite polynomial: what is of degree 1 in |x| is far.

    .. math:: \frac12 \left[1 - \frac{B^2}{2d} \left(\frac{3(d+1)^2}{d(d+2)} - \frac{2(d+1)}{d} + 1\right)\right],
              \qquad B = E |x|
    """
    d = float(inputs)
    square = 2.0 * math.exp(2.0 * (gammaln(0.5 * (d + 1.0)) - gammaln(0.5 * d)))
    shape = 3.0 * (d + 1.0) ** 2 / (d * (d + 2.0)) - 2.0 * (d + 1.0) / d + 1.0
    return 0.5 * (1.0 - square / (2.0 * d) * shape)


def pair_rows(dimensions: tuple[int, ...], quick: bool) -> Iterator[Row]:
    """Two teacher neurons."""
    for inputs in dimensions:
        for angle in (1.0,) if quick else (0.5, 1.0, 2.0):
            for second in (1.0, -1.0):
                flow = infinite_width(pair(inputs, angle, second), 642 if quick else 2562, TIMES[TIMES <= TRAINED])
                what = (
                    f"d = {inputs}, two neurons at {angle:g}, weights 1 and {second:g}: risk at t = {flow.time[-1]:.0f}"
                )
                yield measured(what, float(flow.risk[-1]), f"time to 1e-2 {crossing(flow, 1e-2):.3g}")


def train(setting: Setting, inputs: int, widths: tuple[int, ...]) -> FloatArray:
    """Final risks of students by descent on the population risk and by SGD, shape (2, repetitions, widths)."""
    work = partial(_students, inputs=inputs, widths=widths)
    found = side_by_side(work, range(4 if setting.quick else 30), setting, f"students, d = {inputs}")
    return np.stack(found, axis=1)


def _students(seed: int, *, inputs: int, widths: tuple[int, ...]) -> FloatArray:
    target = pair(inputs, None)
    return np.array([
        [descent_risk(target, width, seed, TRAINED, STEP, batch) for width in widths] for batch in (None, BATCH)
    ])  # fmt: skip


def success_rows(inputs: int, widths: tuple[int, ...], risks: FloatArray) -> Iterator[Row]:
    """Counts of students that found the teacher."""
    for width, population, sgd in zip(widths, *(risks < SUCCESS).sum(axis=1), strict=True):
        beside = f"SGD {sgd}; median risks {np.median(risks[:, :, widths.index(width)], axis=1)}"
        yield measured(f"d = {inputs}, m = {width}: successes of {risks.shape[1]}", int(population), beside)


def draw(curves: dict[int, Trajectory], shares: dict[int, tuple[tuple[int, ...], FloatArray]], path: Path) -> None:
    """Draw the risk at infinite width over time, and the successes over the width."""
    with styled_figure(3.2) as figure:
        first, second = figure.subplots(1, 2)
        for inputs, flow in curves.items():
            first.loglog(flow.time[1:], flow.risk[1:], label=f"$d = {inputs}$")
        first.set_xlabel("time")
        first.set_ylabel("risk")
        first.set_title("One teacher neuron, $m = \\infty$")
        first.legend()
        for inputs, (widths, risks) in shares.items():
            for row, (name, line) in enumerate((("population", "-"), ("SGD", "--"))):
                share = (risks[row] < SUCCESS).mean(axis=0)
                second.semilogx(widths, share, line, marker="o", label=f"$d = {inputs}$, {name}")
        second.set_xlabel("number of neurons $m$")
        second.set_ylabel(f"share of successes at $t = {TRAINED:g}$")
        second.set_title("Students that begin at random")
        second.legend()
    save_figure(figure, path)
