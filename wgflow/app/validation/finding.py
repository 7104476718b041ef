"""Validations that ship with wgflow: which there are, what each compares, and the function that does."""

from __future__ import annotations

import ast
import difflib
import importlib
import sys
from collections.abc import Callable, Iterable
from types import ModuleType

from wgflow.app.validation.rows import Row
from wgflow.errors import InputError
from wgflow.problems.shipped import shipped_folder
from wgflow.text import shown

Validate = Callable[..., Iterable[Row]]  # a Setting, and options by keyword


def validation_names() -> list[str]:
    """Names of all validations that ship; modules that begin with _ serve others."""
    return sorted(file.stem for file in shipped_folder("validation").glob("[!_]*.py"))


def benchmark_names() -> list[str]:
    """Names of all benchmarks that ship: validations of cost, which a busy machine fails."""
    return sorted(f"benchmarks.{file.stem}" for file in shipped_folder("validation/benchmarks").glob("[!_]*.py"))


def load_validation(name: str) -> ModuleType:
    """Import the module of a validation.

    Parameters
    ----------
    name : str
        One of `validation_names` or `benchmark_names`.

    Raises
    ------
    InputError
        If there is none of that name; the closest is suggested.
    """
    names = [*validation_names(), *benchmark_names()]
    if name not in names:
        guesses = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {guesses[0]!r}? " if guesses else ""
        raise InputError(f"validation {shown(name)} is unknown; {hint}choose one of {', '.join(names) or 'none'}")
    return import_shipped(name)


def import_shipped(name: str) -> ModuleType:
    """Import a module of the folder validation/, from the source tree or as it was installed."""
    folder = shipped_folder("validation")
    if folder.parent.name == "_shipped":
        return importlib.import_module(f"wgflow._shipped.validation.{name}")
    if str(folder.parent) not in sys.path:
        sys.path.insert(0, str(folder.parent))  # processes that are started later inherit it
    return importlib.import_module(f"validation.{name}")


def function_of(name: str) -> Validate:
    """Give the function ``validate`` of a validation; raises InputError if there is no such validation."""
    return load_validation(name).validate


def summary_of(name: str) -> str:
    """Give the first sentence of what a validation says of itself; it is read, not imported, which takes long."""
    file = shipped_folder("validation").joinpath(*name.split(".")).with_suffix(".py")
    first = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
    return " ".join(first.split()).rstrip(".")
