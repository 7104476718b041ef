"""How far a run is: a bar on a terminal, a line that changes in a notebook, a few lines in a log.

All three show the same numbers: the part of the steps that is done, and the seconds left by `wgflow.runs.pace`.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from wgflow.compilation import watch_compilation
from wgflow.flows import Evolution, Snapshot
from wgflow.flows.labels import FLOW_LABELS, Labels
from wgflow.flows.loop import Limits, Observers
from wgflow.runs.pace import Pace
from wgflow.system.launchers import LAUNCH
from wgflow.system.notebook import NotebookLine, is_notebook
from wgflow.system.stages import stages_told
from wgflow.system.terminal import make_console, say
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from rich.console import Console

REFRESH_SECONDS = 0.5  # between two updates: each must not cost time, and in a notebook stays in its file
LOG_LINES = 10  # lines of a run whose output is not a terminal
PREPARING, COMPILING = "preparing", "compiling kernels"
UNITS = ((120.0, 1.0, "s"), (7200.0, 60.0, "min"), (172800.0, 3600.0, "h"), (math.inf, 86400.0, "days"))

_CURRENT: ContextVar[Display | None] = ContextVar("display", default=None)


@dataclass(frozen=True)
class Outlook:
    """What is known of a run before its first step in this process.

    Parameters
    ----------
    end : float
        Its last time.
    outputs : int
        Number of outputs to come, the start left out.
    labels : Labels
        What its outputs are.
    limits : Limits
        What may end it before.
    earlier : array, shape (n,)
        Times of the steps that were done before, of a run that goes on.
    """

    end: float
    outputs: int
    labels: Labels = FLOW_LABELS
    limits: Limits = field(default_factory=Limits)
    earlier: FloatArray = field(default_factory=lambda: np.empty(0))


class Follower:
    """Follows the steps of a run, and says where it is and what is left.

    Parameters
    ----------
    outlook : Outlook
        The run.
    compiled : callable
        Gives the seconds that were spent compiling so far: no step to come takes them.
    now : callable
        Gives the seconds of a clock.
    """

    def __init__(
        self, outlook: Outlook, compiled: Callable[[], float], now: Callable[[], float] = clock.perf_counter
    ) -> None:
        self.pace, self._outlook, self._compiled, self._now = Pace(outlook.end, outlook.earlier), outlook, compiled, now
        self._began = now() - compiled()
        limits = outlook.limits
        since = now() if limits.since is None else limits.since
        self._deadline = math.inf if limits.wall_time is None else since + limits.wall_time

    def __call__(self, evolution: Evolution) -> None:
        """Note a step."""
        self.pace.note(evolution.time, self._now() - self._compiled() - self._began)

    def reached(self, state: Evolution | Snapshot) -> str:
        """Where the run is, F there, and what is left."""
        name = self._outlook.labels.energy.column
        steps = f"{self.pace.done} steps" if self.pace.done else ""
        return f"t = {state.time:<9.4g} {name} = {state.energy:<11.4e} {steps:>12s}   {self.left()}".rstrip()

    def left(self) -> str:
        """Time that is left; "at most" where a condition may end the run before, "" where it is not known or over."""
        seconds = min(self.pace.seconds_left, max(self._deadline - self._now(), 0.0))
        if self.pace.steps_left == 0.0 or math.isinf(seconds):
            return ""
        limits = self._outlook.limits
        early = limits.until is not None or limits.stationarity is not None
        return f"{'at most ' if early else ''}{duration(seconds)} left"


def duration(seconds: float) -> str:
    """Seconds in the unit in which a person reads them."""
    size, unit = next((size, unit) for limit, size, unit in UNITS if seconds < limit)
    return f"{seconds / size:.{0 if unit in ('s', 'min') else 1}f} {unit}"


class Display:
    """Shows how far a run is; this one shows nothing.

    Attributes
    ----------
    compiled : callable
        Gives the seconds that were spent compiling so far.
    """

    def __init__(self) -> None:
        self.compiled: Callable[[], float] = lambda: 0.0

    def begin(self) -> None:
        """Show that work begins, or goes on after a pause."""

    def pause(self) -> None:
        """Leave the screen to others until the next `begin`."""

    def prepare(self, what: str) -> None:
        """Show what is being prepared."""

    def watch(self, outlook: Outlook) -> Observers:  # noqa: ARG002
        """Give observers that follow a run."""
        return Observers()

    def end(self) -> None:
        """Show no more."""


@contextmanager
def shown_progress(wanted: bool) -> Iterator[Display]:
    """Show how far what is done inside a ``with`` block is, where that is wanted; nested blocks share one display."""
    outer = _CURRENT.get()
    if outer is not None or not wanted or not LAUNCH.is_first:
        yield outer if outer is not None and wanted else Display()
        return
    display = _make_display()
    with stages_told(display.prepare), watch_compilation(lambda: display.prepare(COMPILING)) as display.compiled:
        token = _CURRENT.set(display)
        try:
            yield display
        finally:
            _CURRENT.reset(token)
            display.end()


def _make_display() -> Display:
    if is_notebook():
        return _Line()
    console = make_console()
    return _Lines() if console is None else _Bar(console)


class _Moving(Display):
    """A display that changes now and then, and before the first step says what is being prepared."""

    def __init__(self) -> None:
        super().__init__()
        self._follower: Follower | None = None
        self._last: Evolution | None = None
        self._due = clock.perf_counter() + REFRESH_SECONDS
        self._text = ""

    def begin(self) -> None:
        self._show(0.0, self._text or PREPARING)

    def prepare(self, what: str) -> None:
        text = f"{PREPARING}: {what}"
        if self._last is None and text != self._text:
            self._text = text
            self._show(0.0, text)

    def watch(self, outlook: Outlook) -> Observers:
        self._follower, self._last = Follower(outlook, self.compiled), None
        self.begin()
        return Observers(step=[self._note])

    def _note(self, evolution: Evolution) -> None:
        if self._follower is not None:
            self._follower(evolution)
        self._last = evolution
        if clock.perf_counter() > self._due:
            self._show_last()

    def _show_last(self) -> None:
        if self._last is not None and self._follower is not None:
            self._show(self._follower.pace.share, self._follower.reached(self._last))
        self._due = clock.perf_counter() + REFRESH_SECONDS

    def _show(self, share: float, text: str) -> None:
        raise NotImplementedError


class _Bar(_Moving):
    """A progress bar on a terminal, which is gone at the end."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        super().__init__()
        columns = (BarColumn(bar_width=20), TaskProgressColumn(), TextColumn("{task.description}", markup=False))
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(PREPARING, total=1.0)

    def _show(self, share: float, text: str) -> None:
        self._progress.start()
        self._progress.update(self._task, completed=share, description=text)

    def pause(self) -> None:
        self._progress.stop()

    def end(self) -> None:
        self._progress.stop()


class _Line(_Moving):
    """A line in a notebook: it is there from the start, changes now and then, and at the end says where that was."""

    def __init__(self) -> None:
        super().__init__()
        self._line = NotebookLine()

    def _show(self, share: float, text: str) -> None:
        self._line.show(share, text)

    def end(self) -> None:
        self._show_last()


class _Lines(Display):
    """A line for about every tenth part of the outputs."""

    def watch(self, outlook: Outlook) -> Observers:
        follower = Follower(outlook, self.compiled)
        every, seen = max(outlook.outputs // LOG_LINES, 1), count(int(outlook.earlier.size > 0))

        def show(snapshot: Snapshot) -> None:
            number = next(seen)
            if number % every == 0 or number == outlook.outputs:
                say(f"{follower.pace.share:4.0%}  {follower.reached(snapshot)}")

        return Observers(step=[follower], snapshot=[show])
