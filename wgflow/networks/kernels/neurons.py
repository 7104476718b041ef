"""Slopes of neurons in both layers."""

from __future__ import annotations

from wgflow.compilation import kernel


@kernel
def pair_gradient(outputs, values, inner, gradient):
    """Slopes of ``a g(b)`` in a, then in b, from g and its gradient."""
    for j in range(outputs.size):
        gradient[j, 0] = values[j]
        for axis in range(inner.shape[1]):
            gradient[j, axis + 1] = outputs[j] * inner[j, axis]
