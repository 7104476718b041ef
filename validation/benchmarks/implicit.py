"""What implicit steps in the plane cost beside those of version 0.1, which factorise a matrix in each, at equal errors.

The former way puts in order and factorises a new matrix in each step, finds all fluxes anew, asks for one more solution
in each stage to know that the last one was right, and lets the size of each step follow its error. The linear equation
is that of a Gaussian in a bowl, whose density is known at all times; that of the porous medium needs new matrices
either way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from wgflow import Box, Entropy, Potential, PowerEnergy
from wgflow.app.validation import Row, Setting, measured
from wgflow.finite_volume import ImplicitFiniteVolume
from wgflow.finite_volume.implicit import LOCAL_ORDERS, NEWTON_ITERATIONS, NEWTON_TOLERANCE, TR_BDF2
from wgflow.flows.face_matrices import SparseMatrices
from wgflow.flows.factorisation import factorise
from wgflow.flows.step_control import StepController
from wgflow.functionals import Functional
from wgflow.problems.exact_profiles import Barenblatt
from wgflow.typing import FloatArray

SIDE, QUICK_SIDE = 160, 24
TURNS = 2
LINEAR, LEAST_GAIN = ("Fokker-Planck",), 2.0  # of equations whose matrix is the same in steps of the same size
SLOW = 0.1  # size of a correction over that of the last one from which the former steps factorised anew


class FormerSteps(ImplicitFiniteVolume):
    """The same steps as they were."""

    def __init__(self, functional: Functional, box: Box, density: FloatArray, *, tolerance: float, time: float) -> None:
        super().__init__(functional, box, density, tolerance=tolerance, time=time)
        self._control = StepController(LOCAL_ORDERS[TR_BDF2])
        self._fluxes._factors = None
        self._pattern = SparseMatrices(self._fluxes.faces.cells, box.volumes.size)

    def _solve(self, known: FloatArray, guess: FloatArray, rate: FloatArray, step: float) -> FloatArray | None:  # noqa: ARG002
        density, size = guess, np.inf
        for _ in range(NEWTON_ITERATIONS):
            residual = density - known - step * self._fluxes.rate(density)
            correction = self._factor.solve(self._fluxes.volumes * residual)
            density, before, size = density - correction, size, self._size(correction)
            if size <= NEWTON_TOLERANCE:
                return density
            if size > SLOW * before:
                self._factorise(density, step)
        return None

    def _factorise(self, density: FloatArray, step: float) -> bool:
        self._factor = factorise(self._pattern.assembled(self._fluxes.matrix(density, step)))
        return True


def gaussian(box: Box, time: float) -> FloatArray:
    """Density in the bowl, of mean exp(-t) along both axes, and of a variance that tends to 1 from 0.3."""
    variance, mean = 1.0 - 0.7 * np.exp(-2.0 * time), np.exp(-time)
    return np.asarray(np.exp(-0.5 * ((box.points - mean) ** 2).sum(axis=-1) / variance) / (2.0 * np.pi * variance))


def porous_medium(box: Box, time: float) -> FloatArray:
    """Barenblatt's solution in the plane."""
    return Barenblatt(2.0, 2).averages(box, 1.0 + time)


CASES: dict[str, tuple[Functional, Callable[[Box, float], FloatArray]]] = {
    "Fokker-Planck": (Entropy() + Potential(lambda x: 0.5 * (x**2).sum(axis=-1)), gaussian),
    "porous medium": (PowerEnergy(2.0), porous_medium),
}
# Of the former steps and of ours, for errors that are no larger.
TOLERANCES = {"Fokker-Planck": ((1e-3, 3e-4), (1e-4, 1e-4)), "porous medium": ((1e-3, 1e-3),)}


@cache
def prepared(name: str, side: int) -> tuple[Box, FloatArray, FloatArray]:
    """The box, and the exact densities at both ends."""
    box = Box([(-4.0, 4.0)] * 2, (side, side))
    return box, CASES[name][1](box, 0.0), CASES[name][1](box, 1.0)


class Run(NamedTuple):
    """Steps to t = 1, the L1 error there, and seconds of the processor, which other processes hardly change."""

    steps: int
    error: float
    seconds: float


def run(steps: type[ImplicitFiniteVolume], name: str, side: int, tolerance: float) -> Run:
    """Run to t = 1."""
    box, start, end = prepared(name, side)
    started = time.process_time()
    flow = steps(CASES[name][0], box, start, tolerance=tolerance, time=0.0)
    flow.begin_interval(1.0)
    while flow.time < 1.0:
        flow.step()
    seconds = time.process_time() - started
    return Run(flow.counts.accepted, float((abs(flow.density - end) * box.volumes).sum()), seconds)


def validate(setting: Setting) -> Iterator[Row]:
    """Time runs both ways, in turns; quick, once on a small grid, of which nothing is asked."""
    side, turns = (QUICK_SIDE, 1) if setting.quick else (SIDE, TURNS)
    for name, tolerances in TOLERANCES.items():
        for loose, own in tolerances:
            runs = [
                (run(FormerSteps, name, side, loose), run(ImplicitFiniteVolume, name, side, own)) for _ in range(turns)
            ]
            former, ours = (min(kind, key=lambda done: done.seconds) for kind in zip(*runs, strict=True))
            what, ratio = f"{name}, {side}^2, tolerance {loose:g}", former.seconds / ours.seconds
            beside = f"{ours.seconds:.2g} s of the processor, before {former.seconds:.2g}"
            row = measured(f"{what}: seconds of former steps over ours", ratio, beside).quote()
            least = LEAST_GAIN if name in LINEAR and side == SIDE else 0.0
            yield replace(row, asked=f">= {least:g}", passed=ratio >= least) if least > 0.0 else row
            yield measured(f"{what}: L1 error of former steps", former.error, f"{former.steps} steps")
            row = measured(f"{what}: L1 error of ours", ours.error, f"{ours.steps} steps, tolerance {own:g}")
            most = former.error
            yield replace(row, asked=f"<= {most:.3g}", passed=ours.error <= most) if least > 0.0 else row
