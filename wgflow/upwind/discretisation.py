"""The finite-volume scheme in space of each domain, and the limiters and velocities that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain, HalfCircle, HalfSphere, Sphere
from wgflow.domains.slab import GHOSTS
from wgflow.errors import InputError
from wgflow.upwind.kernels.limiters import ALL_LIMITERS, FIRST_ORDER, LIMITERS, SURFACE_LIMITERS
from wgflow.upwind.lattice import BoxScheme, line_scheme
from wgflow.upwind.scheme import MIDPOINT, TWO_POINT, VELOCITIES, SpaceScheme

if TYPE_CHECKING:
    from wgflow.upwind.given_velocities import GivenScheme

THIRD, POINTWISE = 3, 5  # orders in space
ORDERS = (1, 2, THIRD, POINTWISE)

Schemes = Mapping[str, Callable[[Domain, float, float, int], SpaceScheme]]


def _scheme(place: str) -> Callable[..., Any]:
    """Maker of a scheme of this room, "module:class", which is loaded when one is made: a run needs one of all."""
    return lambda *arguments: resolve_name(f"{__package__}.{place}")(*arguments)


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
    third_order : mapping of str to callable
        Schemes of third order by names of velocities; their limiters are those of surfaces, by default "positive".
    """

    schemes: Schemes
    limiters: Mapping[str, int]
    limiter: str
    third_order: Schemes = field(default_factory=dict)

    def of_order(self, order: int, kind: str) -> Discretisation:
        """What there is of an order in space on a kind of domain; raises InputError if there is none of the third."""
        if order != THIRD:
            return self
        if not self.third_order:
            allowed = "1, 2 or 5" if self.limiters is LIMITERS else "1 or 2"
            raise InputError(f"order = 3 is for whole spheres; on the domain {kind!r} choose {allowed}")
        return Discretisation(self.third_order, SURFACE_LIMITERS, "positive")


LINE = Discretisation({TWO_POINT: line_scheme}, LIMITERS, "mc")
BOX = Discretisation({TWO_POINT: BoxScheme}, LIMITERS, "mc")
SURFACE = Discretisation({TWO_POINT: _scheme("surface:SurfaceScheme")}, SURFACE_LIMITERS, "barth_jespersen")
SPHERE = Discretisation(
    {TWO_POINT: _scheme("sphere:SphereScheme"), MIDPOINT: _scheme("sphere:MidpointScheme")},
    ALL_LIMITERS,
    "barth_jespersen",
    {
        TWO_POINT: _scheme("third_order:ThirdOrderScheme"),
        MIDPOINT: _scheme("third_order:ThirdOrderMidpointScheme"),
    },
)
HALF_SPHERE = replace(
    SPHERE,
    schemes={
        TWO_POINT: _scheme("half_sphere:HalfSphereScheme"),
        MIDPOINT: _scheme("half_sphere:MidpointHalfScheme"),
    },
    third_order={},
)
GIVEN_SCHEMES: Mapping[int, Callable[..., GivenScheme]] = {
    **dict.fromkeys((1, 2), _scheme("given_velocities:GivenScheme")),
    THIRD: _scheme("third_order:ThirdOrderGivenScheme"),
}
FLUX_CORRECTED = _scheme("flux_corrected:FluxCorrectedScheme")
HIGH_ORDER = _scheme("high_order:HighOrderScheme")
ZALESAK = "zalesak"  # of third order with given velocities: stages are those of "positive"
GIVEN_LIMITERS: Mapping[str, int] = {**SURFACE_LIMITERS, ZALESAK: LIMITERS["positive"]}

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


def choose_limiter(limiter: str | None, domain: Domain, order: int = 2) -> str:
    """Name of the limiter on a domain.

    Parameters
    ----------
    limiter : str or None
        A key of ``LIMITERS``, on other surfaces and of order 3 of ``SURFACE_LIMITERS``, or on spheres and half spheres
        of either; None for "mc", on all surfaces "barth_jespersen", or of order 3 "positive".
    domain : Domain
        Where the density lives; without cells, where it does not count, it has the limiters of a box.
    order : int
        Order in space.

    Raises
    ------
    InputError
        If there is no such limiter on the domain, or no such order.
    """
    found = discretisation_on(domain) if domain.base.has_cells else BOX
    return _limiter_of(found.of_order(order, domain.base.kind), limiter, domain.kind, order)


def _limiter_of(discretisation: Discretisation, limiter: str | None, kind: str, order: int) -> str:
    if limiter is None:
        return discretisation.limiter
    if limiter not in discretisation.limiters:
        third = " with order = 3" if order == THIRD else ""  # other limiters of the domain belong to other orders
        what = f"is not available on the domain {kind!r}{third}" if limiter in ALL_LIMITERS else "is unknown"
        if limiter == ZALESAK:
            what = "corrects fluxes of a velocity from outside (solve_transport), of order 3"
        raise InputError(f"limiter = {limiter!r} {what}; choose one of {', '.join(discretisation.limiters)}")
    return limiter


def reach_of(order: int) -> int:
    """Rows of cells on either side of one that a stage of an order looks at."""
    if order != POINTWISE:
        return GHOSTS
    from wgflow.upwind.kernels.high_order import REACH

    return REACH


def check_space(
    domain: Domain, *, order: int = 2, limiter: str | None = None, velocity: str = TWO_POINT
) -> tuple[Discretisation, str]:
    """What a domain has of an order, and the name of the limiter; arguments and errors as of `make_space_scheme`."""
    if order not in ORDERS:
        raise InputError(
            f"order = {order!r} is not available; choose 1, 2, on whole spheres 3, or on boxes and circles 5"
        )
    discretisation = discretisation_on(domain).of_order(order, domain.base.kind)
    found = _limiter_of(discretisation, limiter, domain.base.kind, order)
    if velocity not in VELOCITIES:
        raise InputError(f"velocity = {velocity!r} is unknown; choose one of {', '.join(VELOCITIES)}")
    if velocity not in discretisation.schemes:
        raise InputError(
            f'velocity = "{MIDPOINT}" is for spheres and half spheres; on the domain {domain.kind!r} use "{TWO_POINT}"'
        )
    return discretisation, found


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
        1 (upwind), 2 (limited linear reconstruction), 3 (the same with second differences; whole spheres), or 5 (point
        values of smooth densities; boxes and circles).
    limiter : str, optional
        See `choose_limiter`; used with the orders 2 and 3.
    velocity : str
        "two_point", or on spheres and half spheres "midpoint"; see `wgflow.upwind.surface`.

    Raises
    ------
    InputError
        If there is no scheme for the domain, or the order, limiter or velocity is unknown or not available there.
    """
    discretisation, limiter = check_space(domain, order=order, limiter=limiter, velocity=velocity)
    if order == POINTWISE:
        return HIGH_ORDER(domain, transport, reaction)
    chosen = FIRST_ORDER if order == 1 else discretisation.limiters[limiter]
    return discretisation.schemes[velocity](domain, transport, reaction, chosen)


def check_moved(domain: Domain) -> None:
    """Raise InputError unless velocities from outside can move densities on a domain."""
    if discretisation_on(domain) is not SPHERE or domain.sheets > 1:
        signed = ", with signs" if domain.sheets > 1 else ""
        raise InputError(f"velocities from outside are for whole spheres; the domain is {domain.kind!r}{signed}")


def make_given_scheme(domain: Domain, *, order: int, limiter: str | None = None) -> GivenScheme:
    """Choose the scheme on a sphere for velocities that come from outside; arguments as in `make_space_scheme`.

    Of order 3 there is also the limiter "zalesak".

    Raises
    ------
    InputError
        If the domain is no whole sphere, or the order or limiter is not available there.
    """
    check_moved(domain)
    if order not in GIVEN_SCHEMES:
        raise InputError(f"order = {order!r} is not available; choose one of {', '.join(map(str, GIVEN_SCHEMES))}")
    name = choose_given_limiter(limiter, domain, order)
    scheme = FLUX_CORRECTED if name == ZALESAK else GIVEN_SCHEMES[order]
    return scheme(domain, 1.0, 0.0, FIRST_ORDER if order == 1 else _given(order, domain).limiters[name])


def choose_given_limiter(limiter: str | None, domain: Domain, order: int) -> str:
    """Name of the limiter on a whole sphere with a velocity from outside; raises InputError if there is none such."""
    if limiter == ZALESAK and order != THIRD:
        raise InputError(f"limiter = {ZALESAK!r} corrects fluxes of order 3; found order = {order}")
    return _limiter_of(_given(order, domain), limiter, domain.kind, order)


def _given(order: int, domain: Domain) -> Discretisation:
    known = SPHERE.of_order(order, domain.kind)
    return replace(known, limiters=GIVEN_LIMITERS) if order == THIRD else known
