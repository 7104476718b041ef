"""Reading TOML that may be anything: what the parser does not refuse, but nothing else could stand, is refused here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from wgflow.errors import InputError
from wgflow.text import named, shown

DEEPEST = 32  # tables and arrays inside each other; no key of a problem needs more than four
LARGEST = 2**63  # beyond which integers are no TOML, and those of thousands of digits cannot be printed


def parse_toml(text: str) -> dict[str, Any]:
    """Read a text in TOML notation.

    Raises
    ------
    tomllib.TOMLDecodeError
        If it is not TOML.
    InputError
        If it nests too deeply or holds integers of more than 64 bits.
    """
    try:
        parsed = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # what Python says of an integer of thousands of digits
        raise InputError(f"a number cannot be read: {error}") from None
    check_values(parsed)
    return parsed


def check_values(values: Any) -> None:
    """Raise InputError if tables and lists nest too deeply, or an integer has more than 64 bits."""
    pending: list[tuple[str, Any, int]] = [("", values, 0)]
    while pending:
        key, value, depth = pending.pop()
        if depth > DEEPEST:
            raise _too_deep()
        if isinstance(value, Mapping):
            pending.extend((f"{key}.{named(name)}".lstrip("."), item, depth + 1) for name, item in value.items())
        elif isinstance(value, list | tuple):
            pending.extend((key, item, depth + 1) for item in value)
        elif isinstance(value, int) and not -LARGEST <= value < LARGEST:
            raise InputError(
                f"{key or 'a value'} = {shown(value, 40)} is not allowed; allowed are integers from {-LARGEST} to "
                f"{LARGEST - 1}: write a larger number with an exponent, e.g. 1e20"
            )


def _too_deep() -> InputError:
    return InputError(f"tables or lists are nested too deeply; allowed are {DEEPEST} levels")
