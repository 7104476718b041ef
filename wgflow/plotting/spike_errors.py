"""How far a deconvolution is from the spikes that it looks for, and its J."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wgflow.analysis.metrics.spikes import PLACES, find_spikes
from wgflow.analysis.optimality.frozen import freeze, split_risk
from wgflow.domains.geometry import short_way
from wgflow.errors import InputError
from wgflow.measures import Particles
from wgflow.plotting.line_profiles import grid_of
from wgflow.plotting.shown import Shown
from wgflow.typing import FloatArray

BALL = 0.4  # radius around a spike, over the least distance of two of the same sign
LARGEST_BALL = 0.1  # over the longest axis, where a spike is the only one
LEAST_SHARE = 0.01  # of the mass, of a spike that is found


def shows_spikes(shown: Shown) -> bool:
    """Whether a run looks for known spikes on a domain whose cells are known."""
    known = shown.problem is not None and shown.problem.spikes is not None and shown.functional is not None
    return known and shown.has_grid


def found_spikes(shown: Shown) -> Particles:
    """Spikes of the measure at the end."""
    domain = shown.trajectory.domain
    if domain is None:
        raise InputError("the domain of this trajectory is not known; its spikes cannot be found")
    return find_spikes(shown.trajectory.measure(-1), domain, _radius(shown), LEAST_SHARE)


def end_potential(shown: Shown, sign: float) -> FloatArray:
    """J of a sheet at the cell centres at the end, in the shape of the cells."""
    if shown.functional is None:
        raise InputError("the functional of this trajectory is not known; its J cannot be drawn")
    base = grid_of(shown.trajectory)
    risk, strength = split_risk(shown.functional)
    values = freeze(risk, shown.trajectory.measure(-1)).values(base.points.reshape(-1, base.points.shape[-1]))
    return (sign * values + strength).reshape(base.shape)


def spike_errors(shown: Shown) -> tuple[FloatArray, FloatArray]:
    """Largest errors of the positions and of the weights, relative to the true ones, over all spikes at each output.

    The spike that is found is the mass of the same sign in a ball around the true one, at its centre of mass; balls
    that are empty have no position (NaN) and the error 1.

    Returns
    -------
    places, weights : arrays, shape (T,)
    """
    wanted, count = _wanted(shown), len(shown.trajectory.time)
    steps, radius = _steps(shown), _radius(shown)
    places, weights = np.empty(count), np.empty(count)
    for index in range(count):
        measure = shown.trajectory.measure(index)
        found = [steps(measure.points, point) for point in wanted.points]
        inside = [
            measure.weights * (measure.signs == sign) * ((way**2).sum(axis=1) <= radius**2)
            for way, sign in zip(found, wanted.signs, strict=True)
        ]
        masses = np.array([part.sum() for part in inside])
        centres = [part @ way / max(mass, 1e-300) for part, way, mass in zip(inside, found, masses, strict=True)]
        places[index] = np.linalg.norm(centres, axis=1).max() if masses.min() > 0.0 else np.nan
        weights[index] = np.abs(masses / wanted.weights - 1.0).max()
    return places, weights


def _wanted(shown: Shown) -> Particles:
    spikes = None if shown.problem is None else shown.problem.spikes
    if spikes is None:
        raise InputError("this problem has no spikes to find")
    return spikes


def _steps(shown: Shown) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """Function from points (m, p) and a point (p,) to the shortest steps (m, d) from the latter, on the torus."""
    base = grid_of(shown.trajectory)
    places, box = PLACES.on(base), base.lattice
    if box is None:
        raise InputError("spikes are found on boxes and the circle")
    low, high = np.array(box.bounds).T
    periods = np.where(box.periodic, high - low, np.inf)

    def steps(points: FloatArray, point: FloatArray) -> FloatArray:
        return short_way(places.places(points) - places.places(point[None]), periods)

    return steps


def _radius(shown: Shown) -> float:
    """Radius of the balls: two of one sign have no point in common."""
    wanted, steps = _wanted(shown), _steps(shown)
    box = grid_of(shown.trajectory).lattice
    longest = max(high - low for low, high in box.bounds) if box is not None else 1.0
    distances = [
        float(np.linalg.norm(steps(wanted.points[wanted.signs == sign], point), axis=1)[other])
        for sign in (1.0, -1.0)
        for number, point in enumerate(wanted.points[wanted.signs == sign])
        for other in range(number)
    ]
    return BALL * min(distances, default=LARGEST_BALL / BALL * longest)
