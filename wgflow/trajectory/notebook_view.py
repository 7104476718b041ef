"""What a notebook shows of a trajectory: a few lines and a small picture, in one piece of HTML that needs nothing."""

from __future__ import annotations

import warnings
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from wgflow.flows.endings import RUNNING
from wgflow.text import printable
from wgflow.trajectory.handed_on import handed_on_to
from wgflow.trajectory.lazy_field import source_of

if TYPE_CHECKING:
    from wgflow.trajectory.trajectory import Trajectory

RESOLUTION = 60.0  # dots per inch of the picture
LONGEST = 200  # characters of a line


def as_html(trajectory: Trajectory) -> str:
    """Lines and picture of a trajectory; what cannot be told or drawn of a damaged one is left out."""
    try:
        rows = _rows(trajectory)
    except Exception:  # whatever a notebook is to show, it must show something
        rows = {"trajectory": "it is damaged: its outputs cannot be told"}
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(printable(text, longest=LONGEST))}</td></tr>'
        for name, text in rows.items()
    )
    return f"<div><table>{cells}</table>{_picture(trajectory)}</div>"


def _rows(trajectory: Trajectory) -> dict[str, str]:
    """What there is to say, by its heading."""
    labels, found = trajectory.labels, trajectory.attributes
    reason = found.get("stop_reason", RUNNING)
    rows = {
        "domain": str(trajectory.domain),
        "outputs": f"{len(trajectory)}, {labels.time.column} = {trajectory.time[0]:g} to {trajectory.time[-1]:g}",
        "status": trajectory.status if reason == RUNNING else f"{trajectory.status} ({reason})",
    }
    for name in (labels.falling, "mass"):
        values = trajectory.scalars[name]
        rows[labels.of(name).column] = f"{values[0]:.6g} to {values[-1]:.6g}"
    if "accepted_steps" in found:
        rows["steps"] = f"{found['accepted_steps']}, {float(found.get('run_seconds', 0.0)):.2f} s"
    rows["fields"] = ", ".join(f"{name} {tuple(values.shape)}" for name, values in trajectory.fields.items())
    source = next((source_of(values) for values in trajectory.fields.values()), None)
    rows["kept in"] = "memory; save(path) writes it to a file" if source is None else str(source)
    return rows


def _picture(trajectory: Trajectory) -> str:
    """The figure in small; nothing where it cannot be drawn."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what cannot be drawn, in a picture that nobody asked for
            content = handed_on_to("png_of")(trajectory.plot(), RESOLUTION)
    except Exception:  # of any library on the way
        return ""
    return f'<img alt="trajectory" src="data:image/png;base64,{b64encode(content).decode()}">'
