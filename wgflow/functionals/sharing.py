"""Which functionals several ranks may evaluate together on the rows of a box that each of them has."""

from __future__ import annotations

from wgflow.errors import InputError
from wgflow.functionals.base import Functional, Scaled, terms_of


def check_shared(functional: Functional, size: int) -> None:
    """Raise InputError, naming the first such term, unless all terms of a functional may be shared by ranks.

    These are the ones whose class says ``shared = True``: whatever sums over cells must do it by the blocks of the
    domain (``domain.base.partition``), which those of one's own may not.
    """
    for term in terms_of(functional):
        inner = term.functional if isinstance(term, Scaled) else term
        if not inner.shared:
            raise InputError(
                f"{type(inner).__name__} is not available on {size} ranks: run it without mpiexec, where its sums take "
                "all cores as threads"
            )
