"""Output times of a problem file."""

from __future__ import annotations

import numpy as np

from wgflow.errors import InputError
from wgflow.problems.models import OutputSection
from wgflow.runs.record import check_times
from wgflow.typing import FloatArray


def output_times(output: OutputSection, t_end: float) -> FloatArray:
    """Times after 0 that the output section asks for."""
    if output.times is not None:
        return check_times(output.times, t_end)
    if output.spacing == "linear":
        return check_times(None, t_end, output.snapshots)
    first = t_end / 1000.0 if output.first is None else output.first
    if first >= t_end:
        raise InputError(f"[output] first = {first!r} is not allowed; allowed is less than t_end = {t_end!r}")
    return check_times(np.geomspace(first, t_end, output.snapshots - 1).clip(max=t_end), t_end)
