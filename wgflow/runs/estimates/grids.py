"""Coarse runs of solvers on grids: half and a quarter of the cells along each axis."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numpy.typing import ArrayLike

from wgflow.dispatch import DomainTable
from wgflow.domains import Circle, Domain, total_mass
from wgflow.errors import InputError
from wgflow.finite_volume import IMPLICIT_METHODS, METHODS
from wgflow.flows import Evolution
from wgflow.flows.growth import RunSetup
from wgflow.functionals import Features, Functional, terms_of
from wgflow.networks.relu import Relu
from wgflow.runs.estimates.coarse_runs import CoarseRun
from wgflow.runs.estimates.coarsening import halved, restriction
from wgflow.runs.estimates.plan import RefinementPlan
from wgflow.typing import FloatArray

LARGEST_TOLERANCE = 0.1

# Power of the step that is compared with the tolerance: the error of implicit steps, over the change of explicit ones.
TOLERANCE_POWERS = {"backward_euler": 2, "tr_bdf2": 3} | {name: method.error_order for name, method in METHODS.items()}

Prepare = Callable[[Domain, int], tuple[Evolution, RunSetup]]
"""Gives a solver on a coarser domain, with time steps of up to 2 or 4 times the size."""


def plan_grids(
    domain: Domain,
    prepare: Prepare,
    *,
    steps: int = 1,
    most: float = 2.0,
    noise: float = 0.0,
    pointwise: bool = False,
    atoms: bool = False,
) -> RefinementPlan:
    """Plan runs on half and a quarter of the cells along each axis.

    Parameters
    ----------
    domain : Domain
        Where the run itself lives.
    prepare : callable
        Prepares a coarse run, from its domain and the factor 2 or 4.
    steps : int
        Power of the number of cells along an axis with which the number of time steps grows.
    most, noise, pointwise, atoms
        See `RefinementPlan`.
    """

    def coarse_run(factor: int) -> CoarseRun:
        cost = factor ** -(domain.geometry.dimension + float(steps))
        return CoarseRun(_name(domain, factor), cost, lambda: prepare(coarser(domain, factor), factor))

    return RefinementPlan((coarse_run(4), coarse_run(2)), domain, most, noise, pointwise, atoms)


def coarser(domain: Domain, factor: int) -> Domain:
    """Domain with a half (factor 2) or a quarter (factor 4) of the cells along each axis."""
    half = halved(domain)
    return half if factor == 2 else halved(half)


def _name(domain: Domain, factor: int) -> str:
    with suppress(InputError):
        return f"{' x '.join(str(count) for count in coarser(domain, factor).base.shape)} cells"
    return f"1/{factor} of the cells"


def coarse_start(
    start: ArrayLike | Callable[[FloatArray], FloatArray],
    density: FloatArray,
    fine: Domain,
    coarse: Domain,
    *,
    pointwise: bool,
) -> FloatArray:
    """Initial density on a coarser domain: that of a function of points, or the fine one carried there.

    Parameters
    ----------
    start : array or callable
        What the run itself starts from.
    density : array, shape ``fine.shape``
        The same on the fine domain.
    fine, coarse : Domain
        The domains.
    pointwise : bool
        Whether densities are values at the cell centres.
    """
    if callable(start):
        return start(coarse.points)
    mass, domain = total_mass(fine, density), fine
    while domain.shape != coarse.shape:
        density = restriction(domain, halved(domain), pointwise=pointwise)(density).clip(min=0.0)
        domain = halved(domain)
    return density * (mass / total_mass(coarse, density))


def coarse_tolerance(stepper: str, tolerance: float, factor: int) -> float:
    """Tolerance of a coarse run, which grows so that steps are longer in proportion to the cells.

    With one tolerance the errors in time of all runs would be alike, and cancel.
    """
    return min(tolerance * float(factor) ** TOLERANCE_POWERS[stepper], max(tolerance, LARGEST_TOLERANCE))


def grid_options(stepper: str, order: int, functional: Functional, domain: Domain) -> dict[str, Any]:
    """Options of `plan_grids` for finite volumes of an order in space.

    ReLU features of data have a kink on the circle for each datum, where mass gathers in a Dirac: its place in its cell
    counts more than the width, orders above 1 are chance, and no density has an error that means anything.
    """
    implicit = stepper in IMPLICIT_METHODS
    pointwise = order == 5 and not implicit
    steps = 2 if functional.temperature > 0.0 and not implicit else 1
    atoms = _has_kinks(functional, domain)
    most = float(order) if pointwise else 1.0 if atoms else 2.0
    return {"steps": steps, "most": most, "pointwise": pointwise, "atoms": atoms}


def _has_kinks(functional: Functional, domain: Domain) -> bool:
    return GATHERS.on(domain) and any(
        isinstance(term, Features) and isinstance(term.fn, Relu) for term in terms_of(functional)
    )


GATHERS = DomainTable("a place where mass gathers at kinks", {Circle: True, object: False})
"""Whether kinks of ReLU features of data are points of a domain, in which mass gathers."""


def check_fixed(*, estimate: bool) -> None:
    """Raise InputError if errors are to be estimated on boxes that grow."""
    if estimate:
        raise InputError(
            "estimate is not available with grow = true: boxes of other cells grow at other times; give a box that is "
            "large enough, e.g. the last one of a run with grow = true"
        )
