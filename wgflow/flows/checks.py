"""What every factor of a flow must be."""

from __future__ import annotations

import math

from wgflow.errors import InputError


def check_factor(name: str, value: float) -> None:
    """Raise InputError unless a factor of the flow is finite and not negative."""
    if not (math.isfinite(value) and value >= 0.0):
        raise InputError(f"{name} = {value!r} is not allowed; give a finite number >= 0")
