"""Handing out the runs of a sweep to workers, in tasks of about a second."""

from __future__ import annotations

import time as clock
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wgflow.app.sweeps.plan import Plan
from wgflow.app.sweeps.runs import Outcome, carry_out_share, read_outcome
from wgflow.errors import ComputationError
from wgflow.flows.endings import COMPLETE, FAILED

if TYPE_CHECKING:
    from distributed import Client, Future, as_completed

TASK_SECONDS = 1.5  # what a task should take: a scheduler needs some ms for each
PAUSE_SECONDS, LOOK_SECONDS = 0.02, 2.0  # until it is asked again whether a task has ended, and for new workers
SHARE_LIMIT = 1000  # runs that a task may be offered
ALLOWED_KILLS = 2  # workers that may die of a run


class RunQueue:
    """Runs that are still to be done.

    Parameters
    ----------
    indices : iterable of int
        Numbers of the runs, in the order in which they are handed out.
    """

    def __init__(self, indices: Iterable[int]) -> None:
        self._indices = deque(indices)
        self._suspects: deque[int] = deque()
        self._kills: Counter[int] = Counter()

    def take(self, workers: int) -> list[int]:
        """Take a share for one of some workers; empty when no run is left.

        Shares shrink towards the end, so that all workers end together. Runs that may have killed a worker come alone.
        """
        if self._suspects:
            return [self._suspects.popleft()]
        size = min(max(len(self._indices) // (2 * workers), 1), SHARE_LIMIT, len(self._indices))
        return [self._indices.popleft() for _ in range(size)]

    def give_back(self, indices: Sequence[int]) -> None:
        """Return runs that a task had no time for."""
        self._indices.extendleft(reversed(indices))

    def note_kill(self, index: int) -> bool:
        """Note that a worker died during a run; gives whether the run may be tried again, alone."""
        self._kills[index] += 1
        again = self._kills[index] < ALLOWED_KILLS
        if again:
            self._suspects.append(index)
        return again


def dispatch(client: Client, plan: Plan, folder: Path, indices: Iterable[int], tasks: int) -> Iterator[Outcome]:
    """Carry out runs on the workers of a client.

    Each worker has one task at a time, so that a worker that dies takes no other run with it. A task is offered a share
    of the runs, does as many as fit into about a second, and gives back the rest.

    Parameters
    ----------
    client : Client
        Connection to the workers, which must see the folder.
    plan : Plan
        The sweep.
    folder : Path
        Its folder.
    indices : iterable of int
        Numbers of the runs.
    tasks : int
        Number of tasks at once, where the client has fewer workers at the moment; workers that come later are used.

    Yields
    ------
    Outcome
        Those of all the runs, as they end.

    Raises
    ------
    ComputationError
        If the connection to the scheduler is lost.
    """
    from distributed import as_completed

    waiting, ended = RunQueue(indices), as_completed(loop=client.loop)
    shares: dict[Future[list[Outcome]], list[int]] = {}

    def fill() -> None:
        workers = max(len(client.nthreads()), tasks)
        while len(shares) < workers and (share := waiting.take(workers)):
            task = client.submit(carry_out_share, plan, folder, share, TASK_SECONDS, pure=False)
            shares[task] = share
            ended.add(task)

    fill()
    for task in _as_they_end(ended, fill):
        share = shares.pop(task)
        outcomes = _outcomes_of(task)
        if outcomes is None:
            yield from _after_kill(waiting, plan, folder, share)
        else:
            waiting.give_back(share[len(outcomes) :])
            yield from outcomes
        fill()


def _as_they_end(ended: as_completed, fill: Callable[[], None]) -> Iterator[Future[list[Outcome]]]:
    """Tasks as they end; now and then what is left is handed out to workers that have come meanwhile."""
    looked = clock.monotonic()
    while ended.count() > 0:
        if ended.has_ready():
            yield next(ended)
            continue
        clock.sleep(PAUSE_SECONDS)
        if clock.monotonic() > looked + LOOK_SECONDS:
            fill()
            looked = clock.monotonic()


def _outcomes_of(task: Future[list[Outcome]]) -> list[Outcome] | None:
    """What a task returned; None if its worker died."""
    from distributed import CancelledError, KilledWorker

    try:
        return task.result()
    except KilledWorker:
        return None
    except (CancelledError, OSError) as error:
        raise ComputationError(
            f"the connection to the scheduler is lost ({error}); the same command continues"
        ) from None


def _after_kill(waiting: RunQueue, plan: Plan, folder: Path, share: Sequence[int]) -> Iterator[Outcome]:
    """Give what the worker had finished; the run after that is the one it died of."""
    for position, index in enumerate(share):
        outcome = read_outcome(plan, folder, index)
        if outcome is not None and outcome.status == COMPLETE:
            yield outcome
            continue
        waiting.give_back(share[position + 1 :])
        if not waiting.note_kill(index):
            yield Outcome(index, FAILED, f"{ALLOWED_KILLS} workers were killed during this run (out of memory?)")
        return
