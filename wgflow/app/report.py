"""A trajectory as one web page that needs nothing else: curves, a film under a slider, checks and provenance."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image

from wgflow.errors import ComputationError, InputError
from wgflow.plotting.animation import Picture, Progress, frame_renderer
from wgflow.plotting.film_frames import make_film_figure
from wgflow.plotting.gaps import final_certificate
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.overview import plot_trajectory
from wgflow.plotting.panel_boxes import panel_boxes
from wgflow.plotting.style import paper_style
from wgflow.problems import Problem
from wgflow.problems.stored_problem import NAME
from wgflow.system.drafts import replacing
from wgflow.system.paths import check_target
from wgflow.trajectory import Trajectory
from wgflow.trajectory.checking import Check
from wgflow.typing import FloatArray

FRAMES, ROWS, COLORS = 41, 11, 256
FRAME_DPI, FRAME_WIDTH = 200, 6.0  # a width in inches whose text is read on a phone
HIDDEN = ("problem", NAME, "interrupted_at", "title")  # attributes that say nothing, or stand elsewhere on the page
FIGURE = "figure"  # its identifier on the page
ROUND_OFF = 1e-9  # of values that stay
KINDS = {
    "two_layer": "a two-layer network",
    "quadratic": "quadratic features",
    "energy": "an energy",
    "deconvolution": "deconvolution",
    "transport": "transport by a given velocity",
}
SOLVERS = {
    "finite_volume": "finite volumes",
    "jko": "variational steps",
    "normalised": "the normalised flow",
}  # particles and characteristics are called what they are
_COUNTS = ("stop_reason", "accepted_steps", "rejected_steps", "evaluations", "elapsed_seconds", "compile_seconds")

_FILM = """<div class="player"><button id="play" aria-label="play">&#9654;</button>
<input id="time" type="range" min="0" max="$last" value="$last" aria-label="time"><output id="label"></output></div>
<img id="frame" alt="the measure at the chosen time">
<script>
const frames = $frames, labels = $labels;
const slider = document.getElementById("time"), picture = document.getElementById("frame");
let timer = null;
function show() {
  picture.src = "data:image/png;base64," + frames[slider.value];
  document.getElementById("label").textContent = labels[slider.value];
}
function play() {
  if (timer) { clearInterval(timer); timer = null; return; }
  if (slider.value === slider.max) { slider.value = 0; }
  timer = setInterval(() => {
    if (slider.value === slider.max) { clearInterval(timer); timer = null; return; }
    slider.value = Number(slider.value) + 1; show();
  }, 80);
}
slider.addEventListener("input", show);
document.getElementById("play").addEventListener("click", play);
show();
</script>"""


def write_report(
    trajectory: Trajectory,
    problem: Problem | None,
    checks: Sequence[Check],
    path: Path,
    *,
    frames: int = FRAMES,
    progress: Progress | None = None,
) -> None:
    """Write a self-contained HTML page about a trajectory.

    Parameters
    ----------
    trajectory : Trajectory
        What `wgflow.load` read.
    problem : Problem or None
        Its problem; it adds data, teacher and symbols to the figures.
    checks : sequence of Check
        What `wgflow.trajectory.checking.check_trajectory` found in its file.
    path : Path
        File that ends in .html; an existing one is replaced.
    frames : int
        Pictures under the slider at most, at least 1.
    progress : callable, optional
        Called after each picture with the number of pictures done and of all.

    Raises
    ------
    InputError
        If the ending is another one, or the number of frames is not positive.
    ComputationError
        If the file cannot be written.
    """
    check_report(path, frames)
    page = Template(files("wgflow.app").joinpath("report.html").read_text(encoding="utf-8"))
    text = page.substitute(
        title=escape(_title(trajectory, problem)),
        about=_subtitle(trajectory, problem),
        summary=escape(summary_of(trajectory)),
        film=_film(trajectory, problem, frames, progress),
        curves=_curves(trajectory, problem),
        scalars=_scalars(trajectory),
        checks=_rows(("check", "found"), ((c.name, c.found if c.passed else f"FAULT: {c.found}") for c in checks)),
        environment=_environment(trajectory),
        problem=escape(str(trajectory.attributes.get("problem", "none: built from Python"))),
    )
    try:
        with replacing(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise ComputationError(f"report {path} cannot be written: {error.strerror}") from None


def check_report(path: Path, frames: int = FRAMES) -> None:
    """Raise InputError unless a report can be written there, before any work is done for it."""
    check_target(path, "report", (".html",))
    if frames < 1:
        raise InputError(f"frames = {frames} is not allowed; give at least 1")


def _title(trajectory: Trajectory, problem: Problem | None) -> str:
    """Name of the problem; of a run from Python, or of an older file, what it is."""
    name = str(trajectory.attributes.get(NAME, ""))
    return name or _about(trajectory, problem)


def _subtitle(trajectory: Trajectory, problem: Problem | None) -> str:
    """What a problem is, below its name."""
    about = _about(trajectory, problem)
    return "" if about == _title(trajectory, problem) else f'<p class="about">{escape(about)}</p>'


def _about(trajectory: Trajectory, problem: Problem | None) -> str:
    """Kind of a problem, its domain and its solver."""
    kind = KINDS.get(problem.config.problem.kind, "a flow") if problem is not None else "a flow"
    domain, solver = trajectory.domain, trajectory.attributes.get("solver")
    where = "" if domain is None else f" on the {'signed ' if domain.sheets == 2 else ''}{domain.kind}"
    by = "" if solver is None else f", by {SOLVERS.get(str(solver), str(solver))}"
    text = f"{kind}{where}{by}"
    return text[:1].upper() + text[1:]


def summary_of(trajectory: Trajectory) -> str:
    """Say in a sentence or two how a run went: what falls or rises, and what is certified."""
    certificate = final_certificate(trajectory)
    falling = trajectory.labels.of(trajectory.labels.falling)
    return (
        f"From t = 0 to {trajectory.time[-1]:g} in {len(trajectory.time)} snapshots ({trajectory.status}): "
        f"{falling.named} {_course(trajectory.scalars[trajectory.labels.falling])}, "
        f"{trajectory.labels.mass.named} {_course(trajectory.mass)}."
        + ("" if certificate is None else f" At the end {certificate.verdict}.")
    )


def _course(values: FloatArray) -> str:
    """Say whether values fall, rise, or stay up to round-off, from the first one to the last one."""
    first, last = float(values[0]), float(values[-1])
    if abs(last - first) <= ROUND_OFF * max(abs(first), abs(last)):
        return f"stays {last:.6g}"
    return f"{'falls' if last < first else 'rises'} from {first:.6g} to {last:.6g}"


def _film(trajectory: Trajectory, problem: Problem | None, frames: int, progress: Progress | None) -> str:
    """Pictures of some outputs as data in the page, and the script that shows the one under the slider."""
    shown = evenly_spread(len(trajectory.time), frames)
    try:
        with paper_style():
            scene = make_film_figure(trajectory, problem, shown, FRAME_WIDTH)
            draw, pictures = frame_renderer(scene, FRAME_DPI), []
            for number in range(len(shown)):
                pictures.append(_encode(draw(number)))
                if progress is not None:
                    progress(number + 1, len(shown))
    except InputError as error:  # there is no picture of such a measure
        return f"<p>{escape(str(error))}</p>"
    labels = [f"t = {time:.4g}" for time in trajectory.time[shown]]
    script = Template(_FILM)
    return script.substitute(last=len(shown) - 1, frames=json.dumps(pictures), labels=json.dumps(labels))


def _encode(picture: Picture) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).quantize(COLORS).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _curves(trajectory: Trajectory, problem: Problem | None) -> str:
    """The figure of `wgflow plot` as vector graphics, and parts of the same for small screens, panel below panel."""
    buffer = io.StringIO()
    with paper_style():
        figure = plot_trajectory(trajectory, problem)
        figure.set_gid(FIGURE)
        boxes = panel_boxes(figure)
        figure.savefig(buffer, format="svg")
    text = buffer.getvalue()
    parts = [
        f'<svg viewBox="{x:.1f} {y:.1f} {width:.1f} {height:.1f}"><use href="#{FIGURE}"/></svg>'
        for x, y, width, height in boxes
    ]
    return f'<div class="whole">{text[text.index("<svg") :]}</div><div class="panels">{"".join(parts)}</div>'


def _scalars(trajectory: Trajectory) -> str:
    """A few rows of the scalars, as the tables of a run call them; F once where it is the risk."""
    same = np.array_equal(trajectory.energy, trajectory.risk, equal_nan=True)
    dropped = {"energy": "risk", "risk": "energy"}[trajectory.labels.falling] if same else ""
    columns = {name: values for name, values in trajectory.scalars.items() if name != dropped}
    shown = {"time": trajectory.time, **columns}
    chosen = np.unique(np.linspace(0, len(trajectory.time) - 1, ROWS).round().astype(int))
    names = [trajectory.labels.of(name).column for name in shown]
    return _rows(names, ((f"{values[row]:.4g}" for values in shown.values()) for row in chosen), numbers=True)


def _environment(trajectory: Trajectory) -> str:
    found = {name: value for name, value in trajectory.attributes.items() if name not in HIDDEN}
    first = [name for name in _COUNTS if name in found]
    order = [*first, *sorted(found.keys() - set(first))]
    return _rows(("attribute", "value"), ((name, str(found[name])) for name in order))


def _rows(names: Iterable[str], rows: Iterable[Iterable[str]], *, numbers: bool = False) -> str:
    """HTML table."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = ["".join(_cell(str(value), numbers=numbers) for value in row) for row in rows]
    body = f"<tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<table class="{"numbers" if numbers else "texts"}">{body}</table>'


def _cell(text: str, *, numbers: bool) -> str:
    look = "" if numbers else f' class="text{" fault" * text.startswith("FAULT")}"'
    return f"<td{look}>{escape(text)}</td>"
