"""Compiled kernels of training: plain arrays in and out."""
