"""Runs on two ranks that end badly, for `test_mpi.py`: by an error of one, or a kill in the middle of a write."""

from __future__ import annotations

import os
import signal
import sys

import numpy as np

import wgflow
from wgflow.ranks.world import world
from wgflow.trajectory.hdf5.hdf5_bytes import RawFile

KILLED_AT = 30  # of the writes to the file: within the second snapshot


def run(output, *observe):
    box, well = wgflow.Box([(-1.0, 1.0)] * 2, (13, 10)), wgflow.Potential(lambda x: (x**2).sum(axis=-1))
    observers = wgflow.Observers(step=observe)
    wgflow.solve(well, box, np.ones((13, 10)), 0.05, times=[0.0, 0.02, 0.04, 0.05], output=output, observers=observers)


def fail(evolution):
    """Fail on rank 1 alone."""
    if world().rank == 1 and evolution.counts.accepted == 2:
        raise ValueError("nothing goes on here")


def kill_in_a_write():
    """Let rank 0 be killed when it has written a part of what it was about to write."""
    write, seen = RawFile.write, []

    def torn(self, place, content):
        seen.append(place)
        if len(seen) == KILLED_AT:
            write(self, place, memoryview(content).cast("B")[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, place, content)

    RawFile.write = torn


if __name__ == "__main__":
    if sys.argv[2] == "error":
        run(sys.argv[1], fail)
    else:
        if world().rank == 0:
            kill_in_a_write()
        run(sys.argv[1])
