r"""The potential of a measure that stands still, at any points: what certificates and Frank-Wolfe search for minima.

On a signed domain the potential of the risk is odd in the sign, so that the positive sheet is enough:
:math:`J(\eta, e) = e\,V(\eta) + \lambda`. The functions here give V.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.functionals import Features, Functional, Mass, terms_of
from wgflow.functionals.feature_maps import with_gradient
from wgflow.measures import Particles
from wgflow.networks import Link, Population, arc_cosine_sums
from wgflow.networks.orbit_kernel import OrbitKernel
from wgflow.networks.symmetric_population import potential_on
from wgflow.typing import FloatArray

Risk = Features | Population

CHUNK_ENTRIES = 2**21  # features computed at a time: 16 MiB


class FrozenPotential(Protocol):
    """The potential V of the risk at a fixed measure, on the positive sheet."""

    def values(self, points: FloatArray) -> FloatArray:
        """V at points (k, p), shape (k,)."""

    def slopes(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of V at points (k, p), shape (k, p)."""


@dataclass(frozen=True)
class FrozenFeatures:
    """V = <Psi, grad R(h)> with the prediction h of a measure.

    Parameters
    ----------
    functional : Features
        The risk and its features.
    prediction, coefficients : arrays, shape (n,)
        h and grad R(h).
    """

    functional: Features
    prediction: FloatArray
    coefficients: FloatArray

    @classmethod
    def of(cls, functional: Features, measure: Particles) -> FrozenFeatures:
        """Freeze the potential of a measure."""
        prediction = predict(functional, measure)
        return cls(functional, prediction, functional.risk.evaluate(prediction, functional.targets)[1])

    def values(self, points: FloatArray) -> FloatArray:
        """V at points (k, p), shape (k,)."""
        values = np.empty(len(points))
        for part in _chunks(len(points), self.coefficients.size):
            values[part] = self.functional.features(points[part]) @ self.coefficients
        return values

    def slopes(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of V at points (k, p), shape (k, p)."""
        return with_gradient(self.functional.fn).gradient(points, self.coefficients)


@dataclass(frozen=True)
class FrozenPopulation:
    """V as a sum of arc-cosine kernels over the neurons of student and teacher.

    Parameters
    ----------
    sources : array, shape (k, d)
        Input weights of all neurons.
    masses : array, shape (k,)
        Their output weights, those of the teacher with a minus sign.
    """

    sources: FloatArray
    masses: FloatArray

    @classmethod
    def of(cls, functional: Population, measure: Particles) -> FrozenPopulation:
        """Freeze the potential of a measure of directions, or of pairs (a, b)."""
        teacher, charges = functional.teacher, measure.weights * measure.signs
        if isinstance(teacher, Link):
            raise InputError("no certificate is known for particles and a link; use a half circle or half sphere")
        inputs, points = teacher.directions.shape[1], measure.points
        if points.shape[1] == inputs + 1:
            charges, points = charges * points[:, 0], points[:, 1:]
        here = charges != 0.0
        return cls(
            np.concatenate([points[here], teacher.directions]),
            functional.strength * np.concatenate([charges[here], -teacher.weights]),
        )

    @property
    def variation(self) -> float:
        """Sum of |mass| |source|: with kernels of curvature 1/2, half of it bounds the second derivatives of V."""
        return float(np.abs(self.masses) @ np.linalg.norm(self.sources, axis=1))

    def values(self, points: FloatArray) -> FloatArray:
        """V at points (k, p), shape (k,)."""
        outputs, inner = self._split(points)
        return outputs * arc_cosine_sums(inner, self.sources, self.masses)[0]

    def slopes(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of V at points (k, p), shape (k, p)."""
        outputs, inner = self._split(points)
        values, slopes = arc_cosine_sums(inner, self.sources, self.masses)
        slopes = outputs[:, None] * slopes
        return slopes if inner is points else np.column_stack([values, slopes])

    def _split(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Output and input weights of points; the points themselves where they are directions."""
        if points.shape[1] == self.sources.shape[1]:
            return np.ones(len(points)), points
        return points[:, 0], points[:, 1:]


@dataclass(frozen=True)
class FrozenOrbits(FrozenPopulation):
    r"""V at the points (p, r) of a half circle or half sphere, for a measure whose neurons stand for their orbits.

    Its least value there is that over the whole unit sphere of R^d. For a rotation or reflection U that leaves the
    directions of the target in their place, :math:`(U\eta \cdot x)_+ = (\eta \cdot U^T x)_+`, and inputs
    :math:`U^T x` are distributed as x, with the same targets. The measure :math:`\nu` is invariant, so that its
    prediction is: :math:`h(U^T x) = h(x)`. Hence :math:`V(U \eta) = E (h - y)(x)\, (U\eta \cdot x)_+ = V(\eta)`: V is
    constant on orbits, each of which meets the half sphere in the one point (p, r), so both minima are the same, and
    bounds that rest on :math:`\min V` hold for all measures on the unit sphere, also those that are not invariant.

    Parameters
    ----------
    sources : array, shape (n, k + 1)
        Points of the measure, those of the same place together.
    masses : array, shape (n,)
        Their charges, times the strength of the risk.
    functional : Population
        The risk.
    domain : SymmetricDomain
        The half circle or half sphere.
    """

    functional: Population
    domain: SymmetricDomain

    @classmethod
    def of_orbits(cls, functional: Population, measure: Particles, domain: SymmetricDomain) -> FrozenOrbits:
        """Freeze the potential of a measure of points (p, r)."""
        charges = functional.strength * measure.weights * measure.signs
        here = charges != 0.0
        return cls(measure.points[here], charges[here], functional, domain)

    def values(self, points: FloatArray) -> FloatArray:
        """V at points (m, k + 1), shape (m,)."""
        return self._both(points)[0]

    def slopes(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of V at points (m, k + 1), shape (m, k + 1)."""
        return self._both(points)[1]

    def _both(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        kernel = OrbitKernel(self.domain.inputs, self.domain.kept)
        values, slopes = kernel.sums(points, self.sources, self.masses)
        wanted, wanted_slopes = potential_on(self.functional.teacher, points)
        strength = self.functional.strength
        return values - strength * wanted, slopes - strength * wanted_slopes


def split_risk(functional: Functional) -> tuple[Risk, float]:
    """Write F as a risk plus lambda times the mass.

    Returns
    -------
    risk : Features or Population
    strength : float
        The factor lambda, 0 where there is no `Mass`.

    Raises
    ------
    InputError
        If F is no such sum: then no certificate is known.
    """
    terms = [*terms_of(functional)]
    risks = [term for term in terms if isinstance(term, Features | Population)]
    strength = sum(term.strength for term in terms if isinstance(term, Mass))
    if len(risks) != 1 or len(terms) != 1 + sum(isinstance(term, Mass) for term in terms) or strength < 0.0:
        names = " + ".join(type(term).__name__ for term in terms)
        raise InputError(f"no certificate is known for {names}; allowed is Features or Population, plus Mass of >= 0")
    return risks[0], float(strength)


def freeze(risk: Risk, measure: Particles) -> FrozenFeatures | FrozenPopulation:
    """Freeze the potential of the risk at a measure, O(N n) for N atoms."""
    if isinstance(risk, Features):
        return FrozenFeatures.of(risk, measure)
    domain = None if measure.domain is None else measure.domain.base
    if isinstance(domain, SymmetricDomain):
        return FrozenOrbits.of_orbits(risk, measure, domain)
    return FrozenPopulation.of(risk, measure)


def predict(functional: Features, measure: Particles) -> FloatArray:
    """Prediction ``h = int Psi dmu``, shape (n,), of atoms some at a time."""
    here = measure.weights != 0.0
    points, charges = measure.points[here], (measure.weights * measure.signs)[here]
    sums = getattr(functional.fn, "sums", None)
    if sums is not None and charges.size > 0:
        return sums.forward(points, charges)[0]
    prediction = np.zeros(functional.targets.size)
    for part in _chunks(len(points), prediction.size):
        prediction += charges[part] @ functional.features(points[part])
    return prediction


def _chunks(count: int, features: int) -> Iterator[slice]:
    size = max(CHUNK_ENTRIES // features, 1)
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
