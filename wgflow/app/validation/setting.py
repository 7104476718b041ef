"""What a validation is told: how much it may compute, and where its files go."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from wgflow.system.terminal import say
from wgflow.system.threads import available_cores


@dataclass(frozen=True)
class Setting:
    """How a validation is run.

    Attributes
    ----------
    name : str
        Name of the validation.
    folder : Path
        An existing folder for its pictures and files.
    quick : bool
        Whether coarse grids and few repetitions will do.
    processes : int
        How many processes may compute side by side; all cores by default.
    """

    name: str
    folder: Path
    quick: bool = False
    processes: int = field(default_factory=available_cores)

    def file(self, ending: str = ".png") -> Path:
        """Give the path of a file of the validation: its name with an ending, e.g. ".png" or "-risks.csv"."""
        return self.folder / f"{self.name}{ending}"

    def say(self, text: str) -> None:
        """Print what is worth seeing beside the rows, e.g. a table or how far the work is, to standard error."""
        say(text, error=True)
