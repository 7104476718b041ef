"""How far a sweep is."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wgflow.app.sweeps.runs import Outcome, Watcher
from wgflow.flows.endings import COMPLETE
from wgflow.system.notebook import NotebookLine, is_notebook
from wgflow.system.terminal import make_console, say

if TYPE_CHECKING:
    from rich.progress import Progress

LOG_LINES = 10  # lines where the output is not a terminal
NOTEBOOK_UPDATES = 100  # of a line in a notebook, each of which stays in its file


@contextmanager
def shown_runs(*, wanted: bool) -> Iterator[Watcher | None]:
    """What shows how many runs are done: a bar on a terminal, a line in a notebook, about ten lines in a log."""
    if not wanted:
        yield None
    elif is_notebook():
        yield _Line()
    elif (console := make_console()) is not None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            yield _Bar(progress)
    else:
        yield _Lines()


class _Bar:
    """A progress bar over all runs."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("checking", total=None)
        self._failed = 0

    def begin(self, total: int, finished: int) -> None:
        """Set the bar to the runs that were finished before."""
        self._progress.reset(self._task, total=total, completed=finished, description="runs")

    def note(self, outcome: Outcome) -> None:
        """Move on by a run."""
        self._failed += outcome.status != COMPLETE
        self._progress.update(self._task, description=f"runs, {self._failed} failed" if self._failed else "runs")
        self._progress.advance(self._task)


class _Line:
    """A line in a notebook, replaced where a hundredth of the runs is done."""

    def __init__(self) -> None:
        self._line, self._failed = NotebookLine(), 0

    def begin(self, total: int, finished: int) -> None:
        """Show the runs that were finished before."""
        self._total, self._done = total, finished
        self._show()

    def note(self, outcome: Outcome) -> None:
        """Move on by a run."""
        self._done += 1
        self._failed += outcome.status != COMPLETE
        if self._done % -(-self._total // NOTEBOOK_UPDATES) == 0 or self._done == self._total:
            self._show()

    def _show(self) -> None:
        text = f"{self._done} of {self._total} runs, {self._failed} failed"
        self._line.show(self._done / self._total, text)


class _Lines:
    """A line for about every tenth part of the runs."""

    def begin(self, total: int, finished: int) -> None:
        """Say how many runs there are."""
        self._total, self._before, self._done, self._failed = total, finished, finished, 0
        self._started = clock.perf_counter()
        say(f"runs        {total}, {finished} of them finished before")

    def note(self, outcome: Outcome) -> None:
        """Say how far it is, now and then."""
        self._done += 1
        self._failed += outcome.status != COMPLETE
        if self._done % -(-self._total // LOG_LINES) == 0 or self._done == self._total:
            each = (clock.perf_counter() - self._started) / (self._done - self._before)
            left = (self._total - self._done) * each
            say(f"{self._done} of {self._total} runs, {self._failed} failed, {left:.0f} s left")
