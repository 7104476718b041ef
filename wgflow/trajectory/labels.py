"""Labels of the outputs in a file: what it says itself, and what earlier versions should have said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wgflow.flows.labels import ENERGY_LABELS, FLOW_LABELS, Label, Labels
from wgflow.normalised.labels import NORMALISED_LABELS
from wgflow.trajectory.schema import SCALARS

# Solvers whose outputs are not what those of the others are, by the attribute ``solver``.
OWN_LABELS = {"normalised": NORMALISED_LABELS}

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
    found = {name: _label(name, own, *described(name)) for name in ("time", *SCALARS)}
    same = found["risk"] == ENERGY_LABELS.risk and found["energy"] == ENERGY_LABELS.energy
    return Labels(**found, dissipation=own.dissipation, falling=ENERGY_LABELS.falling if same else own.falling)


def _label(name: str, own: Labels, long_name: str, units: str) -> Label:
    if long_name in ("", FORMER_LONG_NAMES[name]):
        return own.of(name)
    for labels in (own, *OWN_LABELS.values(), FLOW_LABELS, ENERGY_LABELS):
        if labels.of(name).long_name == long_name:
            return replace(labels.of(name), units=units)
    return Label(long_name, long_name, units=units)
