"""Exact solutions of flows, as functions of time, whose errors `estimates.py` estimates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.exact import quadratic_flow
from wgflow.problems.exact_profiles import Barenblatt
from wgflow.typing import FloatArray

Density = Callable[[FloatArray], FloatArray]


def averaged(density: Callable[[float], Density]) -> Callable[[Domain, float], FloatArray]:
    """Cell averages of a solution given as a function of points at each time."""
    return lambda domain, time: cell_averages(domain, density(time))


def gaussian(covariance: FloatArray) -> Density:
    """Density of N(0, covariance)."""
    inverse, scale = np.linalg.inv(covariance), np.linalg.det(2.0 * np.pi * covariance) ** -0.5
    return lambda points: scale * np.exp(-0.5 * np.einsum("...i,ij,...j->...", points, inverse, points))


def bowl(points: FloatArray) -> FloatArray:
    """|x|^2 / 2."""
    return 0.5 * (points**2).sum(axis=-1)


def angular(target: FloatArray, start: FloatArray) -> Callable[[float], Density]:
    """The flow of quadratic features on the circle or sphere."""
    return lambda time: quadratic_flow(target, start, time)


def riccati(target: FloatArray, start: FloatArray) -> Callable[[float], Density]:
    """The flow of quadratic features on a box."""
    return lambda time: gaussian(quadratic_flow(target, start, time).covariance)


def dilation(time: float) -> Density:
    """F = (int x^2 dmu - 1)^2 / 2 dilates N(0, 0.09)."""
    return gaussian(np.array([[0.09 / (0.09 + 0.91 * np.exp(-4.0 * time))]]))


def ornstein_uhlenbeck(time: float) -> Density:
    """The variance goes from 0.3 to 1."""
    return gaussian(np.array([[1.0 - 0.7 * np.exp(-2.0 * time)]]))


def fokker_planck(time: float) -> Density:
    """Solution on [0, 1] with V = -x, walls at both ends."""

    def density(points: FloatArray) -> FloatArray:
        x = points[..., 0]
        wave = np.pi * np.cos(np.pi * x) + 0.5 * np.sin(np.pi * x)
        return np.exp(-(np.pi**2 + 0.25) * time + 0.5 * x) * wave + np.pi * np.exp(x - 0.5)

    return density


def harmonic(time: float) -> Density:
    """Heat on the sphere: a harmonic of degree 2 decays like exp(-6t)."""
    return lambda points: 1.0 + 0.8 * np.exp(-6.0 * time) * points[..., 0] * points[..., 1]


def sobolev(domain: Domain, time: float) -> FloatArray:
    """On the torus -J'' = mu - 1 moves points by their wave times 1 - exp(-t)."""
    cells = domain.shape[0]
    labels = np.linspace(0.0, 1.0, 400 * cells + 1)
    waves = 0.8 * np.sin(2.0 * np.pi * labels) / (2.0 * np.pi)
    held = np.interp(np.linspace(0.0, 1.0, cells + 1), labels + waves * (1.0 - np.exp(-time)), labels + waves)
    return np.diff(held) * cells


def barenblatt(exponent: float) -> Callable[[Domain, float], FloatArray]:
    """Spreading of a porous medium from t = 1 on."""

    def averages(domain: Domain, time: float) -> FloatArray:
        if not isinstance(domain, Box):
            raise TypeError(f"{domain!r} is not a box")
        return Barenblatt(exponent, len(domain.shape)).averages(domain, 1.0 + time)

    return averages


def contraction(time: float) -> Density:
    """V = x^2 / 2 contracts N(0, 0.6)."""
    return gaussian(np.array([[0.6 * np.exp(-2.0 * time)]]))


def valued(density: Callable[[float], Density]) -> Callable[[Domain, float], FloatArray]:
    """Values at the cell centres of a solution given as a function of points at each time."""
    return lambda domain, time: point_values(domain, density(time))
