"""Compiled kernels of functionals: plain arrays in and out."""

from wgflow.former_names import with_former

__getattr__ = with_former(__name__)  # interaction kernels once stood in a module of this name
