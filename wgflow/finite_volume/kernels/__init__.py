"""Compiled kernels of the finite-volume schemes."""
