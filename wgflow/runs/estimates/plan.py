"""Which coarse runs estimate the errors of a run, what they cost, and the estimator that they give."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import EstimateWarning
from wgflow.flows.loop import Limits
from wgflow.runs.estimates.coarse_runs import CoarseRun, Outputs, carry_out_coarse_run
from wgflow.runs.estimates.distances import Distances, Signs, grid_distances, particle_distances
from wgflow.runs.estimates.estimator import Estimator, Refinement, Unresolved, snapshot_differences
from wgflow.runs.estimates.sampling_error import Sampling
from wgflow.typing import FloatArray

LONG_RUN = 60.0  # seconds of coarse runs
LARGE_SHARE = 0.5  # of the time of the run itself, above which long coarse runs are worth a warning


class EstimatePlan(Protocol):
    """The coarse runs of a run."""

    @property
    def coarse_runs(self) -> Sequence[CoarseRun]:
        """The coarse runs, the cheapest first."""

    def estimator(self, outputs: Sequence[Outputs], times: FloatArray, signs: Signs) -> Estimator:
        """Give the estimator; the times begin with 0, and the signs are those of the particles of the run itself."""


@dataclass(frozen=True)
class RefinementPlan:
    """Two coarse runs of four and two times the width.

    Parameters
    ----------
    coarse_runs : (CoarseRun, CoarseRun)
        The runs, the coarser one first.
    domain : Domain or None
        Where the run itself lives.
    most, noise : float
        See `wgflow.runs.estimates.estimator.Refinement`.
    pointwise : bool
        Whether densities are values at the cell centres.
    atoms : bool
        Whether measures are expected to have atoms.
    """

    coarse_runs: tuple[CoarseRun, CoarseRun]
    domain: Domain | None
    most: float = 2.0
    noise: float = 0.0
    pointwise: bool = False
    atoms: bool = False

    def estimator(self, outputs: Sequence[Outputs], times: FloatArray, signs: Signs) -> Estimator:
        """Compare the two coarse runs, and prepare the comparison with the run itself."""
        quarter, half = (output.at(times) for output in outputs)
        domains = [None if output.run_setup is None else output.run_setup.domain for output in outputs]
        apart = self._distances(quarter[0], (domains[0], domains[1]), (outputs[0].signs, outputs[1].signs))
        coarse = {
            float(time): snapshot_differences(first, second, apart)
            for time, first, second in zip(times, quarter, half, strict=True)
            if first is not None and second is not None
        }
        finer = self._distances(half[0], (domains[1], self.domain), (outputs[1].signs, signs))
        known = {float(time): snapshot for time, snapshot in zip(times, half, strict=True)}
        return Refinement(known, coarse, finer, self.most, self.noise, self.atoms)

    def _distances(
        self, example: object, domains: tuple[Domain | None, Domain | None], signs: tuple[Signs, Signs]
    ) -> Distances:
        """Compare the snapshots of two runs, which look like an example."""
        fields = getattr(example, "fields", {})
        of_particles = particle_distances(*signs, domains[1])
        if "density" not in fields or domains[0] is None or domains[1] is None:
            return of_particles
        of_grids = grid_distances(domains[0], domains[1], pointwise=self.pointwise)
        if "position" not in fields:
            return of_grids
        return lambda first, second: (of_grids(first, second)[0], of_particles(first, second)[1])


@dataclass(frozen=True)
class SamplingPlan:
    """Runs of batches of particles.

    Parameters
    ----------
    coarse_runs : tuple of CoarseRun
        The runs of the batches, and behind them the first once more with steps of twice the size, if there are any.
    count : int
        Number of batches.
    domain : Domain or None
        Where the particles live.
    exponent, order : float
        See `wgflow.runs.estimates.sampling_error.Sampling`.
    """

    coarse_runs: tuple[CoarseRun, ...]
    count: int
    domain: Domain | None
    exponent: float = 0.5
    order: float = 1.0

    def estimator(self, outputs: Sequence[Outputs], times: FloatArray, signs: Signs) -> Estimator:
        """Gather the runs of the batches."""
        found = [dict(zip(times.tolist(), output.at(times), strict=True)) for output in outputs]
        distances = [particle_distances(output.signs, signs, self.domain) for output in outputs[: self.count]]
        doubled = found[self.count] if len(found) > self.count else None
        return Sampling(found[: self.count], distances, self.exponent, doubled, self.order)


def announcement(plan: EstimatePlan) -> str:
    """What a plan will do, in a line."""
    share = sum(run.cost for run in plan.coarse_runs)
    names = list(dict.fromkeys(run.name for run in reversed(plan.coarse_runs)))
    where = "with" if names[-1].endswith(" particles") else "on"
    return f"runs {where} {' and '.join(names)} first, about {share:.0%} more time"


def prepare_estimator(plan: EstimatePlan, times: FloatArray, limits: Limits, signs: Signs = None) -> Estimator:
    """Carry out the coarse runs of a plan.

    A run that is refused or fails is told in a warning of one line, and leaves errors behind it unresolved.

    Parameters
    ----------
    plan : EstimatePlan
        The coarse runs.
    times : array
        Output times after 0.
    limits : Limits
        When the run that they are for stops early.
    signs : array, shape (m,), optional
        Signs of its particles.
    """
    outputs: list[Outputs] = []
    for run in plan.coarse_runs:
        if len(outputs) == 1:
            _warn_of_cost(plan, outputs[0])
        outputs.append(carry_out_coarse_run(run, times, limits))
        if outputs[-1].failure:
            _warn_of_failure(outputs[-1])
        if not outputs[-1].snapshots:
            return Unresolved()
    return plan.estimator(outputs, np.append(0.0, times), signs)


def _warn_of_cost(plan: EstimatePlan, first: Outputs) -> None:
    """Warn before coarse runs that take long, and long compared with the run itself."""
    whole, share = first.seconds / first.run.cost, sum(run.cost for run in plan.coarse_runs)
    if share > LARGE_SHARE and share * whole > LONG_RUN:
        warnings.warn(
            f"the coarse runs of the estimate take about {share * whole:.0f} s, {share:.0%} of the {whole:.0f} s of "
            "the run itself",
            EstimateWarning,
            stacklevel=4,
        )


def _warn_of_failure(output: Outputs) -> None:
    since = f" behind t = {output.snapshots[-1].time:g}" if output.snapshots else ""
    warnings.warn(
        f"errors{since} are not resolved: the coarse run, {output.run.name}, ended: {output.failure}",
        EstimateWarning,
        stacklevel=4,
    )
