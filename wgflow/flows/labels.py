"""What the outputs of a solver are: the names, symbols and units that files, plots and tables show."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wgflow.functionals import Functional


@dataclass(frozen=True)
class Label:
    r"""What one output is.

    Parameters
    ----------
    long_name : str
        What it means; the attribute ``long_name`` of its variable in a file.
    title : str
        Its name beside the axis of a plot.
    heading : str
        Its name above a column of a table, where its title is too long.
    symbol : str
        Its symbol in TeX, in which ``\cdot`` stands for the state; empty where there is none.
    units : str
        Its units; "1" for numbers without.
    """

    long_name: str
    title: str
    heading: str = ""
    symbol: str = ""
    units: str = "1"

    @property
    def described(self) -> dict[str, str]:
        """Attributes of a variable that has this label."""
        return {"long_name": self.long_name, "units": self.units}

    @property
    def column(self) -> str:
        """Name above a column."""
        return self.heading or self.title

    @property
    def named(self) -> str:
        """Its name in a sentence."""
        return self.title if " the " in self.title else f"the {self.title}"

    @property
    def panel(self) -> str:
        """Title above a panel."""
        return self.title[:1].upper() + self.title[1:]

    def formula(self, state: str) -> str:
        """Symbol for a state, in TeX."""
        return self.symbol.replace(r"\cdot", state)

    def axis(self, state: str = "", behind: str = "") -> str:
        """Text beside an axis: the title with the symbol, for a state if it has one, and what stands behind it."""
        symbol = self.formula(state) if state else self.symbol.replace(r"(\cdot)", "")
        return f"{self.title} ${symbol}{behind}$" if symbol else self.title


@dataclass(frozen=True)
class Labels:
    """What the outputs of a solver are, by the names of their variables.

    Parameters
    ----------
    time, step_size, energy, risk, mass, min_potential, dissipation : Label
        The label of each.
    falling : str
        Name of the output whose fall a plot shows: "risk", or "energy" where there is no risk.
    evaluated : str
        What steps evaluate, and runs count.
    """

    time: Label
    step_size: Label
    energy: Label
    risk: Label
    mass: Label
    min_potential: Label
    dissipation: Label
    falling: str = "risk"
    evaluated: str = "J"

    def of(self, name: str) -> Label:
        """Label of an output by the name of its variable."""
        found: Label = getattr(self, name)
        return found


FLOW_LABELS = Labels(
    time=Label("time of the flow", "time", symbol="t"),
    step_size=Label("size of the step that led to this time", "step size", "step"),
    energy=Label("functional F, regularisation included", "energy", "F", r"F(\cdot)"),
    risk=Label("risk R, regularisation left out", "risk", symbol=r"R(\cdot)"),
    mass=Label("total mass of the measure", "mass", symbol=r"|\cdot|"),
    min_potential=Label("minimum of the first variation J", "minimum of J", "min J"),
    dissipation=Label("decrease of F over the step size", "dissipation", symbol=r"-\mathrm{d}F/\mathrm{d}t"),
)

ENERGY_LABELS = replace(
    FLOW_LABELS,
    risk=Label("functional F, entropies and regularisation left out", "F without entropy", "F - entropy"),
    falling="energy",
)


# Of the flow of diverging mass: those of its normalised measure, in rescaled time.
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


# Of transport with a given velocity, which has no energy that falls.
_HALF_SQUARE = Label(
    "half the integral of the squared density", "half the squared density", "square / 2", r"\frac{1}{2} |\cdot|_2^2"
)

TRANSPORT_LABELS = replace(
    FLOW_LABELS,
    energy=_HALF_SQUARE,
    risk=_HALF_SQUARE,
    min_potential=Label("minimum of the density", "least density", "least"),
    dissipation=Label("decrease of half the squared density over the step size", "loss of half the square"),
    evaluated="the velocity",
)


def labels_with(labels: Labels, functional: Functional | None) -> Labels:
    """Labels of a run of a functional: where that is no risk, what a solver calls so is the energy of its terms.

    Parameters
    ----------
    labels : Labels
        Those of the solver.
    functional : Functional or None
        The functional F, where it is known.
    """
    plain = functional is not None and not functional.has_risk and labels == FLOW_LABELS
    return ENERGY_LABELS if plain else labels
