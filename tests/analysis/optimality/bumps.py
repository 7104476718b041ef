"""Smooth features on spheres, and problems whose optimum is known."""

from __future__ import annotations

import numpy as np

from wgflow import Features, Mass


class Bumps:
    """exp(k (c_i . x - 1)) around points c_i."""

    def __init__(self, centres, sharpness=4.0):
        self.centres, self.sharpness = np.asarray(centres), sharpness

    def __call__(self, points):
        return np.exp(self.sharpness * (points @ self.centres.T - 1.0))

    def gradient(self, points, coefficients):
        return self.sharpness * (self(points) * coefficients) @ self.centres


def on_circle(angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


CENTRES = on_circle(np.arange(12) * np.pi / 6.0)


def deconvolution(loss="square", strength=0.01):
    """Noisy values of two bumps on the circle, or their labels."""
    bumps = Bumps(CENTRES)
    values = bumps(on_circle([0.4, 2.0])).T @ [1.0, 0.6] + 0.05 * np.random.default_rng(3).normal(size=12)
    targets = values if loss == "square" else np.where(values > 0.3, 1.0, -1.0)
    features = Features(bumps, targets, loss)
    return features + Mass(strength) if strength > 0.0 else features


TARGET = np.array([[1.0, 0.3], [0.3, -0.5]])


def quadratic_optimum(strength):
    """Least value of |M - T|^2 / 2 + strength tr M over M >= 0, by the eigenvalues of T, and the mass there."""
    values = np.linalg.eigvalsh(TARGET)
    kept = np.maximum(values - strength, 0.0)
    return 0.5 * ((kept - values) ** 2).sum() + strength * kept.sum(), kept.sum()
