"""Strata: the unit cube cut into boxes of equal volume, as many as there are particles."""

from __future__ import annotations

import numpy as np

from wgflow.errors import InputError
from wgflow.typing import FloatArray

ELONGATION = 1.5  # largest factor between the number of slabs along an axis and that of a cube of cubes
BELOW_ONE = 1.0 - 2.0**-53


def stratified(count: int, dimension: int, generator: np.random.Generator) -> FloatArray:
    """One uniform point in each stratum.

    Parameters
    ----------
    count : int
        Number m of strata, at least 1.
    dimension : int
        Dimension d of the cube.
    generator : numpy.random.Generator
        Source of the places within the strata.

    Returns
    -------
    array, shape (m, d)
        Points of the open unit cube.
    """
    low, size = strata(count, dimension)
    return (low + size * (1.0 - generator.random(low.shape))).clip(max=BELOW_ONE)


def lattice(count: int, dimension: int) -> FloatArray:
    """Middles of the strata, shape (m, d), where these form a lattice.

    Raises
    ------
    InputError
        If they do not: the count is not a product of ``dimension`` factors within 1.5 of each other's mean.
    """
    if not has_lattice(count, dimension):
        below = next(number for number in range(count, 0, -1) if has_lattice(number, dimension))
        above = next(number for number in range(count, 2 * count) if has_lattice(number, dimension))
        raise InputError(
            f'count = {count} is not allowed for start = "equispaced" in {dimension} dimensions; allowed are products '
            f'of {dimension} factors of similar size, such as {below} and {above}; or choose start = "stratified"'
        )
    low, size = strata(count, dimension)
    return low + 0.5 * size


def strata(count: int, dimension: int) -> tuple[FloatArray, FloatArray]:
    """Lower corners and sides, both of shape (m, d), of m boxes of volume 1/m that fill the unit cube.

    The cube is cut across its first axis into slabs, each as wide as its number of boxes asks for, and each slab along
    the other axes in the same way. Where the number of slabs divides m all are equal.
    """
    slabs = slab_count(count, dimension)
    ends = np.arange(slabs + 1) * count // slabs
    numbers = np.diff(ends)
    low, size = np.empty((count, dimension)), np.empty((count, dimension))
    low[:, 0], size[:, 0] = np.repeat(ends[:-1] / count, numbers), np.repeat(numbers / count, numbers)
    if dimension > 1:
        inner = {number: strata(number, dimension - 1) for number in set(numbers.tolist())}
        low[:, 1:] = np.concatenate([inner[number][0] for number in numbers.tolist()])
        size[:, 1:] = np.concatenate([inner[number][1] for number in numbers.tolist()])
    return low, size


def slab_count(count: int, dimension: int) -> int:
    """Number of slabs across the first axis: near m^(1/d), a divisor of m where one is near enough."""
    if dimension == 1:
        return count
    cube = count ** (1.0 / dimension)
    near = range(max(int(np.ceil(cube / ELONGATION)), 1), int(cube * ELONGATION) + 1)
    divisors = [number for number in near if count % number == 0]
    # Rounded, so that of two divisors that are equally near the smaller is taken.
    return min(divisors, key=lambda number: round(abs(np.log(number / cube)), 9), default=round(cube))


def has_lattice(count: int, dimension: int) -> bool:
    """Whether the strata form a lattice."""
    slabs = slab_count(count, dimension)
    return dimension == 1 or (count % slabs == 0 and has_lattice(count // slabs, dimension - 1))
