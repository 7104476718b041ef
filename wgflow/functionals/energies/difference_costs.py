"""What particles cost whose kernel has no gradient."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from wgflow.errors import FlowWarning
from wgflow.functionals.base import Functional, Sum
from wgflow.functionals.energies.discrepancies import KernelDiscrepancy
from wgflow.functionals.energies.interaction import Interaction

NOTICEABLE = 1000  # particles: an evaluation then takes some 0.1 seconds


def warn_of_differences(functional: Functional, count: int) -> None:
    """Say, with a `FlowWarning`, what it costs that many particles interact by a kernel without a gradient."""
    if count >= NOTICEABLE and any(interaction.gradient is None for interaction in _interactions(functional)):
        warnings.warn(
            f"the kernel of {count} particles has no gradient: unless it is a smooth function of the distance alone, "
            "they difference it, in two to three times the time that a NumPy function for the gradient takes, and "
            "about a hundred times that of a compiled kernel; give Interaction(W, gradient=dW), or CompiledKernel(w)",
            FlowWarning,
            stacklevel=2,
        )


def _interactions(functional: Functional) -> Iterator[Interaction]:
    """The interactions in flat space that a functional is made of."""
    if isinstance(functional, Sum):
        for term in functional.terms:
            yield from _interactions(term)
    elif isinstance(functional, KernelDiscrepancy):
        yield from _interactions(functional.interaction)
    elif isinstance(functional, Interaction):
        yield functional
