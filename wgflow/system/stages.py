"""What is being prepared: told where long work begins, and heard where a person is shown what takes its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Tell = Callable[[str], None]

_LISTENER: ContextVar[Tell | None] = ContextVar("listener", default=None)


def tell_stage(what: str) -> None:
    """Tell whoever listens what is prepared now, in a few words such as "mesh of 10242 cells"."""
    tell = _LISTENER.get()
    if tell is not None:
        tell(what)


@contextmanager
def stages_told(tell: Tell) -> Iterator[None]:
    """Let a function hear of the stages of what is done inside a ``with`` block."""
    token = _LISTENER.set(tell)
    try:
        yield
    finally:
        _LISTENER.reset(token)
