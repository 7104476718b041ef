"""What a flow of an energy comes to rest at, where that is known: a density, or the target of a discrepancy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from wgflow.functionals import Entropy, Functional, KernelDiscrepancy, Potential, PowerEnergy, SobolevDiscrepancy
from wgflow.functionals.energies.discrepancies import target_density
from wgflow.measures import Particles
from wgflow.plotting.line_profiles import grid_of
from wgflow.plotting.shown import Shown
from wgflow.typing import FloatArray


def rest_density(shown: Shown) -> FloatArray | None:
    r"""Density at which F is least among measures of the mass of a run, where a formula tells it.

    With a potential V it is :math:`e^{-V/T} / Z` for the entropy T, :math:`((m - 1)(C - V)_+ / (c m))^{1/(m-1)}` for
    the power m > 1 of the density, and for a discrepancy its target; Z and C make up the mass.

    Parameters
    ----------
    shown : Shown
        A run on a domain that is cut into cells; it may be one of particles.

    Returns
    -------
    array, shape ``domain.base.shape``, or None
        None where no formula is known, the mass changes, or the domain has two sheets.
    """
    if not shown.has_grid or len(shown.signs) == 2 or not shown.keeps_mass:
        return None
    others = [term for term in shown.terms if not isinstance(term, Potential)]
    rest = RESTS.get(type(others[0])) if len(others) == 1 else None
    return None if rest is None else rest(shown, others[0])


def rest_name(shown: Shown) -> str:
    """Name of the density at which a flow rests."""
    kinds = {type(term) for term in shown.terms}
    return "target" if kinds & {KernelDiscrepancy, SobolevDiscrepancy} else "at rest"


def least_energy(shown: Shown) -> float | None:
    """F at that density, on the same cells; None where it is not known, or F of particles leaves the entropy out."""
    density = rest_density(shown) if shown.has_density else None
    if density is None or shown.functional is None or shown.trajectory.domain is None:
        return None
    return shown.functional.on_grid(shown.trajectory.domain).value(density)


def target_samples(shown: Shown) -> Particles | None:
    """Samples of the target of a kernel discrepancy; None where there are none."""
    targets = [term.target for term in shown.terms if isinstance(term, KernelDiscrepancy)]
    return next((target for target in targets if isinstance(target, Particles)), None)


def potential_of(shown: Shown) -> Callable[[FloatArray], FloatArray] | None:
    """The potential V of an energy, from points (N, p) to values (N,); None where it has none."""
    wells = [term for term in shown.terms if isinstance(term, Potential)]
    if shown.is_risk or not wells:
        return None
    return lambda points: np.sum([well.values(points) for well in wells], axis=0)


def _well(shown: Shown) -> FloatArray:
    """V at the cells of a run, less its minimum; 0 without one."""
    base, potential = grid_of(shown.trajectory), potential_of(shown)
    if potential is None:
        return np.zeros(base.shape)
    values = potential(base.points.reshape(-1, base.points.shape[-1])).reshape(base.shape)
    return values - values.min()


def _of_entropy(shown: Shown, term: Entropy) -> FloatArray:
    return _with_mass(np.exp(-_well(shown) / term.temperature), shown)


def _of_power(shown: Shown, term: PowerEnergy) -> FloatArray | None:
    if term.exponent < 1.0:
        return None
    well, share = _well(shown), (term.exponent - 1.0) / (term.strength * term.exponent)
    volumes, mass = grid_of(shown.trajectory).volumes, float(shown.trajectory.mass[-1])

    def density(level: float) -> FloatArray:
        return np.asarray((share * np.maximum(level - well, 0.0)) ** (1.0 / (term.exponent - 1.0)))

    highest = 1.0
    while float((density(highest) * volumes).sum()) < mass:
        highest *= 2.0
    return density(brentq(lambda level: float((density(level) * volumes).sum()) - mass, 0.0, highest))


def _of_target(shown: Shown, term: KernelDiscrepancy | SobolevDiscrepancy) -> FloatArray | None:
    if isinstance(term.target, Particles) or shown.trajectory.domain is None:
        return None
    return target_density(term.target, shown.trajectory.domain)


def _with_mass(density: FloatArray, shown: Shown) -> FloatArray:
    scale = float(shown.trajectory.mass[-1]) / float((density * grid_of(shown.trajectory).volumes).sum())
    return density * scale


RESTS: dict[type[Functional], Callable[..., FloatArray | None]] = {
    Entropy: _of_entropy,
    PowerEnergy: _of_power,
    KernelDiscrepancy: _of_target,
    SobolevDiscrepancy: _of_target,
}
