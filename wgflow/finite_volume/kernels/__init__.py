"""Compiled kernels of whole steps: plain arrays in and out."""
