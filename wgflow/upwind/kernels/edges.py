"""Velocities at the midpoints of the faces of the sphere, from the values of a potential around each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import kernel, parallel_kernel

PARALLEL_BLOCKS = 16  # fixed, so that results do not depend on the number of threads
STENCIL = 10  # the two cells of an edge and the eight others that touch one of them


@kernel
def rates_of_edges(first, last, phi, firsts, stencils, weights, places, signs, rates, factors):
    """Write the rates of the edges ``first ... last - 1`` of a sheet."""
    for edge in range(first, last):
        # Differences: a constant potential moves nothing, whatever the weights are rounded to.
        outwards, here = 0.0, phi[firsts[edge]]
        for k in range(STENCIL):
            outwards += weights[edge, k] * (phi[stencils[edge, k]] - here)
        rates[edge] = outwards
        factors[places[edge, 0]] = signs[edge, 0] * outwards
        factors[places[edge, 1]] = signs[edge, 1] * outwards


@cache
def edge_rates_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the velocities at the midpoints of faces, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def edge_rates(potential, firsts, stencils, weights, places, signs, rates, factors):
        """Write alpha |face| u into ``rates`` (sheets, E), and with signs into ``factors`` (sheets, F) at two places.

        Each edge is computed once, outwards of the first of its two cells, from the values of the potential at the
        cells ``stencils`` (E, 10).
        """
        count = len(stencils)
        for sheet in range(potential.shape[0]):
            phi, rate, factor = potential[sheet], rates[sheet], factors[sheet]
            for block in prange(PARALLEL_BLOCKS):
                first, last = block * count // PARALLEL_BLOCKS, (block + 1) * count // PARALLEL_BLOCKS
                rates_of_edges(first, last, phi, firsts, stencils, weights, places, signs, rate, factor)

    return edge_rates
