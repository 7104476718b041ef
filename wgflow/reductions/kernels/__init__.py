"""Compiled kernels of sums and extrema over cells: plain arrays in and out."""
