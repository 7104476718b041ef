"""Functionals whose parts all have names: written beside a run that no problem file describes, and built again.

What is stored are names of the classes below with their arguments, nothing that a file could make run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MethodType
from typing import Any

import numpy as np

from wgflow.errors import WgflowError
from wgflow.functionals import (
    LOSSES,
    Entropy,
    ExponentialKernel,
    Features,
    Functional,
    Interaction,
    KernelDiscrepancy,
    Loss,
    Mass,
    OuterProduct,
    Potential,
    PowerEnergy,
    SobolevDiscrepancy,
    Sum,
    ZonalInteraction,
)
from wgflow.functionals.energies import external_potentials as potentials
from wgflow.functionals.energies import radial_kernels as kernels
from wgflow.functionals.factors import Times, TimesMade
from wgflow.functionals.losses import HALF_SQUARED_NORM
from wgflow.measures import Particles
from wgflow.networks import Neurons, Population, Relu, SmoothLayer, Teacher, UnitPopulation
from wgflow.typing import FloatArray

FUNCTIONAL = "functional"  # the attribute; arrays are called by it and a number
DEEPEST = 16  # parts inside each other
METHODS = ("gradient", "on_cells", "on_arcs")  # of parts, that are arguments of others
CLASSES: tuple[type, ...] = (
    *(Sum, Mass, Entropy, PowerEnergy, Features, Population, Potential, Interaction, ZonalInteraction),
    *(KernelDiscrepancy, SobolevDiscrepancy, OuterProduct, Neurons, Relu, SmoothLayer, Teacher, UnitPopulation),
    *(potentials.QuadraticWell, potentials.Slope, potentials.DoubleWell, potentials.PlaneWave, potentials.CircleWave),
    *(kernels.GaussianKernel, kernels.PowerKernel, kernels.SumKernel, ExponentialKernel, Times, TimesMade),
)
KINDS = {found.__name__: found for found in CLASSES}
RISKS = {**LOSSES, HALF_SQUARED_NORM.name: HALF_SQUARED_NORM}

# What wrong arguments of the classes raise.
MISFITS = (WgflowError, AttributeError, KeyError, TypeError, ValueError, RecursionError)


class UnnamedPartError(Exception):
    """A part that has no name: a function of the user, above all."""


@dataclass(frozen=True)
class StoredFunctional:
    """What a file holds of a functional.

    Parameters
    ----------
    attributes : mapping of str to str
        The attribute that names its parts; none where a part has no name.
    arrays : mapping of str to array
        Their arrays.
    """

    attributes: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, FloatArray] = field(default_factory=dict)


def describe_functional(functional: Functional) -> StoredFunctional:
    """Describe a functional; with nothing where a part has no name."""
    arrays: dict[str, FloatArray] = {}
    try:
        described = _described(functional, arrays)
    except UnnamedPartError:
        return StoredFunctional()
    return StoredFunctional({FUNCTIONAL: json.dumps(described)}, arrays)


def restore_functional(attributes: Mapping[str, Any], arrays: Mapping[str, FloatArray]) -> Functional | None:
    """Build the functional of a file again; None where it describes none, or something that cannot be built."""
    try:
        found = _built(json.loads(attributes[FUNCTIONAL]), arrays)
    except MISFITS:
        return None
    return found if isinstance(found, Functional) else None


def _described(value: Any, arrays: dict[str, FloatArray]) -> Any:
    """Write a part as JSON does, and collect its arrays."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | np.number):
        return value if isinstance(value, int) else float(value)
    if isinstance(value, np.ndarray):
        return {"array": _collected(value, arrays)}
    if isinstance(value, list | tuple):
        return {"list": [_described(item, arrays) for item in value]}
    if isinstance(value, Loss) and RISKS.get(value.without_factor.name) is value.without_factor:
        return {"loss": value.without_factor.name, "factor": value.factor}
    if isinstance(value, Particles):
        return {"particles": [_collected(part, arrays) for part in (value.points, value.weights, value.signs)]}
    if isinstance(value, MethodType) and value.__name__ in METHODS:
        return {"method": value.__name__, "of": _described(value.__self__, arrays)}
    if KINDS.get(type(value).__name__) is type(value):
        named = [part.name for part in fields(KINDS[type(value).__name__]) if part.init]
        given = {name: _described(getattr(value, name), arrays) for name in named}
        return {"kind": type(value).__name__, "with": given}
    raise UnnamedPartError


def _collected(values: FloatArray, arrays: dict[str, FloatArray]) -> str:
    if values.dtype.kind not in "fiu" or values.size == 0:
        raise UnnamedPartError
    name = f"{FUNCTIONAL}_{len(arrays)}"
    arrays[name] = np.ascontiguousarray(values, dtype=np.float64)
    return name


def _built(described: Any, arrays: Mapping[str, FloatArray], depth: int = 0) -> Any:
    """Build a part again."""
    if depth > DEEPEST:
        raise ValueError("parts are nested too deeply")
    if not isinstance(described, dict):
        return described

    def built(inner: Any) -> Any:
        return _built(inner, arrays, depth + 1)

    if "array" in described:
        return arrays[described["array"]]
    if "list" in described:
        return tuple(built(item) for item in described["list"])
    if "loss" in described:
        return RISKS[described["loss"]].scaled(float(described["factor"]))
    if "particles" in described:
        points, weights, signs = (arrays[name] for name in described["particles"])
        return Particles(points, weights, signs)
    if "method" in described:
        if described["method"] not in METHODS:
            raise KeyError(described["method"])
        return getattr(built(described["of"]), described["method"])
    return KINDS[described["kind"]](**{name: built(value) for name, value in described["with"].items()})
