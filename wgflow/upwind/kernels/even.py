"""Densities on half of a sphere and their even continuations."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import kernel


@kernel
def gather(values, places, result):
    """Write the values (sheets, N) at some places (m,) of each sheet into ``result`` (sheets, m)."""
    for sheet in range(len(values)):
        for k in range(np.uint64(places.size)):
            result[sheet, k] = values[sheet, places[k]]


@kernel
def gather_means(values, places, images, result):
    """Write the means of the values (sheets, N) at some places (m,) and at their images into ``result``."""
    for sheet in range(len(values)):
        for k in range(np.uint64(places.size)):
            result[sheet, k] = 0.5 * (values[sheet, places[k]] + values[sheet, images[k]])
