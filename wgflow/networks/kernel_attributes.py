"""What runs on half circles and half spheres store of their kernel."""

from __future__ import annotations

from wgflow.domains import Domain
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.functionals.base import Functional, terms_of


def kernel_attributes(functional: Functional, domain: Domain | None) -> dict[str, float]:
    """Rank, error and bytes of the averaged kernel of a functional on a half circle or half sphere; else nothing."""
    if domain is None or not isinstance(domain.base, SymmetricDomain):
        return {}
    from wgflow.networks import Population, UnitPopulation

    found = [term.kernel_on(domain) for term in terms_of(functional) if isinstance(term, Population | UnitPopulation)]
    return {
        f"kernel_{name}": value
        for kernel in found[:1]
        for name, value in (("rank", kernel.rank), ("error", kernel.error), ("memory", kernel.memory))
    }
