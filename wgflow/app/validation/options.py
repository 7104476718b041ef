"""Options of a validation: the keywords of its function, given on the command line as KEY=VALUE."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from wgflow.app.validation.finding import Validate
from wgflow.errors import InputError
from wgflow.text import shown


def options_of(function: Validate) -> dict[str, inspect.Parameter]:
    """Keywords of the function of a validation, beside its setting."""
    return {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def parse_options(function: Validate, assignments: Iterable[str]) -> dict[str, Any]:
    """Read options from texts KEY=VALUE.

    Parameters
    ----------
    function : callable
        The function of a validation.
    assignments : iterable of str
        E.g. ``seeds=20``, ``sgd=true``; several values are separated by commas.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If a text is no assignment, a key is unknown, or a value does not fit the key.
    """
    allowed, hints = options_of(function), get_type_hints(function)
    options: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise InputError(f"--set {shown(assignment)} is no assignment; write --set KEY=VALUE")
        if key not in allowed:
            raise InputError(_unknown(key, allowed))
        options[key] = _read(key, text.strip(), hints[key])
    return options


def _unknown(key: str, allowed: Mapping[str, Any]) -> str:
    guesses = difflib.get_close_matches(key, allowed, n=1)
    hint = f"did you mean {guesses[0]!r}? " if guesses else ""
    return f"--set {shown(key)} is unknown to this validation; {hint}it has {', '.join(allowed) or 'no options'}"


def _read(key: str, text: str, kind: Any) -> Any:
    """Read a value of the type that the function asks for."""
    several = getattr(kind, "__origin__", None) in {tuple, list}
    value = [part.strip() for part in text.split(",") if part.strip()] if several else text
    try:
        return TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Input should be ").split(", unable")[0]
        raise InputError(f"--set {key} = {shown(text)} is not allowed; allowed is {reason}") from None
