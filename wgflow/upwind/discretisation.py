"""The finite-volume scheme in space of each domain, and the limiters and velocities that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain, HalfCircle, HalfSphere, Sphere
from wgflow.domains.slab import GHOSTS
from wgflow.errors import InputError
from wgflow.upwind.half_sphere import HalfSphereScheme, MidpointHalfScheme
from wgflow.upwind.high_order import HighOrderScheme
from wgflow.upwind.kernels.high_order import REACH
from wgflow.upwind.kernels.limiters import ALL_LIMITERS, FIRST_ORDER, LIMITERS, SURFACE_LIMITERS
from wgflow.upwind.lattice import BoxScheme, LineScheme
from wgflow.upwind.scheme import SpaceScheme
from wgflow.upwind.sphere import MIDPOINT, TWO_POINT, VELOCITIES, MidpointScheme, SphereScheme
from wgflow.upwind.surface import SurfaceScheme


@dataclass(frozen=True)
class Discretisation:
    """How a kind of mesh is discretised in space.

    Parameters
    ----------
    schemes : mapping of str to callable
        By names of velocities: domain, transport, reaction and limiter to the scheme.
    limiters : mapping of str to int
        Slope limiters by name.
    limiter : str
        The default one.
    """

    schemes: Mapping[str, Callable[[Domain, float, float, int], SpaceScheme]]
    limiters: Mapping[str, int]
    limiter: str


LINE = Discretisation({TWO_POINT: LineScheme}, LIMITERS, "mc")
BOX = Discretisation({TWO_POINT: BoxScheme}, LIMITERS, "mc")
SURFACE = Discretisation({TWO_POINT: SurfaceScheme}, SURFACE_LIMITERS, "barth_jespersen")
SPHERE = Discretisation({TWO_POINT: SphereScheme, MIDPOINT: MidpointScheme}, ALL_LIMITERS, "barth_jespersen")
HALF_SPHERE = replace(SPHERE, schemes={TWO_POINT: HalfSphereScheme, MIDPOINT: MidpointHalfScheme})

DISCRETISATIONS = DomainTable(
    "a finite-volume scheme", {Circle: LINE, Box: BOX, Sphere: SPHERE, HalfCircle: BOX, HalfSphere: HALF_SPHERE}
)


def discretisation_on(domain: Domain) -> Discretisation:
    """Discretisation of a domain: that of its class, else that of its mesh or lattice.

    Raises
    ------
    InputError
        If the domain has no cells.
    """
    found = DISCRETISATIONS.get(domain)
    if found is not None:
        return found
    if domain.base.mesh is not None:
        return SURFACE
    if domain.base.lattice is not None:
        return BOX
    raise InputError(f"there is no finite-volume scheme for the domain {domain.kind!r}")


def choose_limiter(limiter: str | None, domain: Domain) -> str:
    """Name of the limiter on a domain.

    Parameters
    ----------
    limiter : str or None
        A key of ``LIMITERS``, on other surfaces of ``SURFACE_LIMITERS``, or on spheres and half spheres of either; None
        for "mc", or on all surfaces "barth_jespersen".
    domain : Domain
        Where the density lives; without cells, where it does not count, it has the limiters of a box.

    Raises
    ------
    InputError
        If there is no such limiter on the domain.
    """
    return _limiter_of(discretisation_on(domain) if domain.base.has_cells else BOX, limiter, domain.kind)


def _limiter_of(discretisation: Discretisation, limiter: str | None, kind: str) -> str:
    if limiter is None:
        return discretisation.limiter
    if limiter not in discretisation.limiters:
        known = limiter in ALL_LIMITERS
        what = f"is not available on the domain {kind!r}" if known else "is unknown"
        raise InputError(f"limiter = {limiter!r} {what}; choose one of {', '.join(discretisation.limiters)}")
    return limiter


def reach_of(order: int) -> int:
    """Rows of cells on either side of one that a stage of an order looks at."""
    return REACH if order == 5 else GHOSTS


def make_space_scheme(
    domain: Domain,
    *,
    transport: float,
    reaction: float,
    order: int,
    limiter: str | None = None,
    velocity: str = TWO_POINT,
) -> SpaceScheme:
    """Choose the scheme for a domain.

    Parameters
    ----------
    domain : Domain
        Where the density lives.
    transport, reaction : float
        The factors alpha and beta of the flow.
    order : int
        1 (upwind), 2 (limited linear reconstruction), or 5 (point values of smooth densities; boxes and circles).
    limiter : str, optional
        See `choose_limiter`; used with order 2.
    velocity : str
        "two_point", or on spheres and half spheres "midpoint"; see `wgflow.upwind.surface`.

    Raises
    ------
    InputError
        If there is no scheme for the domain, or the order, limiter or velocity is unknown or not available there.
    """
    if order not in (1, 2, 5):
        raise InputError(f"order = {order!r} is not available; choose 1, 2, or on boxes and circles 5")
    discretisation = discretisation_on(domain)
    limiter = _limiter_of(discretisation, limiter, domain.base.kind)
    if velocity not in VELOCITIES:
        raise InputError(f"velocity = {velocity!r} is unknown; choose one of {', '.join(VELOCITIES)}")
    if velocity not in discretisation.schemes:
        raise InputError(
            f'velocity = "{MIDPOINT}" is for spheres and half spheres; on the domain {domain.kind!r} use "{TWO_POINT}"'
        )
    if order == 5:
        return HighOrderScheme(domain, transport, reaction)
    chosen = discretisation.limiters[limiter] if order == 2 else FIRST_ORDER
    return discretisation.schemes[velocity](domain, transport, reaction, chosen)
