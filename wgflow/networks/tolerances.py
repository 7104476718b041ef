"""Errors that the averaged kernels of population risks may have, over their largest value."""

LEAST_TOLERANCE, LARGEST_TOLERANCE = 1e-14, 0.1
