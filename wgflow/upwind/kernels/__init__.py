"""Compiled kernels of upwind transport: plain arrays in and out."""
