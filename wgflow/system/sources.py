"""What compiled kernels are made of: the modules that they take parts from, as this process has read them.

numba itself looks at the file of a kernel alone, and would go on with what it had copied from others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

FileState = tuple[int, int]
"""Time of the last change of a file, and its size."""


@cache
def state_of_source(module: str) -> FileState | None:
    """FileState of the file of a module when it was first asked for; None where there is none."""
    try:
        found = Path(sys.modules[module].__file__ or "").stat()
    except (KeyError, AttributeError, OSError):
        return None
    return found.st_mtime_ns, found.st_size


def describe_sources(function: Callable[..., Any]) -> str:
    """Tell the states of all modules that a kernel may have taken parts from, and the numbers that they hold.

    Parameters
    ----------
    function : callable
        The kernel. It may call what its module, and the modules in folders ``kernels`` that this one takes names from,
        know by name, or in tables; of other modules of the package it may use what they define themselves.

    Returns
    -------
    str
        Two kernels that are told apart by nothing but other modules are told apart by it.
    """
    names = _modules_behind(function)
    return repr([(name, state_of_source(name), _numbers_in(name)) for name in sorted(names)])


def _modules_behind(function: Callable[..., Any]) -> set[str]:
    held = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    found, left = set[str](), [function.__module__, *_origins(held)]
    while left:
        name = left.pop()
        if name in found or name not in sys.modules:
            continue
        found.add(name)
        if name == function.__module__ or "kernels" in name.split("."):
            left.extend(_modules_named_in(name))
    return found


@cache
def _modules_named_in(name: str) -> frozenset[str]:
    """Modules of the same package, and of this one, that a module takes names from."""
    packages = {name.split(".")[0], __name__.split(".")[0]}
    origins = _origins(vars(sys.modules[name]).values())
    return frozenset(origin for origin in origins if origin.split(".")[0] in packages)


def _origins(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, Mapping):
            yield from _origins(value.values())
        elif isinstance(value, list | tuple):
            yield from _origins(value)
        elif isinstance(value, ModuleType):
            yield value.__name__
        elif isinstance(origin := getattr(value, "__module__", None), str):
            yield origin


@cache
def _numbers_in(name: str) -> tuple[tuple[str, str], ...]:
    """Names and values of the numbers that a module holds, which kernels take as constants wherever they come from."""
    held = vars(sys.modules[name]).items()
    return tuple(sorted((key, repr(value)) for key, value in held if isinstance(value, int | float)))
