"""Labels of the outputs in a file: what it says itself, and what earlier versions should have said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wgflow.flows.labels import ENERGY_LABELS, FLOW_LABELS, NORMALISED_LABELS, TRANSPORT_LABELS, Label, Labels
from wgflow.trajectory.schema import SCALARS

# Solvers whose outputs are not what those of the others are, by the attribute ``solver``.
OWN_LABELS = {"normalised": NORMALISED_LABELS, "transport": TRANSPORT_LABELS}

# What earlier versions wrote of the outputs of all solvers.
FORMER_LONG_NAMES = {
    "time": "time of the flow",
    "step_size": "size of the step that led to this time",
    "energy": "functional F, regularisation included",
    "risk": "risk R, regularisation left out",
    "mass": "total mass of the measure",
    "min_potential": "minimum of the first variation J",
}

Described = Callable[[str], tuple[str, str]]
"""Gives the long name and the units that a file holds of a variable; both are empty where it holds none."""


def solver_labels(solver: object) -> Labels:
    """Labels of the solver of a problem file by its name."""
    return OWN_LABELS.get(str(solver), FLOW_LABELS)


def stored_labels(solver: object, described: Described) -> Labels:
    """Labels of a run in a file.

    Parameters
    ----------
    solver : object
        The attribute ``solver``, or None.
    described : callable
        What the file says of its variables.

    Returns
    -------
    Labels
        Those that wgflow knows by their long names, with all symbols; of others the title is the long name. Files
        that say nothing, or what earlier versions said of every solver, have the labels of their solver.
    """
    own = solver_labels(solver)
    known = (own, *OWN_LABELS.values(), FLOW_LABELS, ENERGY_LABELS)
    found = {name: _label(name, known, *described(name)) for name in ("time", *SCALARS)}
    for labels in known:
        if all(labels.of(name) == label for name, label in found.items()):
            return labels
    return Labels(**found, dissipation=own.dissipation, falling=own.falling, evaluated=own.evaluated)


def _label(name: str, known: tuple[Labels, ...], long_name: str, units: str) -> Label:
    """Label with a long name; that of the solver where it says nothing, or what files said once of every solver."""
    own = known[0]
    if long_name == "" or (own != FLOW_LABELS and long_name == FORMER_LONG_NAMES[name]):
        return own.of(name)
    same = [labels.of(name) for labels in known if labels.of(name).long_name == long_name]
    return replace(same[0], units=units) if same else Label(long_name, long_name, units=units)
