"""How far a run is: a bar on a terminal, a line that changes in a notebook, a few lines in a log."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wgflow.flows import Evolution, Snapshot
from wgflow.flows.labels import Label, Labels
from wgflow.flows.loop import Observers
from wgflow.system.notebook import NotebookLine, is_notebook
from wgflow.system.terminal import make_console, say

if TYPE_CHECKING:
    from rich.progress import Progress

REFRESH_STEPS = 50  # steps between two updates of a bar: updating must not cost time
REFRESH_SECONDS = 0.5  # between two updates of a line in a notebook, each of which stays in its file
LOG_LINES = 10  # lines of a run whose output is not a terminal


@contextmanager
def shown_progress(wanted: bool, end: float, outputs: int, labels: Labels) -> Iterator[Observers]:
    """Observers that show how far a run is, where that is wanted.

    Parameters
    ----------
    wanted : bool
        Whether to show anything.
    end : float
        Last time of the run.
    outputs : int
        Number of its outputs after the start.
    labels : Labels
        What its outputs are.
    """
    if not wanted:
        yield Observers()
        return
    if is_notebook():
        line = _Line(end)
        try:
            yield Observers(step=[line], begin=[line.begin])
        finally:
            line.end()
        return
    console = make_console()
    if not console.is_terminal:
        yield Observers(snapshot=[_Lines(outputs, end, labels.energy)])
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True)
    try:
        yield Observers(step=[_Bar(progress, end)], begin=[progress.start])
    finally:
        progress.stop()


def _reached(evolution: Evolution) -> str:
    """Where a run is, and F there."""
    return f"t = {evolution.time:9.3g}   {evolution.labels.energy.column} = {evolution.energy:.3e}"


class _Bar:
    """A progress bar over the time of the flow."""

    def __init__(self, progress: Progress, end: float) -> None:
        self._progress = progress
        self._task = progress.add_task("preparing", total=end)
        self._steps, self._started = 0, clock.perf_counter()

    def __call__(self, evolution: Evolution) -> None:
        self._steps += 1
        if self._steps % REFRESH_STEPS == 0:
            rate = self._steps / (clock.perf_counter() - self._started)
            text = f"{_reached(evolution)}   {rate:.3g} steps/s"
            self._progress.update(self._task, completed=evolution.time, description=text)


class _Line:
    """A line in a notebook: it is there from the start, changes now and then, and at the end says where that was."""

    def __init__(self, end: float) -> None:
        self._end, self._line, self._steps = end, NotebookLine(), 0
        self._last: Evolution | None = None
        self._due = clock.perf_counter() + REFRESH_SECONDS

    def begin(self) -> None:
        """Show that work begins."""
        self._line.show(0.0, "preparing")

    def __call__(self, evolution: Evolution) -> None:
        self._steps, self._last = self._steps + 1, evolution
        if clock.perf_counter() > self._due:
            self._show(evolution)

    def end(self) -> None:
        """Show where the run has ended."""
        if self._last is not None:
            self._show(self._last)

    def _show(self, evolution: Evolution) -> None:
        self._line.show(evolution.time / self._end, f"{_reached(evolution)}   {self._steps} steps")
        self._due = clock.perf_counter() + REFRESH_SECONDS


class _Lines:
    """A line for about every tenth part of the snapshots."""

    def __init__(self, outputs: int, end: float, energy: Label) -> None:
        self._total, self._end, self._name = outputs, end, energy.column
        self._seen, self._started = -1, clock.perf_counter()  # the start is snapshot 0

    def __call__(self, snapshot: Snapshot) -> None:
        self._seen += 1
        if self._seen % max(self._total // LOG_LINES, 1) == 0 or self._seen == self._total:
            share = self._seen / self._total
            reached = f"t = {snapshot.time:<10.4g} {self._name} = {snapshot.energy:.6e}"
            say(f"{share:4.0%}  {reached}{self._left(snapshot.time)}")

    def _left(self, time: float) -> str:
        """Time that is left, if the flow goes on at its mean pace."""
        if not 0.0 < time < self._end:
            return ""
        return f"   {(clock.perf_counter() - self._started) * (self._end / time - 1.0):.0f} s left"
