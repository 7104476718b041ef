"""Standard output and error, which may end before what is computed does.

A reader goes away (``wgflow run teacher | head``), the disk of a log is full, a terminal is closed: none of it is a
reason to stop a computation, so what is printed here is printed where it can be, and lost where it cannot.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from wgflow.system.launchers import LAUNCH
from wgflow.text import printable

if TYPE_CHECKING:
    from rich.console import Console

_LOST = (OSError, ValueError)  # of a reader, a disk or a terminal; ValueError says that the stream is closed


class Printer:
    """A stream whose failures stop nobody.

    Parameters
    ----------
    stream : text stream or None
        Where to print; None, which Python gives to a process that was started without, takes everything and is silent.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write where that can be done; characters that the stream does not know are written as escapes."""
        with suppress(*_LOST):
            try:
                self._put(text)
            except UnicodeEncodeError:
                self._put(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        return len(text)

    def _put(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)

    def flush(self) -> None:
        """Hand on what was written, where that can be done."""
        with suppress(*_LOST):
            if self._stream is not None:
                self._stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        with suppress(*_LOST):
            return self._stream is not None and self._stream.isatty()
        return False

    @property
    def encoding(self) -> str:
        """Name of its encoding."""
        return getattr(self._stream, "encoding", None) or "ascii"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def say(text: str, *, error: bool = False) -> None:
    """Print a line without wrapping or markup, what is not to be seen as escapes; never fails.

    Parameters
    ----------
    text : str
        The line, or several.
    error : bool
        Print it to standard error.
    """
    if not LAUNCH.is_first:
        return  # rank 0 speaks for all
    printer = Printer(sys.stderr if error else sys.stdout)
    printer.write(f"{printable(text)}\n")
    printer.flush()


def silence_log(wanted: bool) -> bool:
    """Let a quiet program log errors alone, before anything that it imports logs more; gives what it was given."""
    if wanted:
        logging.getLogger("wgflow").setLevel(logging.ERROR)
    return wanted


def make_console() -> Console | None:
    """Make a console for bars and their like on standard error, whose printing never fails; None if that shows none."""
    stream = Printer(sys.stderr)
    if not stream.isatty():
        return None
    from rich.console import Console

    console = Console(file=stream)  # type: ignore[arg-type]  # all of a stream that a console uses
    return console if console.is_terminal else None


def open_missing_streams() -> None:
    """Give a process that was started without standard streams empty ones.

    Without, the next file that it opens takes their number, and what a library prints is written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the smallest number that is free
