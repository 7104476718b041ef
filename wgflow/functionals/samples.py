"""Random batches in the place of all samples or pairs that a functional sums over, for stochastic descent."""

from __future__ import annotations

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals.base import Functional, Scaled, Sum


def sampled(functional: Functional, count: int, generator: np.random.Generator, components: int) -> Functional:
    """Functional of random samples in the place of all, whose J is right in the mean.

    Parameters
    ----------
    functional : Functional
        One with a method ``sampled`` of the other arguments, which gives itself where there is nothing to sample, or a
        sum of such.
    count : int
        Number of samples.
    generator : numpy.random.Generator
        Source of the samples.
    components : int
        Number of components of the particles.

    Raises
    ------
    InputError
        If a term is no average over samples.
    """
    if isinstance(functional, Sum):
        return Sum(tuple(sampled(term, count, generator, components) for term in functional.terms))
    if isinstance(functional, Scaled):
        return functional.factor * sampled(functional.functional, count, generator, components)
    draw = getattr(functional, "sampled", None)
    if draw is None:
        raise InputError(f"{type(functional).__name__} is no average over samples; leave out the batch")
    found: Functional = draw(count, generator, components)
    return found
