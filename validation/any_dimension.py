"""Infinite width in any number of inputs: Figure 3 of Bach and Chizat (2022) with m = infinity, and how hard links are.

Gaussian inputs and a target of one or two directions are invariant under the rotations of all others, so that the
infinitely wide network is a flow on a half circle or a half sphere. It is compared with exact solutions, with circle
and sphere in two and three inputs, and with networks of 1 to 1000 neurons, trained by gradient descent on the
population risk and by stochastic gradient descent (batches of 100), which begin as the infinitely wide one does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
from scipy.special import gammaln

from wgflow import Link
from wgflow.app.validation import Row, Setting, between, measured, within
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
from ._symmetric_figure import ANGLES, REPETITIONS, TRAINED, Case, draw, success_rows, train
from ._symmetric_students import (
    SUCCESS,
    Risks,
    crossing,
    distances_of,
    exponent_of,
    finite_width,
    floor,
    infinite_width,
    pair,
)
from ._timed import timed

ORBITS = {8: 2e-6, 16: 2e-7, 32: 2e-8, 64: 2e-9}  # copies, and what is asked
TIMES = np.concatenate([np.linspace(0.5, 10.0, 20), np.geomspace(11.0, TRAINED, 20), np.geomspace(54.0, 200.0, 20)])
PAIR_INPUTS = 20  # of students that learn two neurons
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
    yield from timed("exact solutions", exact_rows(quick))
    yield from timed("circle, sphere and orbits", known_rows(quick))
    yield from timed("random networks of some widths", width_rows(setting))
    yield from timed("links", link_rows(quick))
    flows: dict[Case, Risks] = {}
    yield from timed("infinitely wide networks", flow_rows(flow_cases(dimensions, quick), flows, setting))
    curves: dict[tuple[Case, int, int | None], FloatArray] = {}
    yield from timed("finite networks", student_rows(student_cases(students, quick), curves, flows, setting))
    draw(curves, flows, setting.file())


def flow_cases(dimensions: tuple[int, ...], quick: bool) -> list[Case]:
    """Teachers that infinitely wide networks learn: one neuron, and two at some angles and of both signs."""
    single = [Case(inputs) for inputs in ((5, 20, 100) if quick else dimensions)]
    angles = (1.0,) if quick else ANGLES
    pairs = [
        Case(inputs, angle, second)
        for inputs in ((20,) if quick else dimensions)
        for angle in angles
        for second in (1.0, -1.0)
    ]
    return single + pairs


def flow_to(case: Case, quick: bool) -> Risks:
    """The risks of the infinitely wide network of a teacher."""
    if case.angle is None:
        flow = infinite_width(pair(*case), 1024, TIMES)
    else:
        flow = infinite_width(pair(*case), 642 if quick else 2562, TIMES[TIMES <= TRAINED])
    return Risks(flow.time, flow.risk)


def flow_rows(cases: list[Case], flows: dict[Case, Risks], setting: Setting) -> Iterator[Row]:
    """How soon infinitely wide networks are near their teachers; what is found is kept in ``flows``."""
    found = side_by_side(partial(flow_to, quick=setting.quick), cases, setting, "m = infinity")
    flows |= dict(zip(cases, found, strict=True))
    for case, flow in flows.items():
        level = SUCCESS if case.angle is None else 1e-2
        beside = f"risk at t = {flow.time[-1]:.0f}: {flow.risk[-1]:.2e}"
        yield measured(f"{case.text}, m = infinity: time to risk {level:g}", crossing(flow, level), beside)


def student_rows(
    cases: Mapping[Case, tuple[int, ...]],
    curves: dict[tuple[Case, int, int | None], FloatArray],
    flows: Mapping[Case, Risks],
    setting: Setting,
) -> Iterator[Row]:
    """How many finite networks find their teachers; their risks are kept in ``curves``."""
    curves |= train(cases, setting, 4 if setting.quick else REPETITIONS)
    yield from success_rows(curves, flows)


def student_cases(students: tuple[int, ...], quick: bool) -> dict[Case, tuple[int, ...]]:
    """Teachers of finite students, and their widths."""
    if quick:
        return {Case(inputs): (1, 10, 100) for inputs in (5, 20)}
    single = {Case(inputs): (1, 3, 10, 30, 100, 300, 1000) for inputs in students}
    return single | {Case(PAIR_INPUTS, angle, second): (3, 10, 100) for angle in ANGLES for second in (1.0, -1.0)}


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
    widths, seeds, asked = ((100, 400, 1600), 8, 0.2) if setting.quick else ((200, 400, 800, 1600, 3200), 20, 0.1)
    for inputs in (20,) if setting.quick else (100, 20, 5):
        work = partial(distances_of, inputs=inputs, widths=widths)
        found = np.mean(side_by_side(work, range(seeds), setting, f"widths, d = {inputs}"), axis=0)
        beside = f"{found[0]:.1e} at m = {widths[0]}, {found[-1]:.1e} at {widths[-1]}, {seeds} seeds"
        what = f"d = {inputs}: exponent of the mean squared distance in m"
        yield between(what, exponent_of(widths, found), -1.0 - asked, -1.0 + asked, beside).quote()


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
