"""Random classification problems in which the labels depend on the first two coordinates only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.errors import InputError
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Clusters:
    r"""Law of labelled data: clusters on a square grid in the first two coordinates, and noise in the others.

    The centres of the k x k clusters are :math:`3/(3k - 1)` apart and their radius is :math:`1/(3k - 1)`, so that
    they fill :math:`[-1/2, 1/2]^2`. Other coordinates are uniform on :math:`[-1/2, 1/2]`.

    Parameters
    ----------
    labels : array, shape (k, k)
        Label +1 or -1 of each cluster.
    dimension : int
        Number D of inputs, at least 3: a first one that is always 1, the two coordinates of the clusters, and others.
    uniform_disk : bool
        Whether points are uniform on the disk of their cluster. By default their distance to the centre is uniform,
        as in the published figures, so that they are denser there.

    Raises
    ------
    InputError
        If the labels are not a square matrix of +1 and -1, or there are fewer than three inputs.

    References
    ----------
    Bach and Chizat (2022), Section 5.5.
    """

    labels: FloatArray
    dimension: int
    uniform_disk: bool = False

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels, dtype=np.float64)
        if labels.ndim != 2 or labels.size == 0 or labels.shape[0] != labels.shape[1]:
            raise InputError(f"labels of shape {labels.shape} are not allowed; give one for each cluster, shape (k, k)")
        if not np.isin(labels, (-1.0, 1.0)).all():
            raise InputError("labels of clusters must be +1 or -1")
        if self.dimension < 3:
            raise InputError(
                f"dimension = {self.dimension} is not allowed; give at least 3: a constant, two coordinates"
            )
        object.__setattr__(self, "labels", labels)

    @property
    def radius(self) -> float:
        """Radius of a cluster."""
        return 1.0 / (3.0 * len(self.labels) - 1.0)

    def draw(self, count: int, generator: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draw inputs (count, D), whose first column is 1, and their labels (count,)."""
        cluster = generator.integers(len(self.labels), size=(count, 2))
        centre = self.radius * (1.0 + 3.0 * cluster) - 0.5
        share, angle = generator.uniform(size=count), generator.uniform(0.0, 2.0 * np.pi, count)
        distance = self.radius * (np.sqrt(share) if self.uniform_disk else share)
        inputs = np.ones((count, self.dimension))
        inputs[:, 1:3] = centre + distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        inputs[:, 3:] = generator.uniform(-0.5, 0.5, (count, self.dimension - 3))
        return inputs, self.labels[cluster[:, 0], cluster[:, 1]]


def draw_clusters(side: int, dimension: int, generator: np.random.Generator, *, uniform_disk: bool = False) -> Clusters:
    """Draw which half (rounded down) of the clusters is labelled -1.

    Parameters
    ----------
    side : int
        Number k of clusters along each axis.
    dimension : int
        Number D of inputs, a constant and the two coordinates of the clusters among them.
    generator : numpy.random.Generator
        Source of the choice.
    uniform_disk : bool
        See `Clusters`.

    Raises
    ------
    InputError
        As `Clusters` does, or if there are fewer than two clusters along an axis.
    """
    if side < 2:
        raise InputError(f"side = {side} is not allowed; give at least 2 clusters along each axis")
    labels = np.ones(side * side)
    labels[generator.permutation(side * side)[: side * side // 2]] = -1.0
    return Clusters(labels.reshape(side, side), dimension, uniform_disk)
