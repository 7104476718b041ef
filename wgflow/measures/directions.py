"""Neurons at the start of a training, in any dimension: directions with signs, or balanced pairs (a, b)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.icosphere import unit
from wgflow.measures.particles import Particles
from wgflow.measures.sampling import draw_gaussian


def draw_directions(
    domain: Domain,
    mass: float,
    count: int,
    seed: int | None = None,
    method: str = "random",
    *,
    rng: np.random.Generator | None = None,
) -> Particles:
    """Draw particles of equal weight from the uniform measure on a unit sphere, half of it on each sheet.

    Parameters
    ----------
    domain : Domain
        Sphere of any dimension, also signed.
    mass : float
        Total mass, divided evenly.
    count, seed, method, rng
        See `draw_particles`.

    Raises
    ------
    InputError
        As `draw_gaussian` does.

    Examples
    --------
    >>> from wgflow import Hypersphere, Signed, draw_directions
    >>> draw_directions(Signed(Hypersphere(5)), 1.0, 8, seed=0).points.shape
    (8, 5)
    """
    signed, dimension = domain.sheets - 1, domain.points.shape[-1]
    normal = draw_gaussian(np.eye(dimension + signed), np.zeros(dimension + signed), mass, count, seed, method, rng=rng)
    signs = np.where(normal.points[:, 0] < 0.0, -1.0, 1.0) if signed else normal.signs
    return Particles(unit(normal.points[:, signed:]), normal.weights, signs, domain)


def draw_balanced(
    inputs: int,
    mass: float,
    count: int,
    seed: int | None = None,
    method: str = "random",
    *,
    rng: np.random.Generator | None = None,
) -> Particles:
    """Draw neurons (a, b) of equal weight with a = +1 or -1 and b uniform on the unit sphere.

    Parameters
    ----------
    inputs : int
        Number d of inputs; particles have d + 1 components.
    mass : float
        Total mass, divided evenly.
    count, seed, method, rng
        See `draw_particles`.

    Raises
    ------
    InputError
        As `draw_gaussian` does.

    References
    ----------
    Bach and Chizat (2022), Section 4.4.

    Examples
    --------
    >>> from wgflow import draw_balanced
    >>> draw_balanced(3, 1.0, 8, seed=0).points.shape
    (8, 4)
    """
    normal = draw_gaussian(np.eye(inputs + 1), np.zeros(inputs + 1), mass, count, seed, method, rng=rng)
    outputs = np.where(normal.points[:, :1] < 0.0, -1.0, 1.0)
    return replace(normal, points=np.hstack([outputs, unit(normal.points[:, 1:])]))
