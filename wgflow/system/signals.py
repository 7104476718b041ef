"""Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 while something runs, in the process that runs it and in no other.

SIGHUP comes when a terminal is closed or a connection is lost; where it is ignored (``nohup``) it stays so. SIGUSR1 is
what batch systems send some time before they end a job (``sbatch --signal=USR1@120``).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_POSIX = [getattr(signal, name) for name in ("SIGHUP", "SIGUSR1") if hasattr(signal, name)]  # Windows has neither
_TERMINATION = [signal.SIGTERM, *_POSIX]

INTERRUPTED_CODE = 130  # exit code of what they end

# What was in the place of the handlers that are taken now, innermost last.
_replaced: list[dict[signal.Signals, Any]] = []


@dataclass
class Interruption:
    """Set by Ctrl-C, SIGTERM, SIGHUP or SIGUSR1: who goes on in steps ends after the one in progress."""

    signal: int | None = field(default=None)

    @property
    def by_hand(self) -> bool:
        """Whether it was Ctrl-C, and not the end of a terminal or of a process."""
        return self.signal == signal.SIGINT


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Turn SIGINT, SIGTERM, SIGHUP and SIGUSR1 into a flag (in the main thread, which alone is told of signals)."""
    interruption = Interruption()

    def note(number: int, frame: object) -> None:  # noqa: ARG001
        interruption.signal = number

    with _handled([signal.SIGINT, *_TERMINATION], note):
        yield interruption


@contextmanager
def terminations_interrupt() -> Iterator[None]:
    """Let SIGTERM, SIGHUP and SIGUSR1 raise KeyboardInterrupt, as Ctrl-C does (in the main thread only)."""

    def interrupt(number: int, frame: object) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    with _handled(_TERMINATION, interrupt):
        yield


@contextmanager
def _handled(numbers: list[signal.Signals], handler: Callable[[int, object], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()
    found = {number: signal.getsignal(number) for number in numbers}
    # None is a handler that was not set from Python, which Python could not set again.
    previous = {number: old for number, old in found.items() if old is not None and not _stays_ignored(number, old)}
    _replaced.append(previous)
    try:
        for number in previous:
            signal.signal(number, handler)
        yield
    finally:
        if os.getpid() == owner:  # a forked child has its handlers back, and may have set others
            _replaced.remove(previous)
            _restore(previous)


def _stays_ignored(number: signal.Signals, handler: object) -> bool:
    return number != signal.SIGINT and handler == signal.SIG_IGN


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _give_back() -> None:
    """In a forked child, which runs nothing: a signal that is meant for it must do there what it did before."""
    while _replaced:
        _restore(_replaced.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_give_back)
