"""Whether the parts of a trajectory file fit: attributes of the right kind, fields of the shape of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.flows.endings import ACCUMULATED, RUNNING
from wgflow.text import shown
from wgflow.trajectory.schema import ERRORS, INTERRUPTED_AT, ORDERS, QUANTITIES
from wgflow.typing import FloatArray

TEXTS = ("Conventions", "title", "source", "history", "domain", "problem", "solver", "status", "stop_reason")
NUMBERS = ("reaction", *(name for name in ACCUMULATED if "seconds" in name))
INTEGERS = ("schema_version", "seed", INTERRUPTED_AT, *(name for name in ACCUMULATED if "seconds" not in name))


def check_kinds(attributes: Mapping[str, Any]) -> None:
    """Raise InputError where a known attribute of a file is of another kind, or of all counts one is missing."""
    for names, kind, what in ((TEXTS, str, "a text"), (NUMBERS, float, "a number"), (INTEGERS, int, "a whole number")):
        for name in names:
            if name in attributes and not isinstance(attributes[name], kind):
                raise InputError(f"the attribute {name} = {shown(attributes[name])} is not {what}")
    interrupted_at = attributes.get(INTERRUPTED_AT, -1)
    if interrupted_at == 0 or interrupted_at < -1:
        raise InputError(
            f"the attribute {INTERRUPTED_AT} = {interrupted_at} is not -1 or the number of a later snapshot"
        )
    missing = [name for name in (*ACCUMULATED, "stop_reason") if name not in attributes]
    if missing and attributes.get("status", RUNNING) != RUNNING and "accepted_steps" in attributes:
        raise InputError(f"the attribute {missing[0]} is missing")


def check_shapes(fields: Mapping[str, Any], sign: FloatArray | None, domain: Domain | None) -> None:
    """Raise InputError unless the fields of a file fit each other and its domain.

    Parameters
    ----------
    fields : mapping of str to array, shape (T, ...)
        The fields by name.
    sign : array, shape (m,), or None
        Sign of each particle.
    domain : Domain or None
        Where the measure lives.

    Raises
    ------
    InputError
        If there is neither a density nor particles, or a field has another shape than is wanted.
    """
    found = {name: tuple(values.shape[1:]) for name, values in fields.items()}
    if not ("density" in found or {"position", "weight"} <= found.keys()):
        raise InputError("there is neither a density nor particles")
    if sign is not None:
        found["particle_sign"] = tuple(sign.shape)
    for name, wanted in _wanted(found, domain).items():
        if name in found and found[name] != wanted:
            raise InputError(f"{name} has the shape {shown(found[name])}, not {shown(wanted)}")


def _wanted(found: Mapping[str, tuple[int, ...]], domain: Domain | None) -> dict[str, tuple[int, ...]]:
    """Shapes that fields should have."""
    wanted: dict[str, tuple[int, ...]] = dict.fromkeys(("log_mass", "margin", "scaled_log_time", "least_density"), ())
    wanted |= dict.fromkeys((ERRORS, ORDERS), (len(QUANTITIES),))
    if domain is not None:
        wanted["density"] = domain.shape
    if "multipliers" in found:
        wanted["multipliers"] = found["multipliers"][:1]
    if "weight" in found:
        particles = found["weight"][:1]
        wanted |= dict.fromkeys(("weight", "growth", "expansion", "node_density", "particle_sign"), particles)
        wanted["position"] = (*particles, components(domain) or (*found["position"], 0, 0)[1])
    return wanted


def components(domain: Domain | None) -> int | None:
    """Number of components of a point; None where the domain is not known.

    Unlike the points of a grid, it takes no time.
    """
    return None if domain is None else int(domain.geometry.components)
