"""The methods in time of finite volumes, by name, and the solver that goes with each."""

from __future__ import annotations

from typing import Any, NamedTuple

from wgflow.domains import Domain
from wgflow.finite_volume.explicit import EXPLICIT_TOLERANCE, ExplicitFiniteVolume
from wgflow.finite_volume.implicit import IMPLICIT_TOLERANCE, LOCAL_ORDERS, TR_BDF2, ImplicitFiniteVolume
from wgflow.finite_volume.runge_kutta import METHODS, SSPRK43
from wgflow.functionals import Functional
from wgflow.registry import Cited, Registry
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import check_space

IMPLICIT_FLUXES = Cited("ScharfetterGummel1969", "implicit fluxes of diffusion and drift")


class Stepper(NamedTuple):
    """A method in time.

    Parameters
    ----------
    implicit : bool
        Whether `ImplicitFiniteVolume` takes it, and not `ExplicitFiniteVolume`.
    tolerance : float
        Its tolerance by default.
    cites : tuple of Cited
        What it rests on.
    """

    implicit: bool
    tolerance: float
    cites: tuple[Cited, ...] = ()


def _implicit(name: str) -> Stepper:
    own = (Cited("BankEtAl1985", "the implicit method TR-BDF2"),) if name == TR_BDF2 else ()
    return Stepper(True, IMPLICIT_TOLERANCE, (*own, IMPLICIT_FLUXES))


STEPPERS = Registry(
    "stepper =",
    {name: Stepper(False, EXPLICIT_TOLERANCE, method.cites) for name, method in METHODS.items()}
    | {name: _implicit(name) for name in LOCAL_ORDERS},
)


def default_tolerance(stepper: str) -> float:
    """Tolerance of a method in time, where none is given: see the finite volumes of its kind."""
    return STEPPERS[stepper].tolerance if stepper in STEPPERS else EXPLICIT_TOLERANCE


def make_finite_volume(
    functional: Functional,
    domain: Domain,
    density: FloatArray,
    *,
    stepper: str = SSPRK43.name,
    tolerance: float | None = None,
    transport: float = 1.0,
    reaction: float | None = None,
    time: float = 0.0,
    **space: Any,
) -> ExplicitFiniteVolume | ImplicitFiniteVolume:
    """Prepare finite volumes: explicit or implicit ones, as the method in time is.

    Parameters
    ----------
    functional : Functional
        The functional F.
    domain : Domain
        Where the density lives.
    density : array, shape ``domain.shape``
        Nonnegative density at the start.
    stepper : str
        A key of ``STEPPERS``.
    tolerance : float, optional
        Error of a step; `default_tolerance` by default.
    transport, reaction, time : float
        The factors alpha and beta, and the time at the start.
    **space
        ``order``, ``limiter`` and ``velocity`` of `ExplicitFiniteVolume`; implicit methods, which have fluxes of their
        own, look at nothing but whether they are allowed.

    Raises
    ------
    InputError
        If an argument is not allowed.
    """
    options: dict[str, Any] = {"transport": transport, "reaction": reaction, "time": time, "stepper": stepper}
    options["tolerance"] = default_tolerance(stepper) if tolerance is None else tolerance
    if STEPPERS[stepper].implicit:
        check_space(domain, **space)
        return ImplicitFiniteVolume(functional, domain, density, **options)
    return ExplicitFiniteVolume(functional.on_grid(domain), density, **options, **space)
