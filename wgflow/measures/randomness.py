"""Random numbers by a seed, or by a generator of numpy."""

from __future__ import annotations

import numpy as np

from wgflow.errors import InputError
from wgflow.measures.checks import described

SEEDS = 2**32  # of which a generator draws one, where a run needs a number that can be stored


def random_generator(seed: int | None = None, rng: np.random.Generator | None = None) -> np.random.Generator:
    """Give a generator: that of numpy, that of a seed, or without either one that differs each time.

    Parameters
    ----------
    seed : int, optional
        Seed of numpy's PCG64 generator.
    rng : numpy.random.Generator, optional
        The generator itself, which then has drawn more numbers.

    Raises
    ------
    InputError
        If both are given, or one is none.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow.measures.randomness import random_generator
    >>> float(random_generator(7).random()) == float(random_generator(rng=np.random.default_rng(7)).random())
    True
    """
    if rng is not None:
        if seed is not None:
            raise InputError(f"seed = {seed!r} and rng are both given; leave one of them out")
        if not isinstance(rng, np.random.Generator):
            raise InputError(f"rng = {described(rng)} is no generator of numpy; give numpy.random.default_rng(seed)")
        return rng
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0):
        raise InputError(f"seed = {described(seed)} is not allowed; give an integer >= 0")
    return np.random.default_rng(seed)


def drawn_seed(rng: np.random.Generator) -> int:
    """A seed that a generator draws; raises InputError where it is none."""
    return int(random_generator(rng=rng).integers(SEEDS))


def random_numbers(seed: int, stream: int, iteration: int) -> np.random.Generator:
    """Random numbers of one iteration, which depend on nothing else, so that a run can be resumed."""
    key = np.random.SeedSequence((seed, stream)).generate_state(2, np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, iteration]))
