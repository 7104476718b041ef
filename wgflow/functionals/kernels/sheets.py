"""Sums over the two sheets of signed domains."""

from __future__ import annotations

from wgflow.compilation import kernel


@kernel
def net_masses(positive, negative, volumes, net):
    """Mass of each cell on the positive sheet less that on the negative one, in one pass over memory."""
    for cell in range(net.size):
        net[cell] = (positive[cell] - negative[cell]) * volumes[cell]
