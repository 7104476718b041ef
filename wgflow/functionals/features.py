"""F(mu) = R(int Psi dmu) for feature maps Psi and convex risks R."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.geometry import Geometry
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.base import ROUND_OFF, Functional, ParticlePotential
from wgflow.functionals.checks import check_callable, values_of
from wgflow.functionals.factors import RISKS_FALL, check_positive_factor
from wgflow.functionals.feature_maps import FeatureFunction, OuterProduct, hessian_of, with_gradient
from wgflow.functionals.grid import GridFunctional, SheetSums, SquareRisk
from wgflow.functionals.laplacians import divergence
from wgflow.functionals.losses import HALF_SQUARED_NORM, Loss
from wgflow.functionals.moments import MEMORY_LIMIT, make_moments
from wgflow.functionals.own_losses import PointwiseLoss, as_loss, check_loss
from wgflow.functionals.repeated_data import without_repeats
from wgflow.measures import Particles, require_particles
from wgflow.ranks.work import all_blocks, all_rows, own_blocks
from wgflow.system.stages import tell_stage
from wgflow.typing import FloatArray

BLOCKS, BLOCKS_FROM = 8, 100_000  # of particles where they have so many features together
FEW = 9  # features, as many as quadratic ones in space, unless their moments say how many are
SPACING = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Features(Functional):
    r"""Risk of the prediction :math:`h = \int \Psi d\mu` (times the sign on signed domains).

    .. math:: F(\mu) = R(h), \qquad J(w|\mu) = \langle \Psi(w), \nabla R(h) \rangle

    Parameters
    ----------
    fn : callable
        Any vectorised function from points (N, p) to features (N, n). If it has a method
        ``gradient(points, coefficients)`` (see `FeatureMap`), particles use it, else central differences, which
        cost six evaluations for each component, give ten digits where the features are smooth, and the mean of both
        slopes at kinks; features that jump or are noisy are refused, and need a gradient.
    targets : array, shape (n,)
        What the prediction should be; labels +1 and -1 for the losses "logistic" and "softmin".
    loss : str, Loss, or object or class
        "square" (1/2 (h - y)^2, averaged over the n columns), "logistic" (log(1 + exp(-y h)), averaged) or
        "softmin" (log of the average of exp(-y h)); or any convex loss, averaged, as an object or a class with the
        methods ``value``, ``gradient`` and ``hessian`` of predictions and targets, arrays (n,) to arrays (n,). Where it
        says ``nonnegative = True``, certificates hold for all measures.
    memory_limit : float
        Bytes that the features at all cells of a grid may take; beyond, they are computed anew each time. Those of
        `wgflow.Relu` on many data with at most 3 inputs are never stored, as sums in tiles of cells are faster.

    Raises
    ------
    InputError
        If the loss is unknown, not convex or has other derivatives than its own, targets are not finite, or labels are
        not +1 or -1.

    References
    ----------
    Bach and Chizat (2022), Sections 2 and 3.
    Huber (1964), Robust estimation of a location parameter, Ann. Math. Statist. 35: the loss below.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, Features
    >>> class Huber:
    ...     nonnegative = True
    ...     def value(self, h, y):
    ...         return np.where(abs(h - y) < 1.0, 0.5 * (h - y) ** 2, abs(h - y) - 0.5)
    ...     def gradient(self, h, y):
    ...         return np.clip(h - y, -1.0, 1.0)
    ...     def hessian(self, h, y):
    ...         return np.where(abs(h - y) < 1.0, 1.0, 0.0)
    >>> risk = Features(lambda x: x, [0.5, 3.0], loss=Huber)
    >>> risk.on_grid(Circle(64)).value(np.zeros(64))
    1.3125
    """

    fn: FeatureFunction
    targets: FloatArray
    loss: str | Loss | PointwiseLoss | type[PointwiseLoss] = "square"
    memory_limit: float = MEMORY_LIMIT
    _risk: Loss = field(init=False, repr=False)
    shared = True

    def __post_init__(self) -> None:
        try:
            targets = np.atleast_1d(np.asarray(self.targets, dtype=np.float64))
        except (TypeError, ValueError):
            raise InputError(f"targets = {self.targets!r} are not numbers; give an array of shape (n,)") from None
        check_callable("the feature function", self.fn, "Features(fn, targets) with points (N, p) to features (N, n)")
        risk = as_loss(self.loss)
        if targets.ndim != 1 or targets.size == 0 or not np.isfinite(targets).all():
            raise InputError("targets must be a one-dimensional array of finite numbers, at least one")
        count = getattr(self.fn, "feature_count", None)
        if count is not None and count != targets.size:
            raise ShapeError(f"{count} data points have {targets.size} targets; give one target each")
        if risk.labels and not np.isin(targets, (-1.0, 1.0)).all():
            wrong = targets[~np.isin(targets, (-1.0, 1.0))][0]
            raise InputError(f"targets hold {wrong:g}, but loss = {risk.name!r} allows only the labels +1 and -1")
        check_loss(risk, targets)
        object.__setattr__(self, "targets", targets)
        object.__setattr__(self, "_risk", risk)

    @property
    def has_risk(self) -> bool:
        """It is one."""
        return True

    @property
    def round_off(self) -> float:
        """That of the precision of the features."""
        return ROUND_OFF * getattr(self.fn, "spacing", SPACING) / SPACING

    @property
    def risk(self) -> Loss:
        """The risk R."""
        return self._risk

    def scaled(self, factor: float) -> Functional:
        """The risk with the factor in its loss."""
        check_positive_factor(factor, self, RISKS_FALL)
        return replace(self, loss=self._risk.scaled(factor))

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Prepare the features at the cell centres; raises ShapeError if ``fn`` gives another shape."""
        return _GridFeatures(without_repeats(self), domain)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Evaluate F, J and grad J at particles."""
        require_particles(particles)
        points, charges = particles.points, particles.weights * particles.signs
        sums = getattr(self.fn, "sums", None)
        if sums is not None:
            predictions, activations = sums.forward(points, charges)
            risk, coefficients = self._risk.evaluate(predictions, self.targets)
            values, gradient = sums.backward(activations, coefficients)
        else:
            risk, values, gradient = self._by_blocks(points, charges)
        if particles.signs.min(initial=1.0) < 0.0:
            values, gradient = particles.signs * values, particles.signs[:, None] * gradient
        return ParticlePotential(risk, values, gradient)

    def _by_blocks(self, points: FloatArray, charges: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Risk, values and gradients of features without sums of their own, by blocks of particles."""
        blocks = BLOCKS if points.shape[0] * self.targets.size >= BLOCKS_FROM else 1
        ends = [k * len(points) // blocks for k in range(blocks + 1)]
        own = [slice(ends[k], ends[k + 1]) for k in own_blocks(blocks)]
        psi = [self.features(points[part]) for part in own]
        partial = np.array([charges[part] @ found for part, found in zip(own, psi, strict=True)])
        moments = all_blocks(partial.reshape(len(own), self.targets.size), blocks).cumsum(axis=0)[-1]
        risk, coefficients = self._risk.evaluate(moments, self.targets)
        smooth = with_gradient(self.fn)
        values = [np.empty(0), *(found @ coefficients for found in psi)]
        slopes = [np.empty((0, points.shape[1])), *(smooth.gradient(points[part], coefficients) for part in own)]
        return risk, all_rows(np.concatenate(values), ends), all_rows(np.concatenate(slopes), ends)

    @property
    def is_smooth(self) -> bool:
        """Whether those of the features are."""
        return bool(getattr(self.fn, "is_smooth", True))

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:
        """Laplacian of J along a set at the particles on it, shape (m,).

        By the Hessian of the features where they have one, else by differences of their gradient.

        Raises
        ------
        InputError
            If the features have kinks.
        """
        fn, points, charges = self.fn, particles.points, particles.weights * particles.signs
        if getattr(fn, "has_kinks", False):
            raise InputError(
                f"{type(fn).__name__} features have kinks, where the density along characteristics has no meaning; "
                "give smoothing > 0, or use particles or finite volumes"
            )
        sums = getattr(fn, "sums", None)
        prediction = charges @ self.features(points) if sums is None else sums.forward(points, charges)[0]
        coefficients, smooth = self._risk.evaluate(prediction, self.targets)[1], with_gradient(fn)
        if hasattr(fn, "hessian"):
            hessian = hessian_of(fn, points, coefficients)
            found = geometry.laplacian(points, smooth.gradient(points, coefficients), hessian)
        else:
            what = f"the first variation of {type(fn).__name__} features"
            found = divergence(geometry, points, lambda moved: smooth.gradient(moved, coefficients), what)
        return particles.signs * found

    def potential_of(self, coefficients: FloatArray, domain: Domain) -> FloatArray:
        """Potential ``<Psi, coefficients>`` at the cells of a grid, times the sign on signed domains."""
        values = self.features(domain.base.points.reshape(-1, domain.base.points.shape[-1])) @ coefficients
        return np.asarray((domain.signs[:, None] * values).reshape(domain.shape))

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:  # noqa: ARG002
        """Risk of a batch of the data, drawn with replacement.

        Raises
        ------
        InputError
            If the risk is no average over data points, or the features cannot be restricted to some of them.
        """
        restricted = getattr(self.fn, "restricted", None)
        if restricted is None or not self._risk.average:
            raise InputError(
                f"loss = {self._risk.name!r} of {type(self.fn).__name__} features is no average over data points; "
                "leave out the batch, or choose the loss square or logistic of neurons on data"
            )
        rows = generator.integers(len(self.targets), size=count)
        return Features(restricted(rows), self.targets[rows], self._risk)

    def features(self, points: FloatArray) -> FloatArray:
        """Features (N, n) at points (N, p), checked."""
        shape, hint = (len(points), self.targets.size), ", one column for each target"
        return values_of("the features", self.fn, points, shape, hint=hint)


class _GridFeatures(GridFunctional):
    is_of_sums = True

    def __init__(self, functional: Features, domain: Domain) -> None:
        self.domain = domain
        self._risk, self._targets = functional.risk, functional.targets
        tell_stage(f"features of {len(self._targets)} points at {math.prod(domain.base.shape)} cells")
        self._moments = make_moments(
            functional.fn, functional.features, domain, len(self._targets), functional.memory_limit
        )
        self._few = getattr(self._moments, "few", FEW)
        self._of_density = getattr(self._moments, "moments_of_density", None)
        self._sheets = SheetSums(domain)
        self._prediction, self._coefficients = np.zeros_like(self._targets), np.zeros_like(self._targets)
        self._risk_at_zero = abs(self._risk.evaluate(np.zeros_like(self._targets), self._targets)[0])
        self._square, self._shape = self.square_risk(), (domain.sheets, -1)

    def square_risk(self) -> tuple[SquareRisk, float] | None:
        bind = getattr(self._moments, "square_risk", None) if self._risk.quadratic else None
        if bind is None:
            return None
        targets, risk = self._targets, self._risk
        square = bind(targets, risk.curvature(targets, targets), self._prediction, self._coefficients)
        return square, risk.evaluate(targets, targets)[0]

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        if self._square is not None:
            square, least = self._square
            return least + square(density.reshape(self._shape), potential.reshape(self._shape))
        prediction = self._moments_of(density, self._prediction)
        risk, self._coefficients = self._risk.evaluate(prediction, self._targets)
        self._write(self._coefficients, potential)
        return risk

    def direction(self) -> FloatArray | None:
        if self._targets.size > 1:
            return None
        potential = np.empty(self.domain.shape)
        self._write(np.ones(1), potential)
        return potential

    def of_integral(self, integral: float) -> tuple[float, float]:
        self._prediction[0] = integral
        risk, self._coefficients[:] = self._risk.evaluate(self._prediction, self._targets)
        return risk, float(self._coefficients[0])

    def coordinates(self) -> FloatArray | None:
        return self._coefficients if self._targets.size <= self._few else None

    def along(self, change: FloatArray, potential: FloatArray) -> None:
        self._write(change, potential)

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        change = self._moments_of(rate)
        curvature = self._risk.curvature(self._prediction, self._targets)
        self._write(curvature * change, potential)

    def nonlocal_hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        change = self._moments_of(rate)
        self._write(self._risk.second_derivative(self._prediction, self._targets, change), potential)

    def scale(self, density: FloatArray) -> float:
        return super().scale(density) + self._risk_at_zero

    def _moments_of(self, density: FloatArray, out: FloatArray | None = None) -> FloatArray:
        if self._of_density is not None:
            return np.multiply(self._of_density(density.reshape(self.domain.sheets, -1)), 1.0, out=out)
        factor, charges = self._sheets.charges(density)
        return np.multiply(self._moments.moments(charges), factor, out=out)

    def _write(self, coefficients: FloatArray, potential: FloatArray) -> None:
        self._moments.potential(coefficients, self._sheets.positive_sheet(potential))
        self._sheets.mirror(potential)


def Quadratic(target: FloatArray) -> Features:  # noqa: N802 - named like the functionals it stands beside
    r"""Quadratic features with :math:`R(M) = \frac12 |M - M_*|_F^2`, :math:`M = \int w w^T d\mu`.

    The flow has an exact solution (``wgflow.exact.quadratic``): it is the first test of every solver.

    Parameters
    ----------
    target : array, shape (p, p)
        Symmetric matrix M_*.

    Raises
    ------
    InputError
        If ``target`` is not a symmetric matrix of finite numbers.

    Examples
    --------
    >>> risk = wgflow.Quadratic(np.eye(2)).on_grid(wgflow.Circle(64))
    >>> f"{risk.value(np.full(64, 1.0 / np.pi)):.6f}"  # of a density whose second moments are the identity
    '0.000000'
    """
    matrix = np.asarray(target, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise InputError(f"target of shape {matrix.shape} is not a square matrix of finite numbers")
    if not np.allclose(matrix, matrix.T, rtol=1e-12, atol=0.0):
        raise InputError("target is not symmetric; give a matrix that equals its transpose")
    return Features(OuterProduct(), matrix.ravel(), HALF_SQUARED_NORM)
