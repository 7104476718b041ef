"""Names that modules had before version 0.2.0: they still work in this version, and warn."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from wgflow.former_names.tables import GONE, MODULES, NAMES, SPLIT


class _PresentModule:
    """Gives the module of the present name in the place of one of a former name."""

    def __init__(self, present: str) -> None:
        self._present = present

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        """Import the present module; it keeps its own specification."""
        self._found = import_module(self._present)
        self._spec = self._found.__spec__
        return self._found

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do: the module has been executed under its own name."""
        module.__spec__ = self._spec


class _SplitModule:
    """Gives a module that finds each of its names where it is now."""

    def __init__(self, former: str) -> None:
        self._former = former

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Let the module find its names when they are asked for."""
        places, others = SPLIT[self._former], MODULES.get(self._former)

        def attribute(name: str) -> Any:
            if name.startswith("__"):  # of the module itself, which debuggers and notebooks ask all modules for
                raise AttributeError(f"module wgflow.{self._former} has no {name}")
            if name in places:
                return _moved(f"wgflow.{self._former}.{name}", places[name])
            if others is not None and hasattr(import_module(f"wgflow.{others}"), name):
                return _moved(f"wgflow.{self._former}.{name}", others)
            raise AttributeError(f"module wgflow.{self._former} had no public {name}")

        vars(module)["__getattr__"] = attribute


class _FormerModules:
    """Finds modules by the names that they had before."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Give the present module, with a warning, where the name is a former one."""
        package, _, former = fullname.partition(".")
        if package == "wgflow" and former in SPLIT:
            return ModuleSpec(fullname, _SplitModule(former))  # type: ignore[arg-type]
        if package != "wgflow" or former not in MODULES:
            return None
        present = f"wgflow.{MODULES[former]}"
        _warn(fullname, present)
        return ModuleSpec(fullname, _PresentModule(present))  # type: ignore[arg-type]  # importlib.abc takes long to load


def _warn(former: str, present: str, level: int = 3) -> None:
    warnings.warn(f"{former} is called {present} since version 0.2.0", DeprecationWarning, stacklevel=level)


def _moved(former: str, place: str) -> Any:
    """Give what a former name stands for, with a warning."""
    module, _, name = place.partition(":")
    name = name or former.rpartition(".")[2]
    _warn(former, f"wgflow.{module}.{name}", level=4)
    return getattr(import_module(f"wgflow.{module}"), name)


def install() -> None:
    """Let former module names be imported, each with a DeprecationWarning."""
    if not any(isinstance(finder, _FormerModules) for finder in sys.meta_path):
        sys.meta_path.insert(0, _FormerModules())  # before files in packages that are called otherwise now are found


def with_former(module: str, present: Callable[[str], Any] | None = None) -> Callable[[str], Any]:
    """``__getattr__`` of a package or module that also knows the names which left it, and warns of them."""

    def attribute(name: str) -> Any:
        former = f"{module.removeprefix('wgflow.')}.{name}"
        if former in NAMES:
            return _moved(f"{module}.{name}", NAMES[former])
        if former in GONE:
            raise AttributeError(f"{module}.{name} is gone since version 0.2.0: {GONE[former]}")
        if present is not None:
            return present(name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return attribute
