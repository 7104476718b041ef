"""Compiled kernels of analysis: plain arrays in and out."""
