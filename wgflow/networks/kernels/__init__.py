"""Compiled kernels of networks: plain arrays in and out."""
