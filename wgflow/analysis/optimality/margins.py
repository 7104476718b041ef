r"""Largest margins of classifiers on labelled data, to which the training of two-layer networks is biased.

Of infinitely wide networks of which both layers are trained, and of those of which only the output layer is, the
limits maximise the margin relative to two norms, the variation norm Omega and that of a reproducing kernel space:

.. math:: \gamma_1 = \max_f \min_i \frac{y_i f(x_i)}{\Omega(f)}, \qquad
          \gamma_2 = \max_f \min_i \frac{y_i f(x_i)}{|f|_H}, \qquad \gamma_2 \le \gamma_1.

Omega(f) is the least total variation of a signed measure :math:`\nu` on the unit sphere of R^D with
:math:`f = \int (\eta \cdot x)_+ d\nu(\eta)`; in H the measure has a density with respect to the uniform probability,
and the norm is that of the density in L2. A bias is an input that is always 1, and counts in D.

References
----------
Bach and Chizat (2022), Section 5; Chizat and Bach (2020), Implicit bias of gradient descent for wide two-layer neural
networks trained with the logistic loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from wgflow.analysis.optimality.arrangement import DirectionSearch, make_direction_search
from wgflow.analysis.optimality.svm import HardMargin, factor, hard_margin, not_separable
from wgflow.errors import ComputationError, InputError, ShapeError
from wgflow.measures import Particles
from wgflow.networks.population import arc_cosine_kernel
from wgflow.networks.relu import check_inputs
from wgflow.typing import FloatArray

KernelFunction = Callable[[FloatArray, FloatArray], FloatArray]

ROUNDS = 200
COLUMNS = 100  # that may join in a round
LEAST_MARGIN = 1e-9  # over the largest |x_i|
LEAST_WEIGHT = 1e-10  # of an atom, over the total
PRIMAL_TOLERANCE = 1e-10  # of the linear program, whose smallest allowed value this is


@dataclass(frozen=True)
class _Margin:
    """What all margins have in common.

    Parameters
    ----------
    margin : float
        Margin of the classifier that was found, of norm 1.
    upper_bound : float
        What no classifier exceeds, by the multipliers.
    multipliers : array, shape (n,)
        Weights of the data, of sum 1; positive only at points whose margin is the least.
    """

    margin: float
    upper_bound: float
    multipliers: FloatArray = field(repr=False)

    @property
    def gap(self) -> float:
        """Share of the upper bound that may be missing."""
        return (self.upper_bound - self.margin) / self.upper_bound if np.isfinite(self.upper_bound) else np.inf


@dataclass(frozen=True)
class MaxMargin(_Margin):
    """Largest margin in the variation norm.

    Parameters
    ----------
    margin, upper_bound, multipliers
        Margin of ``measure``, bound (infinite where the search for neurons is not exact) and weights of the data.
    measure : Particles
        Atoms (unit vectors), weights of sum 1 and signs of a network with this margin.
    """

    measure: Particles = field(repr=False)

    @property
    def exact(self) -> bool:
        """Whether ``upper_bound`` is one: in two and three dimensions."""
        return bool(np.isfinite(self.upper_bound))

    def predict(self, inputs: ArrayLike) -> FloatArray:
        """Predictions of the classifier at inputs (k, D), shape (k,)."""
        charges = self.measure.weights * self.measure.signs
        return np.maximum(_fitting(inputs, self.measure.points.shape[1]) @ self.measure.points.T, 0.0) @ charges


@dataclass(frozen=True)
class KernelMargin(_Margin):
    """Largest margin in the norm of a reproducing kernel space.

    Parameters
    ----------
    margin, upper_bound, multipliers
        As in `MaxMargin`.
    inputs : array, shape (n, D)
        Data points.
    coefficients : array, shape (n,)
        Of the kernel functions of the data in the classifier.
    kernel : callable
        Kernel for all pairs of rows, shapes (k, D) and (n, D) to (k, n).
    """

    inputs: FloatArray = field(repr=False)
    coefficients: FloatArray = field(repr=False)
    kernel: KernelFunction = field(repr=False)

    def predict(self, inputs: ArrayLike) -> FloatArray:
        """Predictions of the classifier at inputs (k, D), shape (k,)."""
        return self.kernel(_fitting(inputs, self.inputs.shape[1]), self.inputs) @ self.coefficients


@dataclass(frozen=True)
class FeatureMargin(_Margin):
    """Largest margin of a linear combination of features.

    Parameters
    ----------
    margin, upper_bound, multipliers
        As in `MaxMargin`.
    coefficients : array, shape (m,)
        Of the features in the classifier.
    """

    coefficients: FloatArray = field(repr=False)

    def predict(self, features: ArrayLike) -> FloatArray:
        """Predictions of the classifier at points with given features (k, m), shape (k,)."""
        return _fitting(features, len(self.coefficients)) @ self.coefficients


def variation_margin(inputs: ArrayLike, labels: ArrayLike, tolerance: float = 1e-6) -> MaxMargin:
    r"""Largest margin :math:`\gamma_1` relative to the variation norm, by column generation.

    A linear program chooses among finitely many neurons; its multipliers :math:`\lambda` bound the margin from above
    by :math:`\max_\eta |\sum_i \lambda_i y_i (\eta \cdot x_i)_+|`, and the neurons where this is attained join. The
    maximum is exact for D = 2 and 3. For D > 3 it is found by local ascent: ``margin`` is then a lower bound only.

    Parameters
    ----------
    inputs : array, shape (n, D)
        Data points, D >= 2, with a constant component where there is a bias.
    labels : array, shape (n,)
        +1 or -1.
    tolerance : float
        Wanted ``gap``, in [1e-9, 0.1].

    Raises
    ------
    InputError
        If an argument is not allowed, or the data are not separable.
    ComputationError
        If the linear program failed or the gap was not reached.

    Examples
    --------
    >>> found = wgflow.variation_margin([[1.0, 1.0], [0.0, 1.0], [-1.0, 1.0]], [1, -1, 1])  # x = 1, 0, -1, with a bias
    >>> round(found.margin, 4), found.exact, found.gap < 1e-6
    (0.2, True, True)

    References
    ----------
    Bach and Chizat (2022), Section 5.3; Bach (2017), Breaking the curse of dimensionality with convex neural networks,
    Section 2.5, for the column generation.
    """
    points, signs = check_labelled(inputs, labels)
    if points.shape[1] < 2:
        raise InputError("inputs with one component have no sphere of neurons; append a component 1 for a bias")
    if not 1e-9 <= tolerance <= 0.1:
        raise InputError(f"tolerance = {tolerance!r} is not allowed; give a number from 1e-9 to 0.1")
    lengths = np.linalg.norm(points, axis=1)
    if lengths.min() == 0.0:
        raise not_separable()  # every network without biases is 0 there
    scale = float(lengths.max())
    return _generate_columns(points / scale, signs, scale, tolerance)


def _generate_columns(points: FloatArray, labels: FloatArray, scale: float, tolerance: float) -> MaxMargin:
    search = make_direction_search(points)
    directions, values = search(labels / len(labels), COLUMNS)
    columns, signs = directions, np.sign(values)
    upper = np.inf
    for _ in range(ROUNDS):
        weights, multipliers = _master(points, labels, columns, signs)
        margin = float((labels * (_neurons(columns, points) @ (weights * signs))).min())
        directions, values = search(multipliers * labels, COLUMNS)
        upper = min(upper, abs(float(values[0])))
        if upper <= LEAST_MARGIN:
            raise not_separable()
        if upper - margin <= tolerance * upper or (not search.exact and abs(values[0]) <= margin * (1.0 + tolerance)):
            return _found(search, scale, margin, upper, multipliers, Particles(columns, weights, signs))
        better = np.abs(values) > margin
        columns, signs = np.concatenate([columns, directions[better]]), np.append(signs, np.sign(values[better]))
    raise ComputationError(f"the margin is known to {1.0 - margin / upper:.1e} only after {ROUNDS} rounds")


def _found(
    search: DirectionSearch, scale: float, margin: float, upper: float, multipliers: FloatArray, measure: Particles
) -> MaxMargin:
    kept = measure.weights > LEAST_WEIGHT
    weights = measure.weights[kept]
    return MaxMargin(
        scale * margin,
        scale * upper if search.exact else np.inf,
        multipliers,
        Particles(measure.points[kept], weights / weights.sum(), measure.signs[kept]),
    )


def _master(
    points: FloatArray, labels: FloatArray, columns: FloatArray, signs: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Weights (K,) of sum 1 of neurons with the largest margin, and multipliers (n,) of sum 1 of the data."""
    from scipy.optimize import linprog

    margins = labels[:, None] * _neurons(columns, points) * signs
    level = float(np.abs(margins).max())
    count, wanted = margins.shape
    program = linprog(
        np.append(np.zeros(wanted), -1.0),
        A_ub=np.hstack([-margins / level, np.ones((count, 1))]),
        b_ub=np.zeros(count),
        A_eq=np.append(np.ones(wanted), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0.0, None)] * wanted + [(None, None)],
        method="highs",
        options={"primal_feasibility_tolerance": PRIMAL_TOLERANCE, "dual_feasibility_tolerance": PRIMAL_TOLERANCE},
    )
    if not program.success:
        raise ComputationError(f"the linear program of the margin failed: {program.message}")
    weights = np.maximum(np.asarray(program.x)[:-1], 0.0)
    multipliers = np.maximum(-program.ineqlin.marginals, 0.0)
    return weights / weights.sum(), multipliers / multipliers.sum()


def _neurons(columns: FloatArray, points: FloatArray) -> FloatArray:
    return np.maximum(points @ columns.T, 0.0)


def kernel_margin(inputs: ArrayLike, labels: ArrayLike, kernel: KernelFunction | None = None) -> KernelMargin:
    r"""Largest margin :math:`\gamma_2` in a reproducing kernel space: the support vector machine without offset.

    Parameters
    ----------
    inputs : array, shape (n, D)
        Data points.
    labels : array, shape (n,)
        +1 or -1.
    kernel : callable, optional
        Positive definite kernel for all pairs of rows; by default that of neurons with uniform directions,
        :math:`|x||x'| (\sin p + (\pi - p) \cos p) / (2 \pi D)`, p the angle of x and x'.

    Raises
    ------
    InputError
        If an argument is not allowed, or the data are not separable.

    Examples
    --------
    >>> x = [[1.0, 1.0], [0.0, 1.0], [-1.0, 1.0]]  # 1, 0, -1, with a bias
    >>> found = wgflow.kernel_margin(x, [1, -1, 1])
    >>> round(found.margin, 3), np.sign(found.predict(x))
    (0.1, array([ 1., -1.,  1.]))
    """
    points, signs = check_labelled(inputs, labels)
    chosen = uniform_kernel if kernel is None else kernel
    gram = np.asarray(chosen(points, points), dtype=np.float64)
    if gram.shape != (len(points), len(points)):
        raise ShapeError(
            f"the kernel gives the shape {gram.shape} for {len(points)} points; allowed is one row for each"
        )
    found = hard_margin(signs[:, None] * factor(gram))
    coefficients = found.multipliers * signs
    coefficients /= np.sqrt(coefficients @ gram @ coefficients)
    return KernelMargin(found.margin, found.upper_bound, found.multipliers, points, coefficients, chosen)


def uniform_kernel(first: FloatArray, second: FloatArray) -> FloatArray:
    """Kernel of neurons with uniform directions on the unit sphere of R^D, rows (k, D) and (n, D) to (k, n)."""
    return arc_cosine_kernel(first, second) / first.shape[1]


def feature_margin(features: ArrayLike, labels: ArrayLike) -> FeatureMargin:
    r"""Largest margin of networks :math:`h = \frac1m \sum_j a_j \varphi_j` with given features, over |a| / sqrt(m).

    With :math:`\varphi_j(x) = (b_j \cdot x)_+` and :math:`b_j` uniform on the unit sphere of R^D it tends to that of
    `kernel_margin` as m grows; with b_j from N(0, I) it is sqrt(D) times that.

    Parameters
    ----------
    features : array, shape (n, m)
        Features at the data points.
    labels : array, shape (n,)
        +1 or -1.

    Returns
    -------
    FeatureMargin
        Its ``coefficients`` are a / m, with |a| = sqrt(m).

    Raises
    ------
    InputError
        If an argument is not allowed, or the data are not separable.

    Examples
    --------
    >>> features = [[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]]  # 1 and x^2 at x = -1, 0, 1
    >>> found = wgflow.feature_margin(features, [1, -1, 1])
    >>> round(found.margin, 4), found.predict(features).round(4)
    (0.3162, array([ 0.3162, -0.3162,  0.3162]))
    """
    matrix, signs = check_labelled(features, labels)
    return _combined(matrix, signs, 1.0 / np.sqrt(matrix.shape[1]))


def linear_margin(inputs: ArrayLike, labels: ArrayLike) -> FeatureMargin:
    r"""Largest margin of linear classifiers, :math:`\max_{|w| \le 1} \min_i y_i w \cdot x_i`, through the origin.

    Parameters
    ----------
    inputs : array, shape (n, D)
        Data points, with a constant component where there is an offset.
    labels : array, shape (n,)
        +1 or -1.

    Returns
    -------
    FeatureMargin
        Its ``coefficients`` are w, of length 1.

    Raises
    ------
    InputError
        If an argument is not allowed, or the data are not linearly separable.

    Examples
    --------
    >>> found = wgflow.linear_margin([[3.0, 4.0], [-3.0, -4.0]], [1, -1])
    >>> round(found.margin, 4), found.coefficients.round(4)
    (5.0, array([0.6, 0.8]))
    """
    matrix, signs = check_labelled(inputs, labels)
    return _combined(matrix, signs, 1.0)


def _combined(features: FloatArray, labels: FloatArray, scale: float) -> FeatureMargin:
    vectors = scale * labels[:, None] * features
    # Where there are more features than points, the products of the points say as much in fewer numbers.
    wide = vectors.shape[1] > vectors.shape[0]
    found: HardMargin = hard_margin(factor(vectors @ vectors.T) if wide else vectors)
    sum_vector = found.multipliers @ vectors
    coefficients = scale * sum_vector / np.linalg.norm(sum_vector)
    return FeatureMargin(found.margin, found.upper_bound, found.multipliers, coefficients)


def check_labelled(inputs: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Data points (n, D) and labels (n,) as arrays; raises InputError unless they fit and labels are +1 or -1."""
    points = check_inputs(inputs)
    signs = np.atleast_1d(np.asarray(labels, dtype=np.float64))
    if signs.shape != (len(points),):
        raise ShapeError(f"{len(points)} data points have labels of shape {signs.shape}; give one label each")
    if not np.isin(signs, (-1.0, 1.0)).all():
        raise InputError(f"labels hold {signs[~np.isin(signs, (-1.0, 1.0))][0]:g}; allowed are +1 and -1")
    return points, signs


def _fitting(inputs: ArrayLike, components: int) -> FloatArray:
    points = check_inputs(inputs)
    if points.shape[1] != components:
        raise ShapeError(f"inputs of shape {points.shape} do not fit the classifier; allowed is (k, {components})")
    return points
