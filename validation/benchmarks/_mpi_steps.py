"""Times of steps of one rank or several, for `validation.benchmarks.mpi`, which starts this as a program.

Its argument says in JSON what is computed; rank 0 prints seconds of a step, those of its messages with and without
waiting for the other ranks, and times of bare messages and of reading memory.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np

from wgflow import Box, Features
from wgflow.domains.slab import Slab, shared_by
from wgflow.finite_volume.explicit import REFINE_EVERY, ExplicitFiniteVolume
from wgflow.ranks.communicator import ALONE, Communicator
from wgflow.ranks.world import world
from wgflow.typing import FloatArray

FEATURES = 8
SMALL, LARGE, CALLS = 8, 2**21, 200  # numbers of messages, and how many of the small ones
REPEATED = 40  # times that what is short is measured


class TimedCommunicator:
    """Hands calls to a communicator, keeps them, and adds up their seconds.

    Parameters
    ----------
    inner : Communicator
        Does what it is asked.
    """

    def __init__(self, inner: Communicator) -> None:
        self._inner = inner
        self.rank, self.size = inner.rank, inner.size
        self.reset()

    def reset(self) -> None:
        """Begin to count anew."""
        self.seconds, self.messages = 0.0, 0
        self._waiting: list[list[Callable[[], Any]]] = []
        self.calls: list[Callable[[], Any]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            call = partial(getattr(self._inner, name), *args, **kwargs)
            self.calls.append(call)
            self.messages += 1
            return self._timed(call)

        return timed

    def shifting(self, *args: Any, **kwargs: Any) -> Callable[[], Any]:
        """Time both the begin and the end of an exchange with neighbours."""
        begin: Callable[[], Callable[[], Any]] = partial(self._inner.shifting, *args, **kwargs)
        self.calls.append(lambda: begin()())
        self.messages += 1
        return partial(self._timed, self._timed(begin))

    def gathering(self, *args: Any) -> Callable[[], Any]:
        """Time the end of rows, of which those that travel with others are no message of their own."""
        begin: Callable[[], Callable[[], Any]] = partial(self._inner.gathering, *args)
        begun = [begin()]
        self._waiting.append(begun)
        self.calls.append(lambda: begun.append(begin()))

        def end() -> Any:
            if begun in self._waiting:
                self.messages += 1
                self._waiting.clear()
            self.calls.append(lambda: begun[-1]())
            return self._timed(begun[0])

        return end

    def largest(self, values: FloatArray) -> FloatArray:
        """Time the rows of one number of each rank."""
        return np.asarray(self.gathering(values[np.newaxis], [1] * self.size)().max(axis=0))

    def again(self, times: int) -> float:
        """Shortest seconds of all calls since the last `reset`, one after another with nothing between them."""
        durations = []
        for _ in range(times):
            self._inner.wait()
            started = time.perf_counter()
            for call in self.calls:
                call()
            durations.append(time.perf_counter() - started)
        return min(durations)

    def _timed(self, call: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        found = call()
        self.seconds += time.perf_counter() - started
        return found


def hill(box: Box) -> FloatArray:
    """A density that is not zero anywhere."""
    return np.exp(-(box.points**2).sum(axis=-1) / 0.6) + 1e-3


def steps_of(shape: list[int], cycles: int, ranks: TimedCommunicator, *, slab: bool) -> dict[str, float]:
    """Shortest seconds of a step, a mean over the cycle in which one of them refines a bound, and of its messages."""
    whole, shared = Box([(-4.5, 4.5)] * len(shape), shape), cast(Communicator, ranks)
    box = Slab(whole, shared) if slab else shared_by(whole, shared)
    matrix = np.random.default_rng(0).normal(size=(len(shape), FEATURES))
    risk = Features(lambda x: np.tanh(x @ matrix), np.ones(FEATURES))
    evolution = ExplicitFiniteVolume(risk.on_grid(box), hill(cast(Box, box.base)))
    found = []
    for _ in range(cycles + 1):  # the first one compiles
        ranks.wait()
        ranks.reset()
        started = time.perf_counter()
        for _ in range(REFINE_EVERY):
            evolution.step()
            evolution.scalars()
        found.append((time.perf_counter() - started, ranks.seconds))
    (seconds, messages), count, bare = min(found[1:]), ranks.messages, ranks.again(REPEATED)
    numbers = {"seconds": seconds, "messages": messages, "bare": bare, "calls": float(count)}
    return {name: value / REFINE_EVERY for name, value in numbers.items()}


def reading(ranks: TimedCommunicator) -> float:
    """Shortest seconds for a number of a large array, which each rank reads for itself at the same time."""
    values, durations = np.ones(LARGE), []
    for _ in range(REPEATED):
        ranks.wait()
        started = time.perf_counter()
        values.sum()
        durations.append(time.perf_counter() - started)
    return min(durations) / LARGE


def bare_messages(ranks: TimedCommunicator) -> dict[str, float]:
    """Seconds of a small message to all, and of one number of a large one to a neighbour."""
    small, counts = np.zeros((1, SMALL)), [1] * ranks.size
    ranks.reset()
    for _ in range(CALLS):
        ranks.gathered(small, counts)
    latency = ranks.again(REPEATED) / CALLS
    lower, upper = np.zeros(LARGE), np.zeros(LARGE)
    durations = []
    for _ in range(5):
        started = time.perf_counter()
        ranks.shifting(lower, upper, around=True)()
        durations.append(time.perf_counter() - started)
    return {"latency": latency, "per_number": min(durations) / (2 * LARGE)}


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    everyone = TimedCommunicator(world())
    everyone.wait()  # where each has a box of its own, all begin together
    sharing = TimedCommunicator(ALONE) if asked.get("apart") else everyone
    outcome = steps_of(asked["shape"], asked["cycles"], sharing, slab=asked.get("slab", False))
    outcome["reading"] = reading(everyone)
    if everyone.size > 1:
        outcome |= bare_messages(everyone)
    if everyone.rank == 0:
        print(json.dumps(outcome))
