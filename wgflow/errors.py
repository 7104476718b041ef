"""Errors that wgflow raises.

Each message says what was found, where, what is allowed, and what to do.
"""

from __future__ import annotations


class WgflowError(Exception):
    """Base of every error that wgflow raises on purpose."""


class InputError(WgflowError, ValueError):
    """A value given by the user is not allowed (command-line exit code 2)."""


class ShapeError(InputError):
    """An array does not have the shape that the domain or the functional needs."""


class OutputError(InputError, IndexError):
    """A trajectory has no output of that number."""


class FlowWarning(UserWarning):
    """Something that a person who looks at the result of a flow should know."""


class WallWarning(FlowWarning):
    """Some mass of a flow has come near a wall of its box."""


class ResumeWarning(FlowWarning):
    """A run goes on from a file that does not hold all that an uninterrupted run would know."""


class EstimateWarning(FlowWarning):
    """Errors of a run cannot be estimated, or at a high cost; the run itself goes on."""


class ComputationError(WgflowError, RuntimeError):
    """A computation that started from valid input failed (command-line exit code 1)."""


class MissingExtraError(WgflowError, ImportError):
    """An optional library is not installed; the message names the command that installs it."""

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the library {library}, which is not installed: pip install 'wgflow[{extra}]'"
        )
