"""Largest margins of Section 5 on clusters, and the flow of diverging mass that approaches the first one.

For k^2 clusters in the plane and a bias (D = 3): gamma_1, relative to the variation norm, exactly by column
generation; gamma_2, relative to the norm of the kernel; the linear margin where there is one; and the margin over the
mass of the flow on the signed sphere, of the softmin and for k = 2 also of the logistic loss, followed in normalised
form to masses beyond every number, with transport and without it. The flow must stay below gamma_1 and come
near it, the nearer the finer the grid, and its mass must grow like exp(2 gamma t), where gamma is its own margin.

The mass must lie where neurons are optimal: where the exact certificate, the sum of p_i y_i (x_i . eta)_+ over the data
with the multipliers p of the exact solution, is near its maximum gamma_1. Atoms of the exact solution, which is one of
many for k = 4, are there; how much of the mass lies close to them is told too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from wgflow import Features, Relu, Signed, Sphere
from wgflow.analysis.optimality.margins import MaxMargin, kernel_margin, linear_margin, variation_margin
from wgflow.app.validation import Row, Setting, at_least, between, measured, within
from wgflow.errors import InputError
from wgflow.networks.training.clusters import draw_clusters
from wgflow.normalised.normalised_flow import NormalisedFlow
from wgflow.typing import FloatArray

CASES = {2: 20, 3: 60, 4: 100}  # number of points by k
SEED = 4  # opposite ones of four clusters have the same label
GAP = 1e-5
MASS = 800.0  # its logarithm to reach: exp(710) is no float64
FINEST = 40962  # cells where the largest k needs them, without transport
LEAST_SHARE = {642: 0.85, 2562: 0.95, 10242: 0.98, FINEST: 0.99}  # of gamma_1 that the flow reaches, by the cells
OPTIMAL = 0.95  # of gamma_1: certificate of neurons that count as optimal, on about 1 % of the sphere
LEAST_OPTIMAL = {642: 0.25, 2562: 0.6, 10242: 0.85, FINEST: 0.99}  # share of the mass there
GROWTH = 0.02  # allowed relative error of the growth of the mass
NEAR = 3.0  # widths of cells


@dataclass(frozen=True)
class Followed:
    """A flow at its end, its largest margin, the last growth rate of its mass, and the seconds that it took."""

    evolution: NormalisedFlow
    largest: float
    rate: float
    seconds: float


def follow(inputs: FloatArray, labels: FloatArray, cells: int, *, loss: str, transport: float) -> Followed:
    """Follow the flow from the uniform measure."""
    domain = Signed(Sphere(cells))
    start = np.full(domain.shape, 1.0 / (8.0 * np.pi))
    features = Features(Relu(inputs), labels, loss)
    evolution = NormalisedFlow(features, domain, start, transport=transport, tau=4.0, growth=0.2)
    largest, rate, started = -np.inf, 0.0, time.perf_counter()
    while evolution.log_mass < MASS:
        before = evolution.log_mass
        evolution.step()
        largest, rate = max(largest, evolution.state().margin), (evolution.log_mass - before) / evolution.step_size
    return Followed(evolution, largest, rate, time.perf_counter() - started)


def near_atoms(domain: Signed, best: MaxMargin) -> NDArray[np.bool_]:
    """Whether cells lie within some widths of one of an atom of the same sign."""
    width = np.sqrt(4.0 * np.pi / domain.base.shape[0])
    atoms, near = best.measure, np.zeros(domain.shape, dtype=bool)
    for sheet, sign in enumerate(domain.signs):
        for point in atoms.points[atoms.signs == sign]:
            near[sheet] |= np.linalg.norm(domain.base.points - point, axis=1) <= NEAR * width
    return near


def near_optimum(domain: Signed, best: MaxMargin, inputs: FloatArray, labels: FloatArray) -> NDArray[np.bool_]:
    """Whether cells hold neurons that are optimal, or almost, by the certificate of the exact solution."""
    certificate = np.maximum(domain.base.points @ inputs.T, 0.0) @ (best.multipliers * labels)
    return domain.signs[:, None] * certificate >= OPTIMAL * best.margin


def rows_of(found: Followed, best: MaxMargin, domain: Signed, optimal: NDArray[np.bool_], what: str) -> Iterator[Row]:
    """What a flow has reached."""
    evolution, masses, cells = found.evolution, found.evolution.density * domain.volumes, domain.shape[1]
    share, growth = found.largest / best.margin, found.rate / (2.0 * evolution.state().margin)
    moved = f"{evolution.moved_steps} of {evolution.counts.accepted} steps moved"
    beside = f"tau = {evolution.time:.0f}, {moved}, {found.seconds:.1f} s"
    yield between(f"{what}: margin over gamma_1", share, LEAST_SHARE[cells], 1.0 + best.gap, beside)
    yield within(f"{what}: growth of the mass over 2 gamma, less 1", growth - 1.0, GROWTH)
    there, near = float(masses[optimal].sum()), float(masses[near_atoms(domain, best)].sum())
    yield at_least(f"{what}: share of the mass where neurons are optimal", there, LEAST_OPTIMAL[cells])
    yield measured(f"{what}: share of the mass near atoms", near)


def margins(inputs: FloatArray, labels: FloatArray, best: MaxMargin, what: str) -> Iterator[Row]:
    """The largest margins of a data set, relative to both norms and of linear functions."""
    kernel = kernel_margin(inputs, labels)
    atoms = f"{best.margin:.6f}, {len(best.measure.weights)} atoms"
    yield within(f"{what}: certified gap of gamma_1", best.gap, GAP, atoms).quote()
    yield within(f"{what}: certified gap of gamma_2", kernel.gap, GAP, f"{kernel.margin:.6f}")
    yield within(f"{what}: gamma_2 over gamma_1, bounded above", kernel.margin / best.upper_bound, 1.0)
    try:
        linear: float | str = linear_margin(inputs, labels).margin
    except InputError:
        linear = "none"
    yield measured(f"{what}: linear margin", linear)


def data_set(k: int, cells: Sequence[int]) -> Iterator[Row]:
    """The margins of one data set, and the flows that approach the first one."""
    generator = np.random.default_rng(SEED)
    inputs, labels = draw_clusters(k, 3, generator).draw(CASES[k], generator)
    best = variation_margin(inputs, labels)
    yield from margins(inputs, labels, best, f"k = {k}, n = {CASES[k]}")
    losses = ("softmin", "logistic") if k == 2 else ("softmin",)
    fine = [("softmin", FINEST, 0.0)] if k == max(CASES) else []
    for loss, number, transport in [*product(losses, cells, (0.0, 1.0)), *fine]:
        domain = Signed(Sphere(number))
        found = follow(inputs, labels, number, loss=loss, transport=transport)
        moves = "with transport" if transport else "without transport"
        what = f"k = {k}, {loss}, {number} cells, {moves}"
        quoted = loss == "softmin" and (number == FINEST or (number == 10242 and transport > 0.0))
        for row in rows_of(found, best, domain, near_optimum(domain, best, inputs, labels), what):
            yield row.quote() if quoted and "growth" not in row.what else row


def validate(setting: Setting) -> Iterator[Row]:
    """All data sets; quick, k = 2 on a coarse grid."""
    cases, cells = ((2,), (642,)) if setting.quick else (tuple(CASES), (642, 2562, 10242))
    for k in cases:
        yield from data_set(k, cells)
