"""The tables of energies: those of the files beside this one that have a ``TABLE``, and those of other packages."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pydantic import create_model

from wgflow.errors import InputError
from wgflow.functionals import Functional
from wgflow.problems import energies
from wgflow.problems.energies.base import EnergySection, EnergyTable, table_of_one
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import fields_of
from wgflow.registry import Registry


def _own_tables() -> Iterator[EnergyTable]:
    names = (module.name for module in pkgutil.iter_modules(energies.__path__) if module.name != "registry")
    modules = (import_module(f"{energies.__name__}.{name}") for name in names)
    yield from (module.TABLE for module in modules if hasattr(module, "TABLE"))


def _adopt(name: str, energy: Any) -> EnergyTable:
    """Table of an energy of another package: of a section, or of a class of functionals that says its arguments."""
    is_class = isinstance(energy, type)
    if is_class and issubclass(energy, EnergySection):
        return table_of_one(name, energy)
    if is_class and issubclass(energy, Functional) and hasattr(energy, "arguments"):
        return table_of_one(name, energy_section_of(name, energy))
    raise InputError(
        "it is neither a class of functionals with arguments (wgflow.registry.Argument by name) nor a section of "
        "wgflow.problems.energies.base.EnergySection"
    )


def energy_section_of(name: str, functional: Any) -> type[EnergySection]:
    """Section of a class of functionals, from what it says of its arguments in ``arguments``."""

    class Base(EnergySection):
        def energy(self, setting: ProblemSetting) -> Functional:  # noqa: ARG002
            return functional(**self.model_dump())

    doc = (functional.__doc__ or name).splitlines()[0]
    return create_model(f"{functional.__name__}Section", __base__=Base, __doc__=doc, **fields_of(functional.arguments))


ENERGIES: Registry[EnergyTable] = Registry(
    "energy",
    {table.name: table for table in sorted(_own_tables(), key=lambda table: (table.place, table.name))},
    group="wgflow.functionals",
    adopt=_adopt,
)
