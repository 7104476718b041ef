"""What population risks of networks share: a factor, and an averaged kernel on half circles and half spheres."""

from __future__ import annotations

from abc import abstractmethod

from wgflow.domains import Domain
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.functionals.base import Functional
from wgflow.functionals.factors import RISKS_FALL, check_positive_factor
from wgflow.networks.low_rank import LowRank
from wgflow.networks.symmetric_population import TOLERANCES


class PopulationRisk(Functional):
    """Population square risk of a network, times a factor.

    Attributes
    ----------
    strength : float
        The factor > 0.
    tolerance : float or None
        Largest error of the averaged kernel over its largest value; None for that of the domain.
    """

    strength: float
    tolerance: float | None

    @property
    @abstractmethod
    def target_moment(self) -> float:
        """The mean square of what is to be learned."""

    @abstractmethod
    def with_strength(self, strength: float) -> Functional:
        """The same risk with another factor."""

    @abstractmethod
    def averaged_kernel(self, domain: SymmetricDomain, tolerance: float) -> LowRank:
        """The kernel at the cells of a half circle or half sphere, up to a tolerance."""

    def scaled(self, factor: float) -> Functional:
        """The risk with the factor in its strength."""
        check_positive_factor(factor, self, RISKS_FALL)
        return self.with_strength(factor * self.strength)

    @property
    def has_risk(self) -> bool:
        """It is one."""
        return True

    @property
    def risk_at_zero(self) -> float:
        """Half the second moment of what is to be learned, the risk of the zero measure."""
        return self.strength * (0.5 * self.target_moment)

    def kernel_on(self, domain: Domain) -> LowRank:
        """Kernel at the cells of a half circle or half sphere, with its ``rank``, ``error`` and ``memory``.

        Raises
        ------
        InputError
            If the domain is another one, or the kernel takes more than the memory limit.
        """
        base = domain.base
        if not isinstance(base, SymmetricDomain):
            raise InputError(
                f"there is no averaged kernel on the domain {domain.kind!r}; it is for half circles and spheres"
            )
        return self.averaged_kernel(base, TOLERANCES[base.kept] if self.tolerance is None else self.tolerance)
