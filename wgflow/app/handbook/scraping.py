"""Pictures of gallery scripts: figures that no pyplot knows of, and files that the scripts draw."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

WIDTH = 110  # dots for each inch


def scrape(block: Any, variables: dict[str, Any], configuration: dict[str, Any]) -> str:  # noqa: ARG001
    """Save the figures that a block of a script has made, and give what shows them.

    Figures are those among the variables of the script that have not been shown before; where a script keeps its
    figures to itself, the pictures that it has written are shown.
    """
    globals_of = variables["example_globals"]
    shown = globals_of.setdefault("__figures_shown__", set())
    paths = iter(variables["image_path_iterator"])
    saved = []
    for figure in [value for value in globals_of.values() if isinstance(value, Figure)]:
        if id(figure) not in shown:
            shown.add(id(figure))
            saved.append(next(paths))
            figure.savefig(saved[-1], dpi=WIDTH)
    for picture in sorted(Path(variables["src_file"]).parent.glob("*.png")):
        saved.append(next(paths))
        shutil.move(picture, saved[-1])
    return str(figure_rst(saved, configuration["src_dir"])) if saved else ""
