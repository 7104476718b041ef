"""Steps of the ascent of the soft-min margin in the output layer."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import kernel
from wgflow.networks.training.kernels.ascent import LARGEST, NEGLIGIBLE, share_weights
from wgflow.reductions import inner_product

ROWS = 4  # of the kernel that are added at a time


@kernel
def _add_rows(matrix, rows, rates, total):
    """Add four rows of a matrix, each times its rate."""
    a, b, c, d = matrix[rows[0]], matrix[rows[1]], matrix[rows[2]], matrix[rows[3]]
    p, q, r, s = rates[0], rates[1], rates[2], rates[3]
    for i in range(total.size):
        total[i] += p * a[i] + q * b[i] + r * c[i] + s * d[i]


@kernel
def _choose(shares, active):
    """Move the shares that count to the front, with their places, filled up with zeros to a multiple of four rows."""
    chosen = 0
    for i in range(shares.size - ROWS):
        if shares[i] > NEGLIGIBLE:
            shares[chosen], active[chosen] = shares[i], i
            chosen += 1
    shares[chosen : chosen + ROWS], active[chosen : chosen + ROWS] = 0.0, 0
    return chosen


@kernel
def ascend_outputs(matrix, coefficients, margins, rates, active, log_scale, step, first, last):
    """Iterate coefficients and margins in place; gives the new logarithm of their factor."""
    for iteration in range(first, last):
        total = share_weights(margins, log_scale, rates)
        norm = np.sqrt(max(inner_product(coefficients, margins), 0.0))
        if norm > LARGEST:
            for i in range(margins.size):
                coefficients[i] /= norm
                margins[i] /= norm
            log_scale += np.log(norm)
            norm = 1.0
        rate = step / np.sqrt(iteration + 1.0) * max(np.exp(-log_scale), norm) / total
        chosen = _choose(rates, active)
        for k in range(chosen):
            rates[k] *= rate
            coefficients[active[k]] += rates[k]
        for k in range(0, chosen, ROWS):
            _add_rows(matrix, active[k:], rates[k:], margins)
    return log_scale
