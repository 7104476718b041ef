r"""Integrals of a link against what a neuron sees of it, by Gauss panels between kinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wgflow.networks.relu_means import RELU_MEANS, GaussianMeans
from wgflow.typing import FloatArray

EDGE = 12.0  # standard deviations beyond which a Gaussian is nothing
FAR = 37.0  # and its density no number
PIECES = EDGE * np.linspace(-1.0, 1.0, 5)  # where panels end that resolve polynomials
PANEL_NODES = 40
LEAST = 1e-12  # slope of an argument
LOWEST = 1e-8  # height at which Laplacians at the rim, even functions of it, are found
AT_ONCE = 2**21  # values of the link


@dataclass(frozen=True)
class LinkQuadrature:
    """Integrals of a function of one or two projections.

    Parameters
    ----------
    function : callable
        Of k arrays, vectorised.
    maps : array, shape (k, k)
        Arguments of the function as combinations of the orthonormal projections z.
    kinks : tuple of float
        Values of an argument at which the function is not smooth.
    """

    function: Callable[..., FloatArray]
    maps: FloatArray
    kinks: tuple[float, ...]

    def second_moment(self) -> float:
        """The mean of the square of the function."""
        along = np.eye(1, len(self.maps))
        nodes, weights = self._rows(self._panels(along, np.array([[-0.5 * EDGE, 0.0, 0.5 * EDGE]])))
        values, masses, _ = self._values(nodes, along)
        return float(np.sum(weights[..., None] * values**2 * masses))

    def potential(self, points: FloatArray, neuron: GaussianMeans = RELU_MEANS) -> tuple[FloatArray, FloatArray]:
        r"""Give T and its gradient at points (m, k + 1), for ReLU neurons or others with a kink at 0.

        The axis a of the integrals is along p. From the sign of p . z the rest, a Gaussian tail, is within
        :math:`|a| \le 12 r / |p|`.
        """
        found = [self._potential(part, neuron) for part in self._parts(points)]
        return np.concatenate([values for values, _ in found]), np.concatenate([slopes for _, slopes in found])

    def bends(self, points: FloatArray, dimension: int) -> FloatArray:
        r"""Give the Laplacian (m,) of T along the unit sphere of a dimension n >= k at unit vectors (m, k + 1).

        The rest of a point has n - k + 1 components, of which the last one of ``points`` is the length. At unit vectors
        the neuron bends where :math:`|p| a + r g = 0`, so that, with b the projection across p,

        .. math:: \Delta T = E f(z)\, \phi(|p| a / r) (a^2 / r^2 + b^2 + n - k) / r - n T.
        """
        return np.concatenate([self._bends(part, dimension) for part in self._parts(points)])

    def _parts(self, points: FloatArray) -> list[FloatArray]:
        """Points in parts of so many that their nodes fit into memory."""
        panels = 4 + 3 * len(self.maps) * len(self.kinks)
        per_point = panels * PANEL_NODES * (1 if len(self.maps) == 1 else panels * PANEL_NODES)
        size = max(AT_ONCE // per_point, 1)
        return [points[first : first + size] for first in range(0, max(len(points), 1), size)]

    def _nodes(self, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Unit vectors along p of points, (m, k), with nodes of projections on it and their weights, (m, n)."""
        lengths, height = np.linalg.norm(points[:, :-1], axis=1), points[:, -1]
        axis = np.eye(1, len(self.maps))
        along = np.where(
            (lengths > 0.0)[:, None], points[:, :-1] / np.where(lengths > 0.0, lengths, 1.0)[:, None], axis
        )
        narrow = np.minimum(EDGE, EDGE * np.abs(height) / np.maximum(lengths, 1e-300))
        panels = self._panels(along, np.stack([-narrow, np.zeros_like(narrow), narrow], axis=1))
        return along, *self._rows(panels)

    def _potential(self, points: FloatArray, neuron: GaussianMeans) -> tuple[FloatArray, FloatArray]:
        lengths, height = np.linalg.norm(points[:, :-1], axis=1), points[:, -1]
        along, nodes, weights = self._nodes(points)
        values, masses, across = self._values(nodes, along)
        mean = (values * masses).sum(axis=-1)
        side = (values * masses * across).sum(axis=-1)
        seen, by_shift, by_height = neuron(nodes * lengths[:, None], np.abs(height)[:, None])
        slopes = np.empty(points.shape)
        slopes[:, :-1] = (weights * by_shift * nodes * mean).sum(axis=1)[:, None] * along
        if len(self.maps) == 2:
            slopes[:, :-1] += (weights * by_shift * side).sum(axis=1)[:, None] * _across(along)
        slopes[:, -1] = (weights * by_height * mean).sum(axis=1)
        return (weights * seen * mean).sum(axis=1), slopes

    def hermite_coefficients(self, functions: Callable[[FloatArray, int], FloatArray], order: int) -> FloatArray:
        """Coefficients of the function in products of normalised Hermite polynomials of the projections.

        Parameters
        ----------
        functions : callable
            From places and an order to the polynomials times e^(-z^2/4), as of `hermite_functions`.
        order : int
            The largest order K.

        Returns
        -------
        array, shape (K + 1,) or (K + 1, K + 1)
        """
        along = np.eye(1, len(self.maps))
        nodes, weights = self._rows(self._panels(along, PIECES[None, :]))
        values, masses, across = self._values(nodes, along)
        rows = functions(nodes[0], order) * (weights[0] * np.exp(0.25 * nodes[0] ** 2))
        values, masses, across = values[0], masses[0], across[0]
        if len(self.maps) == 1:
            return rows @ values[:, 0]
        sides = functions(across, order) * np.exp(0.25 * across**2)
        return np.asarray(rows @ np.einsum("jnc,nc->nj", sides, values * masses))

    def _bends(self, points: FloatArray, dimension: int) -> FloatArray:
        from scipy.special import ndtr

        lengths, height = np.linalg.norm(points[:, :-1], axis=1), np.maximum(np.abs(points[:, -1]), LOWEST)
        points = np.column_stack([points[:, :-1], height])
        along, nodes, weights = self._nodes(points)
        values, masses, across = self._values(nodes, along)
        ratio = _ratio(points, nodes)
        mean, second = ((values * masses * factor).sum(axis=-1) for factor in (1.0, across**2))
        here = weights * np.exp(-0.5 * ratio**2) / np.sqrt(2.0 * np.pi)
        turned = ((nodes / height[:, None]) ** 2 + dimension - len(self.maps)) * mean + second
        potential = lengths * (weights * ndtr(ratio) * nodes * mean).sum(axis=1) + height * (here * mean).sum(axis=1)
        return np.asarray((here * turned).sum(axis=1) / height - dimension * potential)

    def _rows(self, ends: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Nodes and weights, with the Gaussian density, of panels between the ends (m, e) of each row."""
        unit, weight = np.polynomial.legendre.leggauss(PANEL_NODES)
        middle, half = 0.5 * (ends[:, 1:] + ends[:, :-1]), 0.5 * (ends[:, 1:] - ends[:, :-1])
        nodes = (middle[..., None] + half[..., None] * unit).reshape(len(ends), -1)
        weights = (half[..., None] * weight).reshape(len(ends), -1)
        return nodes, weights * np.exp(-0.5 * nodes**2) / np.sqrt(2.0 * np.pi)

    def _panels(self, along: FloatArray, ends: FloatArray) -> FloatArray:
        """Ends (m, e) of panels along axes (m, k), sorted: given ones, those of Gaussians, and what kinks ask for.

        Averaged across the axis, a kink is as wide as the tail of a Gaussian.
        """
        shifts = along @ self.maps.T
        slopes = np.abs(_across(along) @ self.maps.T) if len(self.maps) == 2 else np.zeros_like(shifts)
        safe = np.where(np.abs(shifts) < LEAST, LEAST, shifts)
        wide = EDGE * np.array([-1.0, 0.0, 1.0] if len(self.maps) == 2 else [0.0])
        kinks = [
            (kink + side * slopes[:, [argument]]) / safe[:, [argument]]
            for kink in self.kinks
            for argument in range(len(self.maps))
            for side in wide
        ]
        outer = np.broadcast_to([-EDGE, EDGE], (len(along), 2))
        return np.sort(np.clip(np.concatenate([ends, outer, *kinks], axis=1), -EDGE, EDGE), axis=1)

    def _values(self, nodes: FloatArray, along: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values (m, n, c) of the link at places along (m, n) and across it, with weights and places across."""
        if len(self.maps) == 1:
            values = np.asarray(self.function(self.maps[0, 0] * along * nodes), dtype=np.float64)[..., None]
            return values, np.ones_like(values), np.zeros_like(values)
        slopes, shifts = _across(along) @ self.maps.T, along @ self.maps.T  # of the arguments in b, and in a; (m, 2)
        ends = [np.full(nodes.shape, -EDGE), np.zeros(nodes.shape), np.full(nodes.shape, EDGE)]
        for argument in range(2):
            slope = slopes[:, argument, None]
            safe = np.where(np.abs(slope) < LEAST, LEAST, slope)
            ends += [np.clip((kink - shifts[:, argument, None] * nodes) / safe, -EDGE, EDGE) for kink in self.kinks]
        rows = np.sort(np.stack(ends, axis=-1), axis=-1)
        places, weights = self._rows(rows.reshape(-1, rows.shape[-1]))
        places, weights = places.reshape(*nodes.shape, -1), weights.reshape(*nodes.shape, -1)
        arguments = [shifts[:, i, None, None] * nodes[..., None] + slopes[:, i, None, None] * places for i in range(2)]
        return np.asarray(self.function(*arguments), dtype=np.float64), weights, places


def _ratio(points: FloatArray, nodes: FloatArray) -> FloatArray:
    """|p| a / r of points (m, k + 1) and nodes (m, n), where the Gaussian density is a number."""
    lengths, height = np.linalg.norm(points[:, :-1], axis=1), np.abs(points[:, -1])
    return np.clip(nodes * (lengths / np.maximum(height, 1e-300))[:, None], -FAR, FAR)


def _across(along: FloatArray) -> FloatArray:
    """Unit vectors (m, 2) a quarter of a turn from others."""
    return np.stack([-along[:, 1], along[:, 0]], axis=1)
