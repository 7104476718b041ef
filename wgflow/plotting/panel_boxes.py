"""Where the panels of a figure are, so that a small screen can show one below the other."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

POINTS = 72.0  # of an inch
MARGIN = 3.0  # points around a panel
COLORBAR = "<colorbar>"  # label that matplotlib gives to the axes of colour bars


def panel_boxes(figure: Figure) -> list[tuple[float, float, float, float]]:
    """Boxes (x, y, width, height) of the panels in points from the upper left corner, from left to right in each row.

    Pictures that stand above each other beside a higher one are one panel, and so are those with their colour bar.

    Parameters
    ----------
    figure : Figure
        A figure that is laid out.
    """
    scale, top = POINTS / figure.dpi, POINTS * figure.get_figheight()
    found = [(axes.get_tightbbox(), axes.get_label() == COLORBAR) for axes in figure.axes]
    known = [(box, bar) for box, bar in found if box is not None and box.width > 0.0]
    boxes = []
    for row in _rows([box for box, bar in known if not bar]):
        bars = [box for box, bar in known if bar and _overlap(box.y0, box.y1, row)]
        boxes += _columns(sorted(row, key=lambda box: box.x0), bars)
    return [
        (
            max(scale * box.x0 - MARGIN, 0.0),
            max(top - scale * box.y1 - MARGIN, 0.0),
            scale * box.width + 2.0 * MARGIN,
            scale * box.height + 2.0 * MARGIN,
        )
        for box in boxes
    ]


def _overlap(low: float, high: float, row: list[Bbox]) -> bool:
    return low < max(box.y1 for box in row) and high > min(box.y0 for box in row)


def _rows(boxes: list[Bbox]) -> list[list[Bbox]]:
    """Boxes that overlap in height, from the top."""
    rows: list[list[Bbox]] = []
    for box in sorted(boxes, key=lambda box: -box.y1):
        if rows and _overlap(box.y0 + MARGIN, box.y1 - MARGIN, rows[-1]):
            rows[-1].append(box)
        else:
            rows.append([box])
    return rows


def _columns(row: list[Bbox], bars: list[Bbox]) -> list[Bbox]:
    """Boxes of a row that overlap in width are one, and a colour bar is part of the one before it."""
    columns: list[Bbox] = []
    for box in row:
        if columns and box.x0 < columns[-1].x1 - MARGIN:
            columns[-1] = Bbox.union([columns[-1], box])
        else:
            columns.append(box)
    for bar in bars:
        before = [place for place, box in enumerate(columns) if box.x0 < bar.x0]
        if before:
            columns[before[-1]] = Bbox.union([columns[before[-1]], bar])
    return columns
