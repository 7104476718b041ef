"""The Laplacian of the population risk's first variation at neurons."""

from __future__ import annotations

import numpy as np

from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles
from wgflow.networks.arc_cosine import PairSums
from wgflow.networks.arc_sums import planar_sines, planar_sums
from wgflow.typing import FloatArray


def neuron_laplacian(particles: Particles, directions: FloatArray, weights: FloatArray) -> FloatArray:
    r"""Sum over all pairs of particles and the neurons of a teacher of the Laplacian of the arc-cosine kernel k.

    At unit vectors that along the sphere of R^p,

    .. math:: \Delta k = (\sin \varphi - (p - 1)(\pi - \varphi) \cos \varphi) / (2 \pi),

    at pairs (a, b) that of a k, :math:`a\, p\, |v| \sin\varphi / (2 \pi |b|)` with p components of b.

    Parameters
    ----------
    particles : Particles
        Directions with signs, or pairs.
    directions, weights : arrays, shapes (k, p) and (k,)
        The teacher.

    Returns
    -------
    array, shape (m,)

    Raises
    ------
    ShapeError
        If they have another dimension than the teacher.
    InputError
        Of one input, where pairs have kinks.
    """
    points, inputs = particles.points, directions.shape[1]
    if points.shape[1] not in (inputs, inputs + 1):
        raise ShapeError(f"particles in {points.shape[1]} dimensions do not fit a teacher in {inputs}")
    pairs = points.shape[1] == inputs + 1
    if inputs == 1 and pairs:
        raise InputError(
            "neurons of one input have a kink at b = 0, where the density along characteristics has no meaning; use "
            "particles or finite volumes"
        )
    inner, outputs = (points[:, 1:], points[:, 0]) if pairs else (points, np.ones(len(points)))
    charges = particles.weights * particles.signs * outputs
    sources, masses = np.concatenate([inner, directions]), np.concatenate([charges, -weights])
    values, sines = _sums(inner, sources, masses)
    bend = inputs * sines / np.linalg.norm(inner, axis=1) if pairs else inputs * sines - (inputs - 1) * values
    return np.asarray(particles.signs * outputs * bend)


def _sums(points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sums of the kernel and of sines over 2 pi, shapes (m,); see `PairSums.with_sines`."""
    if points.shape[1] == 2:
        return planar_sums(points, sources, masses)[0], planar_sines(points, sources, masses)
    return PairSums(points, sources).with_sines(masses)
