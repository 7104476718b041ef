"""The kinds of domains, by the names that problem files give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wgflow.domains.base import Domain, UnsignedDomain
from wgflow.domains.box import Box
from wgflow.domains.circle import Circle
from wgflow.domains.gridless import Hypersphere, Space
from wgflow.domains.signed import Signed
from wgflow.domains.sphere import Sphere
from wgflow.errors import InputError
from wgflow.text import shown

DOMAINS: Mapping[str, Callable[..., UnsignedDomain]] = {
    "circle": Circle,
    "box": Box,
    "sphere": Sphere,
    "space": Space,
    "hypersphere": Hypersphere,
}


def make_domain(kind: str, *, signed: bool = False, **parameters: Any) -> Domain:
    """Build the domain of a given kind.

    Parameters
    ----------
    kind : str
        A key of ``DOMAINS``.
    signed : bool
        Whether to double the domain, one sheet for each sign.
    **parameters
        Arguments of the domain.

    Raises
    ------
    InputError
        If the kind is unknown or a parameter is not allowed.
    """
    if kind not in DOMAINS:
        raise InputError(f"domain kind {shown(kind)} is unknown; choose one of {', '.join(DOMAINS)}")
    domain = DOMAINS[kind](**parameters)
    return Signed(domain) if signed else domain
