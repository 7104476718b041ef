"""Losses of power during a durable run: what was written since the last sync is on the disk or not, in any order."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from unittest import mock

from wgflow import Observers, Trajectory, run
from wgflow.problems import Problem
from wgflow.trajectory.hdf5 import hdf5_bytes
from wgflow.trajectory.hdf5.hdf5_bytes import PAGE

Piece = tuple[int, bytes]  # a place, and what is written there


@dataclass
class Log:
    """What a run did to its file from its first snapshot on.

    Parameters
    ----------
    start : bytes
        The file at the first snapshot.
    events : list
        Writes, and None for each sync.
    announced : list of int
        Number of events before each further snapshot was announced to the observers of the run.
    """

    start: bytes = b""
    events: list[Piece | None] = field(default_factory=list)
    announced: list[int] = field(default_factory=list)

    def begin(self, path: Path) -> None:
        """Take the file as it is, and forget what was before."""
        self.start = path.read_bytes()
        self.events.clear()


def logged_run(problem: Problem, path: Path) -> tuple[Log, Trajectory]:
    """Run a problem and note all writes and syncs."""
    log, write_all, sync = Log(), hdf5_bytes.write_all, hdf5_bytes.sync

    def write(descriptor: int, content: bytes | memoryview, place: int = 0) -> None:
        log.events.append((place, bytes(content)))
        write_all(descriptor, content, place)

    def wait(descriptor: int) -> None:
        log.events.append(None)
        sync(descriptor)

    def note(_: object) -> None:
        if log.start:
            log.announced.append(len(log.events))
        else:
            log.begin(path)

    with mock.patch.object(hdf5_bytes, "write_all", write), mock.patch.object(hdf5_bytes, "sync", wait):
        trajectory = run(problem, path, observers=Observers(snapshot=[note]))
    return log, trajectory


def state_after_loss(log: Log, generator: random.Random) -> tuple[bytes, int]:
    """Content of the file after a loss of power at a random event, and the number of snapshots announced before."""
    lost = generator.randint(0, len(log.events))
    synced = max((number for number in range(lost) if log.events[number] is None), default=0)
    content = bytearray(log.start)
    for event in log.events[:synced]:
        _apply(content, event)
    pieces = [piece for event in log.events[synced:lost] if event is not None for piece in _pages_of(event)]
    share = generator.random()
    kept = [piece for piece in pieces if generator.random() < share]
    generator.shuffle(kept)
    for piece in kept:
        _apply(content, piece)
    return bytes(content), 1 + sum(number <= lost for number in log.announced)


def _pages_of(event: Piece) -> list[Piece]:
    """Parts of a write, of which the system brings each to the disk as a whole."""
    place, content = event
    edges = [place, *range((place // PAGE + 1) * PAGE, place + len(content), PAGE), place + len(content)]
    return [(start, content[start - place : end - place]) for start, end in pairwise(edges)]


def _apply(content: bytearray, event: Piece | None) -> None:
    if event is not None:
        place, written = event
        content.extend(bytes(max(0, place + len(written) - len(content))))
        content[place : place + len(written)] = written


def count_lost(
    problem: Problem,
    folder: Path,
    states: int,
    generator: random.Random,
    faults_of: Callable[[Path, Trajectory, int], list[str]],
) -> list[str]:
    """Faults of the files that random losses of power leave, by a function of the file, the run and its snapshots."""
    original = folder / f"{problem.solver}-logged.h5"
    log, trajectory = logged_run(problem, original)
    faults = []
    for number in range(states):
        content, announced = state_after_loss(log, generator)
        path = folder / f"lost-{number}.h5"
        path.write_bytes(content)
        faults += [f"power lost {number}: {fault}" for fault in faults_of(path, trajectory, announced)]
        path.unlink()
    original.unlink()
    return faults
