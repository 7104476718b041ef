"""What the outputs of the flow of diverging mass are: those of its normalised measure, in rescaled time."""

from __future__ import annotations

from wgflow.flows.labels import Label, Labels

_SOFT_MARGIN = Label(
    "minus the smoothed margin of the normalised measure",
    "minus the smoothed margin",
    "-soft margin",
    r"-L_\varepsilon",
)

NORMALISED_LABELS = Labels(
    time=Label("rescaled time tau, in which the weights of the data have the sum 1", "rescaled time", "tau", r"\tau"),
    step_size=Label("size of the step in rescaled time that led to this time", "step in rescaled time", "step"),
    energy=_SOFT_MARGIN,
    risk=_SOFT_MARGIN,
    mass=Label("mass of the normalised measure, which is 1", "normalised mass", symbol=r"|\hat\cdot|"),
    min_potential=Label("minimum of -U, the first variation in rescaled time", "minimum of -U", "min -U"),
    dissipation=Label("rise of the smoothed margin over the step size", "rise of the margin"),
)
