"""Slope limiters: their formulae for cells in rows, and their names there and on surfaces.

The limiters of surfaces, whose cells have faces on all sides, are part of the loop over faces in
`wgflow.finite_volume.unstructured`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wgflow.compilation import kernel
from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.registry import Cited, Registry

FIRST_ORDER, MINMOD, MC, VAN_LEER, POSITIVE, BARTH_JESPERSEN = range(6)


@kernel
def limited_difference(backward: float, forward: float, density: float, limiter: int) -> float:
    """Difference across a cell from the differences to its two neighbours.

    Every choice keeps both face values of the cell within ``[0, 2 density]``, on which the positivity
    bound of a stage rests. ``limiter`` is a compile-time constant of the loops that call this.
    """
    central = 0.5 * (backward + forward)
    if limiter == FIRST_ORDER:
        return 0.0
    if limiter == POSITIVE:
        return min(max(central, -2.0 * density), 2.0 * density)
    if limiter == VAN_LEER:
        product = max(backward * forward, 0.0)
        harmonic = product / np.copysign(max(abs(central), 1e-300), central)
        # Its bound by twice the smaller difference, which round-off may exceed beside vacuum.
        largest = 2.0 * min(abs(backward), abs(forward))
        return min(max(harmonic, -largest), largest)
    steepness = 1.0 if limiter == MINMOD else 2.0
    rising = min(min(steepness * backward, steepness * forward), central)
    falling = max(max(steepness * backward, steepness * forward), central)
    return max(rising, 0.0) + min(falling, 0.0)


class Limiter(NamedTuple):
    """A limiter: its number in the kernels, and what it rests on."""

    code: int
    cites: tuple[Cited, ...] = ()


LIMITERS = Registry(
    "limiter =",
    {
        "minmod": Limiter(MINMOD),
        "mc": Limiter(MC, (Cited("vanLeer1977", "the MC limiter"),)),
        "van_leer": Limiter(VAN_LEER, (Cited("vanLeer1974", "the van Leer limiter"),)),
        "positive": Limiter(POSITIVE),
    },
)
SPHERE_LIMITERS = Registry(
    "limiter =",
    {
        "barth_jespersen": Limiter(BARTH_JESPERSEN, (Cited("BarthJespersen1989", "the limiter on spheres"),)),
        "positive": Limiter(POSITIVE),
    },
)
DEFAULTS = ("mc", "barth_jespersen")


def limiters_on(domain: Domain) -> Registry[Limiter]:
    """Limiters on a domain, by name; those of one dimension are for cells in rows."""
    base = domain.base
    return SPHERE_LIMITERS if base.has_cells and base.lattice is None else LIMITERS


def choose_limiter(limiter: str | None, domain: Domain) -> str:
    """Name of the limiter on a domain.

    Parameters
    ----------
    limiter : str or None
        A key of ``LIMITERS``, or on spheres of ``SPHERE_LIMITERS``; None for "mc", or on spheres "barth_jespersen".
    domain : Domain
        Where the density lives.

    Raises
    ------
    InputError
        If there is no such limiter on the domain.
    """
    allowed = limiters_on(domain)
    if limiter is None:
        return next(name for name in DEFAULTS if name in allowed)
    if limiter not in allowed:
        known = limiter in LIMITERS or limiter in SPHERE_LIMITERS
        what = f"is not available on the domain {domain.kind!r}" if known else "is unknown"
        raise InputError(f"limiter = {limiter!r} {what}; choose one of {', '.join(allowed)}")
    return limiter
