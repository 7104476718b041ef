"""The one style of all figures: fonts, colours, sizes.

Figures are made without pyplot, so they work without a display and leave its global state alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from types import MappingProxyType
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from wgflow.typing import FloatArray

LARGEST_END = 1e300  # of an axis
# Okabe-Ito colours, told apart by colour-blind readers.
VERMILLION, BLUE, GREEN, ORANGE, PURPLE, SKY, BLACK = (
    "#D55E00",
    "#0072B2",
    "#009E73",
    "#E69F00",
    "#CC79A7",
    "#56B4E9",
    "#000000",
)
GREY, PALE = "#8C8C8C", "#BDBDBD"
DASHES = (0, (5, 3))  # of a teacher's directions
RUNS = (BLACK, ORANGE)  # the first and the second run of a comparison
CURVES = (GREEN, PURPLE, SKY)
TIME_MAP, DENSITY_MAP = "viridis", "magma_r"

WIDTH = 10.0  # inches
SCREEN = 96.0  # dots per inch of pictures in notebooks

STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "figure.dpi": 150,
        "savefig.dpi": 150,
        "font.family": "STIXGeneral",
        "mathtext.fontset": "stix",
        "font.size": 11,
        "axes.titlesize": 11.5,
        "axes.titlelocation": "left",
        "axes.labelsize": 11.5,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.formatter.use_mathtext": True,
        "xtick.labelsize": 10,
        "ytick.labelsize": 10,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "lines.linewidth": 1.5,
        "legend.fontsize": 10,
        "legend.frameon": False,
        "legend.handlelength": 1.6,
        "svg.fonttype": "path",
        "pdf.fonttype": 42,
    }
)


@contextmanager
def paper_style() -> Iterator[None]:
    """Apply the style inside a ``with`` block only."""
    settings: Any = dict(STYLE)
    with matplotlib.rc_context(settings):
        yield


def png_of(figure: Figure, resolution: float = SCREEN) -> bytes:
    """Picture of a figure in the style in which it was made, with some dots per inch."""
    content = BytesIO()
    with paper_style():
        figure.savefig(content, format="png", dpi=resolution)
    return content.getvalue()


class NotebookFigure(Figure):
    """A figure that shows itself in a notebook; the figures of matplotlib do so once pyplot has been imported."""

    def _repr_png_(self) -> bytes:
        """Picture that IPython asks for."""
        return png_of(self)


@contextmanager
def styled_figure(height: float, width: float = WIDTH) -> Iterator[Figure]:
    """Give a figure to be filled inside a ``with`` block; it is laid out at its end.

    Parameters
    ----------
    height, width : float
        Size in inches; all figures but those for small screens have the same width.
    """
    with paper_style():
        figure = NotebookFigure(figsize=(width, height), layout="constrained")
        yield figure
        figure.draw_without_rendering()  # so that no tick or label is made later, in another style
        figure.set_layout_engine("none")  # the layout stands: finding it again takes longer than drawing


def sign_color(sign: float) -> str:
    """Colour of a sign of the output weight: reddish for +, blue for -."""
    return VERMILLION if sign > 0.0 else BLUE


def sign_symbol(sign: float) -> str:
    """``+`` or a minus sign, for mathtext."""
    return "+" if sign > 0.0 else "-"


def time_colors(count: int) -> FloatArray:
    """Colours for times in their order, shape (count, 4); the palest end of the map is left out."""
    return np.array([time_color(share) for share in np.linspace(0.0, 1.0, count)])


def time_color(share: float) -> tuple[float, float, float, float]:
    """Colour of a time between the first one, 0, and the last one, 1, in the order in which they are shown."""
    return matplotlib.colormaps[TIME_MAP](0.88 * share)


def largest_finite(values: FloatArray) -> float:
    """Largest of the values that a damaged file left finite, for the end of an axis that begins at 0; 1 if none is."""
    return min(float(np.max(values, where=np.isfinite(values), initial=0.0)), LARGEST_END) or 1.0
