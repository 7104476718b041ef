"""What arrays that users give must be, and every density at the start of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wgflow.errors import InputError
from wgflow.text import named, shown
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.reductions.blocks import RowBlocks

NUMBERS = "fiub"  # kinds of numpy that are real numbers


def real_values(what: str, found: Any) -> FloatArray:
    """Give an array of float64; raises InputError unless it holds real numbers and hides none behind a mask."""
    if np.ma.is_masked(found):
        raise InputError(f"{what} is masked at some entries, which would count; fill them, e.g. with .filled(0.0)")
    values = np.asarray(found)
    if values.dtype.kind not in NUMBERS:
        raise InputError(f"{what} has the type {values.dtype}; allowed are real numbers")
    return values.astype(np.float64, copy=False)


def described(value: object) -> str:
    """A value as an error shows it: functions and classes by their names."""
    name = getattr(value, "__name__", None)
    if name is None:
        return shown(value)
    return f"the {'class' if isinstance(value, type) else 'function'} {named(name)}"


def check_density(density: FloatArray, shape: tuple[int, ...], blocks: RowBlocks | None = None) -> FloatArray:
    """Give the density as a contiguous float64 array; raises InputError unless it is a nonzero measure.

    Where it is a part of one, the blocks know what the others hold.
    """
    density = np.ascontiguousarray(real_values("the initial density", density))
    if density.shape != shape:
        raise InputError(f"the initial density has shape {density.shape}; the domain needs {shape}")
    if not np.isfinite(density).all():
        raise InputError("the initial density holds values that are not finite")
    if density.min() < 0.0:
        raise InputError(f"the initial density has the minimum {density.min():g}; allowed are values >= 0")
    if (float(density.max()) if blocks is None else blocks.extrema(density)[1]) == 0.0:
        raise InputError("the initial density is zero everywhere; give a measure of positive mass")
    return density
