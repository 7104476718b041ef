"""How long the parts of a validation take."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator

from wgflow.app.validation import Row, measured


def timed(part: str, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of a part, and then its seconds, those of all processors beside them."""
    began, used = time.perf_counter(), _of_processors()
    yield from rows
    seconds = round(time.perf_counter() - began, 1)
    yield measured(f"seconds of {part}", seconds, f"{_of_processors() - used:.1f} of processors")


def _of_processors() -> float:
    """Seconds that this process and those that it waited for have computed."""
    return sum(os.times()[:4])
