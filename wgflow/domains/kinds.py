"""The kinds of domains, by the names that problem files give them."""

from __future__ import annotations

from typing import Any

from wgflow.domains.base import Domain, UnsignedDomain
from wgflow.domains.box import Box
from wgflow.domains.circle import Circle
from wgflow.domains.gridless import Hypersphere, Space
from wgflow.domains.half_circle import HalfCircle
from wgflow.domains.half_sphere import HalfSphere
from wgflow.domains.signed import Signed
from wgflow.domains.sphere import Sphere
from wgflow.errors import InputError
from wgflow.registry import Registry


def _adopt(name: str, domain: Any) -> type[UnsignedDomain]:
    """A domain of another package; raises InputError unless it is a class of domains of that name."""
    if not (isinstance(domain, type) and issubclass(domain, UnsignedDomain) and getattr(domain, "kind", None) == name):
        raise InputError(f"it is no class of domains, see wgflow.domains.base.UnsignedDomain, with kind = {name!r}")
    return domain


DOMAINS: Registry[type[UnsignedDomain]] = Registry(
    "domain kind",
    {domain.kind: domain for domain in (Circle, Sphere, HalfCircle, HalfSphere, Box, Space, Hypersphere)},
    group="wgflow.domains",
    adopt=_adopt,
)


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
    domain = DOMAINS[kind](**parameters)
    return Signed(domain) if signed else domain
