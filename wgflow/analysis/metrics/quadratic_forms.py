"""Quadratic forms of kernels at signed measures: double sums over pairs that store no matrix."""

from __future__ import annotations

import numpy as np

from wgflow.analysis.kernels.quadratic_forms import arc_cosine_rows, gaussian_rows
from wgflow.typing import FloatArray


def gaussian_form(points: FloatArray, charges: FloatArray, width: float) -> float:
    """Sum of ``charges_i charges_j exp(-|x_i - x_j|^2 / (2 width^2))`` over i and j, points of shape (k, p)."""
    rows = np.empty(len(charges))
    gaussian_rows(points / (np.sqrt(2.0) * width), charges, rows)
    return float(charges @ charges + 2.0 * charges @ rows)


def arc_cosine_form(points: FloatArray, charges: FloatArray) -> float:
    """Sum of ``charges_i charges_j E relu(x_i.x) relu(x_j.x)`` for x ~ N(0, I_d), nonzero points (k, d)."""
    lengths = np.linalg.norm(points, axis=1)
    charges = charges * lengths
    rows = np.empty(len(charges))
    arc_cosine_rows(points / lengths[:, None], charges, rows)
    return float(0.5 * charges @ charges + 2.0 * charges @ rows)
