r"""Targets that depend on one or two projections of Gaussian inputs through a function, the link.

The potential of a ReLU neuron :math:`\eta` against :math:`y = f(u \cdot x)` is an integral over the projections: with
:math:`\eta = (p, r)`, and g the projection on the rest, averaged out by hand,

.. math:: T(p, r) = E f(z)\, E_g (p \cdot z + r g)_+, \quad
          \partial_p T = E f(z)\, z\, \Phi(p \cdot z / r), \quad \partial_r T = E f(z)\, \phi(p \cdot z / r).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals.checks import check_callable, values_of
from wgflow.networks.link_quadrature import LinkQuadrature
from wgflow.registry import Registry
from wgflow.text import shown
from wgflow.typing import FloatArray

MOST_DIRECTIONS = 2
PROBED = np.array([-1.3, -0.4, 0.7, 1.9])  # projections at which functions are tried
SPAN_ROUND_OFF = 1e-10  # of a direction beyond the span of those before, over its length

Function = Callable[..., FloatArray]


@dataclass(frozen=True)
class NamedLink:
    """A function of one projection, and where it has kinks."""

    function: Function
    kinks: tuple[float, ...] = ()

    def __call__(self, values: FloatArray) -> FloatArray:
        """Values of the function, any shape."""
        return self.function(values)


def _hermite2(z: FloatArray) -> FloatArray:
    return (z**2 - 1.0) / np.sqrt(2.0)


def _hermite3(z: FloatArray) -> FloatArray:
    return (z**3 - 3.0 * z) / np.sqrt(6.0)


def _hermite4(z: FloatArray) -> FloatArray:
    return (z**4 - 6.0 * z**2 + 3.0) / np.sqrt(24.0)


def _relu(z: FloatArray) -> FloatArray:
    return np.maximum(z, 0.0)


LINKS: Registry[NamedLink] = Registry(
    "link",
    {
        "hermite2": NamedLink(_hermite2),
        "hermite3": NamedLink(_hermite3),
        "hermite4": NamedLink(_hermite4),
        "abs": NamedLink(np.abs, (0.0,)),
        "relu": NamedLink(_relu, (0.0,)),
        "tanh": NamedLink(np.tanh),
    },
)
"""Functions of one projection by name; Hermite polynomials have the second moment 1."""


@dataclass(frozen=True)
class Link:
    """A target y = f(u . x), or f(u_1 . x, u_2 . x), of Gaussian inputs x of R^d.

    Parameters
    ----------
    f : str or callable
        A name ("hermite2", "hermite3", "hermite4", of second moment 1, "abs", "relu", "tanh"; one direction), or a
        vectorised function of as many arrays as there are directions.
    directions : array, shape (d,) or (k, d)
        One or two independent directions u, of any length.
    kinks : sequence of float
        Values of a projection at which a function of one's own is not smooth; named ones know theirs.

    Raises
    ------
    InputError
        If the name is unknown, a direction is zero or depends on the other, values are not finite, or a function does
        not take as many arrays as there are directions, to one of their shape.

    Examples
    --------
    >>> link = wgflow.Link("hermite2", np.eye(1, 50))
    >>> round(wgflow.Population(link).risk_at_zero, 12)  # half of E y^2
    0.5
    >>> wgflow.Link(lambda a, b: a * b, np.eye(2, 50)).frame.shape
    (2, 50)
    """

    f: str | Function
    directions: FloatArray
    kinks: Sequence[float] = ()
    frame: FloatArray = field(init=False, repr=False, compare=False)
    quadrature: LinkQuadrature = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        directions = np.atleast_2d(np.asarray(self.directions, dtype=np.float64))
        if directions.ndim != 2 or not np.isfinite(directions).all() or not 1 <= len(directions) <= MOST_DIRECTIONS:
            raise InputError(
                f"directions of shape {directions.shape} are not allowed; give one or two rows of finite numbers"
            )
        frame = spanned(directions)
        if len(frame) < len(directions):
            raise InputError("the directions of a link are zero or depend on each other; give independent ones")
        function, kinks = self._function(len(directions)), tuple(float(kink) for kink in self.kinks)
        if isinstance(self.f, str):
            kinks = (*LINKS[self.f].kinks, *kinks)
        object.__setattr__(self, "directions", directions)
        object.__setattr__(self, "frame", frame)
        quadrature = LinkQuadrature(function, directions @ frame.T, kinks)
        object.__setattr__(self, "quadrature", quadrature)

    def _function(self, count: int) -> Function:
        if not isinstance(self.f, str):
            own = self.f
            check_callable("the link", own, "Link(f, directions) with a function of the projections")
            values_of("the link", lambda both: own(*both), np.tile(PROBED, (count, 1)), PROBED.shape, of="projections")
            return own
        if count != 1:
            raise InputError(f"the link {shown(self.f)} is a function of one projection; found {count} directions")
        return LINKS[self.f].function

    @property
    def inputs(self) -> int:
        """Number d of inputs."""
        return self.directions.shape[1]

    @property
    def second_moment(self) -> float:
        """The mean of y^2."""
        return self.quadrature.second_moment()

    def targets(self, inputs: FloatArray) -> FloatArray:
        """Targets y at inputs (n, d), shape (n,)."""
        return np.asarray(self.quadrature.function(*(inputs @ self.directions.T).T), dtype=np.float64)

    def potential(self, reduced: FloatArray) -> tuple[FloatArray, FloatArray]:
        """E y (eta . x)_+ at points (m, k + 1) in the frame of the link, and its gradient (m, k + 1)."""
        return self.quadrature.potential(reduced)

    def potential_laplacian(self, reduced: FloatArray, dimension: int) -> FloatArray:
        """Laplacian (m,) of that potential along the unit sphere of a dimension at unit vectors (m, k + 1)."""
        return self.quadrature.bends(reduced, dimension)


def spanned(directions: FloatArray) -> FloatArray:
    """Orthonormal rows (k, d) that span directions (n, d), by Gram-Schmidt in their order."""
    rows: list[FloatArray] = []
    for direction in directions:
        rest = direction.astype(np.float64)
        for row in rows * 2:  # twice is enough
            rest = rest - (rest @ row) * row
        length = float(np.linalg.norm(rest))
        if length > SPAN_ROUND_OFF * float(np.linalg.norm(direction)):
            rows.append(rest / length)
    return np.array(rows).reshape(-1, directions.shape[1])
