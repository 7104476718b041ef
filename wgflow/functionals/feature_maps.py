"""Feature maps Psi: points to features, with the gradients that particles need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wgflow.domains import Domain
from wgflow.functionals.differences import central_differences
from wgflow.functionals.second_moments import SecondMoments
from wgflow.typing import FloatArray

FeatureFunction = Callable[[FloatArray], FloatArray]


class FeatureMap(Protocol):
    """A feature map with its derivative: points (N, p) to features (N, n).

    What else a map may have is used where it is there:

    ``jacobian(points)``, ``hessian(points, coefficients)``, ``jet(points, coefficients)``
        Further derivatives, see ``jacobian_of``, ``hessian_of`` and `jet_of`; central differences else.
    ``is_smooth``, ``has_kinks``
        Whether second derivatives are smooth everywhere, and whether there are places that have none.
    ``sums``
        Sums over particles and features that store no matrix of them, with the methods ``forward(points, charges)``,
        ``backward(activations, coefficients)`` and ``values(points, coefficients, values)``, or None.
    ``moments_on(domain, count, memory_limit)``
        The ``Moments`` of a domain on which the map knows a faster way than a dense matrix, None on all others.
    ``feature_count``
        The number n, or None, so that targets can be checked before anything is computed.
    ``spacing``
        Spacing of numbers near 1 in its arithmetic, where that is not double precision.
    ``restricted(rows)``
        The map to some of the features alone, for batches of the data that they belong to.
    ``at_inputs(inputs)``
        The same map for other data (k, d), one feature each, for predictions there.
    """

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at the points, shape (N, n)."""

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of ``sum_i coefficients_i Psi_i`` at the points, shape (N, p)."""


@dataclass(frozen=True)
class OuterProduct:
    r"""Quadratic features :math:`\Psi(w) = w w^T`, flattened to (N, p^2)."""

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, p^2)."""
        return (points[:, :, None] * points[:, None, :]).reshape(len(points), -1)

    def moments_on(self, domain: Domain, count: int, memory_limit: float) -> SecondMoments | None:  # noqa: ARG002
        """Sums along rows on boxes of two or three dimensions; None elsewhere."""
        box = domain.base.lattice
        return SecondMoments(box) if box is domain.base and len(box.shape) > 1 else None

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Gradient ``(A + A^T) w`` of ``w^T A w``, shape (N, p)."""
        matrix = coefficients.reshape(points.shape[1], -1)
        return points @ (matrix + matrix.T)

    def jacobian(self, points: FloatArray) -> FloatArray:
        """Gradient of each feature, shape (N, p^2, p)."""
        count, p = points.shape
        by_left = np.einsum("ik,nj->nijk", np.eye(p), points)
        return (by_left + by_left.transpose(0, 2, 1, 3)).reshape(count, p * p, p)

    def hessian(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Hessian ``A + A^T``, the same everywhere, shape (N, p, p)."""
        matrix = coefficients.reshape(points.shape[1], -1)
        return np.broadcast_to(matrix + matrix.T, (len(points), *matrix.shape))


@dataclass(frozen=True)
class OrbitProduct:
    r"""Quadratic features averaged over rotations of the rest, at points (p, r) of a half circle or half sphere.

    They are :math:`p p^T`, flattened, and :math:`r^2 / \sqrt n`, so that the distance of their moments is that of the
    moments of :math:`w w^T` in :math:`R^{k+n}`.

    Parameters
    ----------
    rest : int
        Dimension n of the rest.
    """

    rest: int

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at points (N, k + 1), shape (N, k^2 + 1)."""
        return np.column_stack([OuterProduct()(points[:, :-1]), points[:, -1] ** 2 / np.sqrt(self.rest)])

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Gradient of a combination, shape (N, k + 1)."""
        along = OuterProduct().gradient(points[:, :-1], coefficients[:-1])
        return np.column_stack([along, 2.0 * coefficients[-1] / np.sqrt(self.rest) * points[:, -1]])


def weighted_squares(weights: FloatArray, vectors: FloatArray) -> FloatArray:
    """Matrices ``sum_i weights_ki v_i v_i^T``, shapes (N, n) and (n, p) to (N, p, p)."""
    count, p = vectors.shape
    return (weights @ (vectors[:, :, None] * vectors[:, None, :]).reshape(count, p * p)).reshape(-1, p, p)


@dataclass(frozen=True)
class DifferencedFeatures:
    """A plain function with the gradient found by central differences."""

    function: FeatureFunction

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, n)."""
        return self.function(points)

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of the combination, shape (N, p)."""
        return central_differences(lambda moved: self.function(moved) @ coefficients, points)


def with_gradient(fn: FeatureFunction) -> FeatureMap:
    """Give features a gradient: their own, or central differences."""
    return fn if hasattr(fn, "gradient") else DifferencedFeatures(fn)  # type: ignore[return-value]


def jacobian_of(fn: FeatureFunction, points: FloatArray) -> FloatArray:
    """Ambient gradient of each feature, shape (N, n, p): the map's own ``jacobian``, or central differences."""
    own: FeatureFunction | None = getattr(fn, "jacobian", None)
    return central_differences(fn, points) if own is None else own(points)


def hessian_of(fn: FeatureFunction, points: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Ambient Hessian of a combination, shape (N, p, p): the map's own, or central differences of its gradient."""
    own: Callable[[FloatArray, FloatArray], FloatArray] | None = getattr(fn, "hessian", None)
    if own is not None:
        return own(points, coefficients)
    rough = central_differences(lambda moved: with_gradient(fn).gradient(moved, coefficients), points)
    return 0.5 * (rough + rough.transpose(0, 2, 1))


def jet_of(
    fn: FeatureFunction, points: FloatArray, coefficients: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A combination of features with its first two derivatives, which share what they are computed from.

    Returns
    -------
    values, gradient, hessian : arrays, shapes (N,), (N, p) and (N, p, p)
        By the map's own ``jet`` where it has one.
    """
    own: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]] | None = getattr(fn, "jet", None)
    if own is not None:
        return own(points, coefficients)
    gradient = with_gradient(fn).gradient(points, coefficients)
    return fn(points) @ coefficients, gradient, hessian_of(fn, points, coefficients)
