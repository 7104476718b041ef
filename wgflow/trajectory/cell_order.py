"""The order that the cells of spheres have in a file: in diamonds, as today, or in rings, as earlier versions wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Domain, Sphere
from wgflow.domains.rings import ring_order
from wgflow.typing import IntArray

CELL_ORDER, DIAMONDS = "cell_order", "diamonds"  # an attribute of files on spheres, and its value
FORMER_NAMES, LIMITERS = "former_names", "limiters"  # an attribute of what was read from a file with another order

HAD_ANOTHER = DomainTable("an order of cells", {Sphere: True, object: False})
"""Whether the cells of a domain had another order in earlier versions."""


def order_attribute(domain: Domain | None) -> dict[str, str]:
    """Attribute that says how the cells of a domain are ordered, where there has been another order."""
    return {CELL_ORDER: DIAMONDS} if domain is not None and HAD_ANOTHER.on(domain) else {}


def is_former(domain: Domain | None, attributes: Mapping[str, Any]) -> bool:
    """Whether attributes are those of a file whose cells have the order of earlier versions."""
    in_file = "schema_version" in attributes
    return in_file and bool(order_attribute(domain)) and attributes.get(CELL_ORDER) != DIAMONDS


def places_in_file(domain: Domain | None, attributes: Mapping[str, Any]) -> IntArray | None:
    """Place in a file of each cell, shape (N,), or None where it is that in the domain."""
    if domain is None or not is_former(domain, attributes):
        return None
    sphere: Any = domain.base
    return np.argsort(ring_order(sphere.level))
