"""Compiled kernels of functionals: plain arrays in and out."""

from typing import Any

from wgflow.former_names import with_former


def _absent(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__getattr__ = with_former(__name__, _absent)  # interaction kernels once stood in a module of this name
