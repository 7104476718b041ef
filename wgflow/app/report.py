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
from wgflow.plotting.style import paper_style
from wgflow.problems import Problem
from wgflow.system.drafts import replacing
from wgflow.system.paths import check_target
from wgflow.trajectory import Trajectory
from wgflow.trajectory.checking import Check

FRAMES, ROWS, COLORS = 41, 11, 128
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
        summary=escape(_summary(trajectory)),
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
    kind = problem.config.problem.kind if problem is not None else "flow"
    domain = trajectory.domain
    where = "" if domain is None else f" on the {'signed ' if domain.sheets == 2 else ''}{domain.kind}"
    return f"wgflow: {kind}{where}"


def _summary(trajectory: Trajectory) -> str:
    labels, mass = trajectory.labels, trajectory.mass
    values, certificate = trajectory.scalars[labels.falling], final_certificate(trajectory)
    return (
        f"From t = 0 to {trajectory.time[-1]:g} in {len(trajectory.time)} snapshots ({trajectory.status}): the "
        f"{labels.of(labels.falling).title} falls from {values[0]:.6g} to {values[-1]:.6g}, the "
        f"{labels.mass.title} goes from {mass[0]:.6g} to {mass[-1]:.6g}."
        + ("" if certificate is None else f" At the end {certificate.verdict}.")
    )


def _film(trajectory: Trajectory, problem: Problem | None, frames: int, progress: Progress | None) -> str:
    """Pictures of some outputs as data in the page, and the script that shows the one under the slider."""
    shown = evenly_spread(len(trajectory.time), frames)
    try:
        with paper_style():
            scene = make_film_figure(trajectory, problem, shown)
            draw, pictures = frame_renderer(scene), []
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
    """The figure of `wgflow plot` as vector graphics, without what stands before the picture in a file."""
    buffer = io.StringIO()
    with paper_style():
        plot_trajectory(trajectory, problem).savefig(buffer, format="svg")
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _scalars(trajectory: Trajectory) -> str:
    names = ("time", *trajectory.scalars)
    columns = (trajectory.time, *trajectory.scalars.values())
    chosen = np.unique(np.linspace(0, len(trajectory.time) - 1, ROWS).round().astype(int))
    return _rows(names, ((f"{column[row]:.8g}" for column in columns) for row in chosen), numbers=True)


def _environment(trajectory: Trajectory) -> str:
    found = {name: value for name, value in trajectory.attributes.items() if name != "problem"}
    first = [name for name in _COUNTS if name in found]
    order = [*first, *sorted(found.keys() - set(first))]
    return _rows(("attribute", "value"), ((name, str(found[name])) for name in order))


def _rows(names: Iterable[str], rows: Iterable[Iterable[str]], *, numbers: bool = False) -> str:
    """HTML table."""
    cell = "<td>" if numbers else '<td class="text">'
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = ["".join(f"{cell}{escape(str(value))}</td>" for value in row) for row in rows]
    lines = [line.replace(f"{cell}FAULT", '<td class="text fault">FAULT') for line in lines]
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
