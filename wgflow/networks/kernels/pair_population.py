"""Products with factors, gathered into and scattered from another order."""

from __future__ import annotations

from wgflow.compilation import kernel


@kernel
def gather_products(values, factors, order, gathered):
    """Write the products of values and factors in some order."""
    for k in range(order.size):
        gathered[k] = values[order[k]] * factors[order[k]]


@kernel
def scatter_products(values, factors, order, scattered):
    """Write the products of values in some order and factors to their own places."""
    for k in range(order.size):
        scattered[order[k]] = values[k] * factors[order[k]]
