"""Slope limiters: their names, and the difference across a cell that each of them gives.

References
----------
LeVeque (2002), Finite Volume Methods for Hyperbolic Problems, Sections 6.9 to 6.12.
Barth and Jespersen (1989), AIAA paper 89-0366.
"""

from __future__ import annotations

import numpy as np

from wgflow.compilation import kernel
from wgflow.registry import Cited, Registry

FIRST_ORDER, MINMOD, MC, VAN_LEER, POSITIVE, BARTH_JESPERSEN = range(6)

# Of cells in rows, and of cells of surfaces, whose kernels hold the loops of theirs.
LIMITERS = {"minmod": MINMOD, "mc": MC, "van_leer": VAN_LEER, "positive": POSITIVE}
SURFACE_LIMITERS = {"barth_jespersen": BARTH_JESPERSEN, "positive": POSITIVE}
ALL_LIMITERS = Registry("limiter =", LIMITERS | SURFACE_LIMITERS)
CITED = {
    "mc": Cited("vanLeer1977", "the MC limiter"),
    "van_leer": Cited("vanLeer1974", "the van Leer limiter"),
    "barth_jespersen": Cited("BarthJespersen1989", "the limiter on spheres"),
}


@kernel
def limited_difference(backward, forward, density, limiter):
    """Difference across a cell from the differences to its two neighbours.

    Every choice keeps both face values of the cell within ``[0, 2 density]``, on which the positivity
    bound of a stage rests. ``limiter`` is a compile-time constant of the loops below.
    """
    central = 0.5 * (backward + forward)
    if limiter == FIRST_ORDER:
        return 0.0
    if limiter == POSITIVE:
        return min(max(central, -2.0 * density), 2.0 * density)
    if limiter == VAN_LEER:
        product = max(backward * forward, 0.0)
        harmonic = product / np.copysign(max(abs(central), 1e-300), central)
        # Its bound by twice the smaller difference, which round-off may exceed beside vacuum.
        largest = 2.0 * min(abs(backward), abs(forward))
        return min(max(harmonic, -largest), largest)
    steepness = 1.0 if limiter == MINMOD else 2.0
    rising = max(steepness * min(backward, forward), 0.0)
    falling = min(steepness * max(backward, forward), 0.0)
    return max(min(central, rising), falling)
