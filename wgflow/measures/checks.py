"""What every density at the start of a run must be."""

from __future__ import annotations

import numpy as np

from wgflow.errors import InputError
from wgflow.typing import FloatArray


def check_density(density: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Give the density as a contiguous float64 array; raises InputError unless it is a nonzero measure."""
    density = np.ascontiguousarray(density, dtype=np.float64)
    if density.shape != shape:
        raise InputError(f"the initial density has shape {density.shape}; the domain needs {shape}")
    if not np.isfinite(density).all():
        raise InputError("the initial density holds values that are not finite")
    if density.min() < 0.0:
        raise InputError(f"the initial density has the minimum {density.min():g}; allowed are values >= 0")
    if density.max() == 0.0:
        raise InputError("the initial density is zero everywhere; give a measure of positive mass")
    return density
