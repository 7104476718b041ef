r"""Points that hold particles: J has a cone there, :math:`c |x - y|` beside what is smooth.

A flow that falls to such a point in a finite time stays there as long as all else pulls it by less than c: its velocity
is the element of least size of the subdifferential, the limit of those of ever smaller steps.

References
----------
Ambrosio, Gigli and Savare (2008), Gradient Flows in Metric Spaces, Section 1.4, on subdifferentials and their elements
of least size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wgflow.typing import FloatArray


@dataclass(frozen=True, eq=False)
class Anchors:
    """Charged points, fixed in space, to which particles of the same sign fall.

    Parameters
    ----------
    points : array, shape (s, p)
        The points.
    charges : array, shape (s,)
        Their charges. Particles that are there take away from them: they push others of the same sign off.
    slope : callable
        Distances (k,) to the slope of J there along a ray from a point of charge 1; positive at 0, perhaps inf.
    """

    points: FloatArray
    charges: FloatArray
    slope: Callable[[FloatArray], FloatArray]
