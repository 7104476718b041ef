"""Finite-volume schemes in space on rows of equal cells."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.errors import InputError
from wgflow.reductions.aligned import aligned_zeros
from wgflow.typing import FloatArray, IntArray
from wgflow.upwind.kernels import line, structured, watched, watched_line
from wgflow.upwind.kernels.limiters import FIRST_ORDER
from wgflow.upwind.scheme import NOTHING, Combination, SpaceScheme, Stage, StageWatch


class LineScheme(SpaceScheme):
    """The scheme on the circle and the signed circle.

    Parameters
    ----------
    domain : Domain
        Circle or signed circle.
    transport, reaction : float
        The factors alpha and beta.
    limiter : int
        One of the limiters of `wgflow.upwind.kernels.line`.
    """

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        super().__init__(domain)
        rows, cells = self._shape = (domain.sheets, domain.base.shape[0])
        self._mobility = transport / float(domain.base.volumes.flat[0]) ** 2
        self._reaction = float(reaction)
        self._face_factor = 1.0 if limiter == FIRST_ORDER else 2.0
        blocks = line.PARALLEL_BLOCKS if rows * cells >= line.PARALLEL_THRESHOLD else 1
        self._stage, self._largest_loss_rate = line.stage_kernel(limiter, blocks), line.loss_rate_kernel(blocks)
        self._flux = np.zeros((rows, cells + 1))
        self._lanes = np.zeros((rows * blocks, line.LANES))

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:  # noqa: ARG002
        return step, self._mobility, self._reaction, self._flux

    def _loss_arguments(self, potential: FloatArray) -> tuple[Any, ...]:  # noqa: ARG002
        return self._mobility, self._face_factor, self._reaction, self._lanes


class ShortLineScheme(LineScheme):
    """The scheme on circles and signed circles of so few cells that one thread does them: all in one pass.

    Arguments as in `LineScheme`.

    Attributes
    ----------
    prepared : tuple
        What the kernels of `wgflow.finite_volume.kernels.steps_on_line` take as ``line``.
    limiter : int
        That of its slopes.
    """

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        super().__init__(domain, transport, reaction, limiter)
        self.limiter = limiter
        self._watched = watched_line.watched_stage_kernel(limiter)
        self._blocks = self._loops.partition.cells
        self._no_blocks, extrema = self._blocks[:1], np.empty((2, line.LANES))
        factors = (self._mobility, self._reaction, self._face_factor)
        self._flow = (*factors, self._volumes, self._flux, self._lanes)
        self.prepared = (*factors, self._volumes, self._blocks, self._flux, self._lanes, extrema)
        self._rates = (self._mobility, self._face_factor, self._reaction, self._lanes, extrema)

    def checked_stage(self, stage: Stage) -> float:
        """See `SpaceScheme.checked_stage`."""
        return self._do(stage, NOTHING, self._no_blocks)[0]

    def watched_stage(self, stage: Stage, combination: Combination, *, steady: bool) -> StageWatch:
        """See `SpaceScheme.watched_stage`."""
        rate, *sums = self._do(stage, combination, self._blocks)
        return StageWatch(0.0 if steady else rate, *sums)

    def state_sums(self, density: FloatArray, potential: FloatArray) -> tuple[float, float]:
        """See `SpaceScheme.state_sums`: those of a stage that changes nothing."""
        stage = Stage(density, potential, density, (1.0, 0.0), 0.0, np.empty_like(density))
        *_, mass, paired = self._do(stage, NOTHING, self._blocks)
        return mass, paired

    def loss_rate(self, potential: FloatArray) -> float:
        """See `SpaceScheme.loss_rate`."""
        return self.extremes(potential)[0]

    def extremes(self, potential: FloatArray) -> tuple[float, float]:
        """See `SpaceScheme.extremes`."""
        rate, least = watched_line.line_extremes(potential.reshape(self._shape), *self._rates)
        return rate, least

    def _do(self, stage: Stage, combination: Combination, blocks: IntArray) -> tuple[float, ...]:
        rho, phi, old, new = self._shaped(stage.density, stage.potential, stage.start, stage.result)
        told: tuple[float, ...] = self._watched(
            rho, phi, old, stage.weights, stage.step, *self._flow, combination, blocks, new
        )
        return told


def line_scheme(domain: Domain, transport: float, reaction: float, limiter: int) -> LineScheme:
    """Give the scheme on a circle or signed circle; arguments as in `LineScheme`."""
    short = math.prod(domain.shape) < line.PARALLEL_THRESHOLD
    return (ShortLineScheme if short else LineScheme)(domain, transport, reaction, limiter)


class LatticeScheme(SpaceScheme):
    """What the schemes on boxes and signed boxes of one to three dimensions have in common.

    Parameters
    ----------
    domain : Domain
        The cells.
    box : Box
        Those of a sheet.
    transport, reaction : float
        The factors alpha and beta.
    face_factor : float
        Largest value at a face over that of its cell: 1 without a reconstruction, else 2.
    """

    def __init__(self, domain: Domain, box: Box, transport: float, reaction: float, face_factor: float) -> None:
        super().__init__(domain)
        missing, self._box = 3 - len(box.shape), box
        self._shape = (domain.sheets, *(1,) * missing, *box.shape)
        self._mobility = np.array([0.0] * missing + [transport / width**2 for width in box.spacing])
        self._periodic = np.array([False] * missing + list(box.periodic))
        self._reaction, self._face_factor = float(reaction), face_factor
        # Rows of kernels are those along the last axis; one axis alone is one row.
        self._bounds = self._loops.partition.bounds * math.prod(box.shape[1:-1]) if missing < 2 else np.array([0, 1])
        large = math.prod(self._shape) >= structured.PARALLEL_THRESHOLD
        self._tasks = min(structured.TASKS, len(self._bounds) - 1) if large else 1
        self._find_extremes = watched.box_extremes_kernel(self._tasks)
        self._lanes, self._extremes = np.zeros((self._tasks, 2, box.shape[-1])), np.zeros((self._tasks, 2))

    def _refresh(self, result: FloatArray) -> None:
        self._box.refresh(result)

    def settle(self) -> None:
        """See `SpaceScheme.settle`."""
        self._box.settle()

    def loss_rate(self, potential: FloatArray) -> float:
        """See `SpaceScheme.loss_rate`."""
        return self.extremes(potential)[0]

    def extremes(self, potential: FloatArray) -> tuple[float, float]:
        """See `SpaceScheme.extremes`: both in one pass."""
        geometry = (self._mobility, self._face_factor, self._reaction, self._periodic, self._bounds)
        self._find_extremes(potential.reshape(self._shape), *geometry, self._lanes, self._extremes)
        rate, negative = self._loops.partition.largest(self._extremes)
        return float(rate), -float(negative)


class BoxScheme(LatticeScheme):
    """The scheme on boxes and signed boxes of one to three dimensions; arguments as in `LineScheme`."""

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        box = domain.base.lattice
        if box is None:
            raise InputError(f"this scheme needs a box; the domain is {domain.kind!r}")
        super().__init__(domain, box, transport, reaction, 1.0 if limiter == FIRST_ORDER else 2.0)
        self._stage = structured.box_stage_kernel(limiter, self._tasks)
        self._watched = {
            steady: watched.watched_box_stage_kernel(limiter, steady, self._tasks) for steady in (False, True)
        }
        self._fluxes = aligned_zeros(self._tasks, 5, box.shape[-1] + 1 + structured.BEFORE)
        blocks = len(self._bounds) - 1
        self._sums, self._pairs, self._no_sums = (np.zeros((blocks, count)) for count in (watched.SUMS, 1, 0))
        self._volume = math.prod(box.spacing)

    def checked_stage(self, stage: Stage) -> float:
        """See `SpaceScheme.checked_stage`: all in one pass."""
        self._do_watched(stage, NOTHING, self._no_sums, steady=False)
        return float(self._loops.partition.largest(self._extremes[:, :1])[0])

    def paired_stage(self, stage: Stage) -> float:
        """See `SpaceScheme.paired_stage`: in one pass."""
        self._do_watched(stage, NOTHING, self._pairs, steady=True)
        return self._volume * float(self._loops.partition.sums(self._pairs)[0])

    def watched_stage(self, stage: Stage, combination: Combination, *, steady: bool) -> StageWatch:
        """See `SpaceScheme.watched_stage`: all in one pass."""
        return self.watching_stage(stage, combination, steady=steady)()

    def watching_stage(self, stage: Stage, combination: Combination, *, steady: bool) -> Callable[[], StageWatch]:
        """See `SpaceScheme.watching_stage`."""
        self._do_watched(stage, combination, self._sums, steady=steady)
        partition = self._loops.partition
        sums, largest = partition.summing(self._sums), partition.bounding(self._extremes[:, :1])

        def end() -> StageWatch:
            return StageWatch(float(largest()[0]), *(self._volume * sums()).tolist())

        if steady:
            return end
        found = end()  # stages that need not be allowed are wanted at once
        return lambda: found

    def _do_watched(self, stage: Stage, combination: Combination, sums: FloatArray, *, steady: bool) -> None:
        self.settle()
        rho, phi, old, new = self._shaped(stage.density, stage.potential, stage.start, stage.result)
        watch = (self._face_factor, combination, self._lanes, self._extremes, sums)
        self._watched[steady](rho, phi, old, stage.weights, *self._stage_arguments(phi, stage.step), *watch, new)
        self._refresh(stage.result)

    def state_sums(self, density: FloatArray, potential: FloatArray) -> tuple[float, float]:
        """See `SpaceScheme.state_sums`."""
        partial = np.empty((len(self._bounds) - 1, 2))
        watched.state_sums(density.reshape(self._shape), potential.reshape(self._shape), self._bounds, partial)
        mass, paired = self._volume * self._loops.partition.sums(partial)
        return float(mass), float(paired)

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:  # noqa: ARG002
        return step, self._mobility, self._reaction, self._periodic, self._bounds, self._fluxes
