"""Which distances of the measures of two runs are computed: by a kernel, and Wasserstein ones, exact or sliced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wgflow.analysis.metrics.discrepancy import kernel_discrepancy
from wgflow.analysis.metrics.exact_transport import (
    count_pairs,
    exact_wasserstein,
    has_solver,
    knows_ways,
    quantile_distance,
)
from wgflow.analysis.metrics.sliced import sliced_distances
from wgflow.analysis.metrics.transport import periods_of
from wgflow.domains import Domain
from wgflow.domains.geometry import is_flat
from wgflow.errors import InputError, MissingExtraError
from wgflow.measures import Particles
from wgflow.text import shown
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

CHOICES = ("auto", "exact", "sliced", "none")

MOST_PAIRS = 2e10  # of atoms at all times, up to which the kernel discrepancy is computed: a minute
MOST_EXACT = 1e8  # pairs of atoms at all times, up to which W1 and W2 are exact: as long
MOST_EXACT_ONCE = 2e7  # pairs of atoms at one time
MOST_PROJECTED = 1e8  # atoms at all times, times their projections, of sliced distances: half as long
PROJECTIONS = 128  # where there are few atoms
ORDERS = (1, 2)

Distances = dict[str, FloatArray]
Pairs = Sequence[tuple[Particles, Particles]]


def check_choice(transport: str) -> None:
    """Raise InputError unless it says how Wasserstein distances are computed."""
    if transport not in CHOICES:
        raise InputError(f"transport = {shown(transport)} is not allowed; choose one of {', '.join(CHOICES)}")


def measure_columns(
    first: Trajectory, second: Trajectory, measures: Pairs, transport: str = "auto"
) -> tuple[Distances, list[str]]:
    """Distances of measures of two runs at some times, by name, and lines that say how they were computed.

    Parameters
    ----------
    first, second : Trajectory
        The runs.
    measures : sequence of (Particles, Particles)
        Their measures at each time.
    transport : {"auto", "exact", "sliced", "none"}
        As of `wgflow.compare`.

    Raises
    ------
    InputError
        If ``transport`` is "exact" and there are too many atoms.
    MissingExtraError
        If ``transport`` is "exact", and POT is needed and not installed.
    """
    if not _are_near(first, second):
        return {}, ["the measures live in different spaces; they have no distance"]
    columns: Distances = {}
    closed = [(_closed(a, first.domain), _closed(b, second.domain)) for a, b in measures]
    if sum((len(a.weights) + len(b.weights)) ** 2 for a, b in measures) <= MOST_PAIRS:
        columns["kernel"] = np.array([kernel_discrepancy(a, b) for a, b in closed])
    if transport == "none" or first.domain is None or second.domain is None:
        return columns, []
    reason = _why_sliced(first.domain, measures, transport)
    if reason is None:
        return {**columns, **_exact_columns(measures, first.domain)}, []
    found, line = _sliced_columns(closed, first.domain)
    return {**columns, **found}, [line, *([reason] if reason else [])]


def _why_sliced(domain: Domain, measures: Pairs, transport: str) -> str | None:
    """Why distances are sliced, "" where that was asked for; None where they are exact."""
    if transport == "sliced":
        return ""
    if transport == "auto" and not knows_ways(domain):
        return f"W1 and W2 themselves: shortest ways on the domain {domain.kind!r} are not known"
    if transport == "exact" or quantile_distance(domain, domain.geometry.components) is not None:
        return None
    pairs = [count_pairs(a, b) for a, b in measures]
    if max(pairs) > MOST_EXACT_ONCE or sum(pairs) > MOST_EXACT:
        return f"W1 and W2 themselves: too many pairs of atoms, {sum(pairs):.2g}; --transport exact computes them"
    if not has_solver():
        return f"W1 and W2 themselves: {MissingExtraError('POT', 'transport', 'an exact distance')}"
    return None


def _are_near(first: Trajectory, second: Trajectory) -> bool:
    """Whether two runs live in one space, so that their measures can be compared."""
    if first.domain is not None and second.domain is not None and _space(first.domain) != _space(second.domain):
        return False
    return first.measure(0).points.shape[1] == second.measure(0).points.shape[1]


def _space(domain: Domain) -> tuple[Any, ...]:
    """What two domains of one space have in common: boxes the lengths of their periodic axes."""
    return domain.kind, periods_of(domain) or domain.geometry


def _closed(measure: Particles, domain: Domain | None) -> Particles:
    """The measure with each periodic axis bent to a circle of its length."""
    periods = np.array(periods_of(domain))
    if not np.isfinite(periods).any():
        return measure
    columns = []
    for axis, period in zip(measure.points.T, periods, strict=True):
        radius = period / (2.0 * np.pi)
        closed = np.isfinite(period)
        columns += [radius * np.cos(axis / radius), radius * np.sin(axis / radius)] if closed else [axis]
    return replace(measure, points=np.stack(columns, axis=1))


def _exact_columns(measures: Pairs, domain: Domain) -> Distances:
    """W1 and W2 at each time, on each sheet that there is."""
    found = {order: np.array([exact_wasserstein(a, b, order, domain) for a, b in measures]) for order in ORDERS}
    names = _sheet_names(measures)
    return {f"W{order}{name}": found[order][:, sheet] for order in ORDERS for sheet, name in enumerate(names)}


def _sliced_columns(measures: Pairs, domain: Domain) -> tuple[Distances, str]:
    """SW1 and SW2 with their standard errors, of closed measures, and a line on what they are."""
    atoms = sum(len(a.weights) + len(b.weights) for a, b in measures)
    projections = max(1, min(PROJECTIONS, int(MOST_PROJECTED / max(atoms, 1))))
    found = [sliced_distances(a, b, ORDERS, projections) for a, b in measures]
    columns: Distances = {}
    for index, order in enumerate(ORDERS):
        for sheet, name in enumerate(_sheet_names(measures)):
            columns[f"SW{order}{name}"] = np.array([row[index].value[sheet] for row in found])
            columns[f"SW{order}{name} error"] = np.array([row[index].error[sheet] for row in found])
    curved = not is_flat(domain.geometry) or np.isfinite(periods_of(domain)).any()
    chords = ", by chords" if curved else ""
    line = f"sliced Wasserstein distances, {found[0][0].projections} projections{chords}; one standard error each"
    return columns, f"SW1, SW2: {line}"


def _sheet_names(measures: Pairs) -> tuple[str, ...]:
    signed = any((measure.signs < 0.0).any() for measure in measures[0])
    return ("+", "-") if signed else ("",)
