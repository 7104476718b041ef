"""Overviews of all shipped problems by every solver that runs them: each kind of run is seen, and nothing is cut off.

Each sheet is written beside the table. Asked of it: it has the panels of its kind, each with a letter and a title; no
text is cut off at the edge of the figure; no two texts stand on each other; and each curve over time ends with its
value. Whether a figure shows what it should is for eyes to tell.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any
from unittest.mock import patch

from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from wgflow import open_problem, plot_trajectory, run, save_figure
from wgflow.app.validation import Row, Setting, agrees, measured
from wgflow.errors import ComputationError, FlowWarning, InputError
from wgflow.plotting.layout import COLORBAR
from wgflow.plotting.overview import KINDS, kind_of_run
from wgflow.plotting.shown import Shown
from wgflow.problems import Problem
from wgflow.problems.shipped import shipped_problems
from wgflow.problems.solvers.registry import SOLVERS

SECONDS = 60.0  # wall time of a run
QUICK_SECONDS = 2.0
FEW_CELLS = {
    "aggregation": "domain.shape=[24, 24]",
    "clusters": "domain.cells=162",
    "deconvolution": "domain.shape=[16, 16]",
    "el_nino": "domain.cells=128",
    "fokker_planck": "domain.shape=[100]",
    "keller_segel": "domain.shape=[24, 24]",
    "penguins": "domain.cells=162",
    "porous_medium": "domain.shape=[24, 24]",
    "quadratic": "domain.cells=64",
    "quadratic_sphere": "domain.cells=642",
    "regression": "domain.cells=642",
    "regression_box": "domain.shape=[16, 16, 16]",
    "riccati": "domain.shape=[32, 32]",
    "spikes": "domain.cells=64",
    "teacher": "domain.cells=128",
    "teacher_box": "domain.shape=[16, 16, 12]",
    "teacher_jko": "domain.cells=128",
}
NEEDED = {
    ("aggregation", "particles"): ["problem.interaction.smoothing=0.05"],
    ("keller_segel", "particles"): ["problem.interaction.smoothing=0.1"],
}
FEW_PARTICLES = "particles.count=200"
TOUCH = 1.0  # pixels by which texts may touch


def settings_of(name: str, solver: str, *, quick: bool) -> list[str]:
    """Settings of a shipped problem for a solver."""
    settings = [f"solver.kind={solver}", f"solver.wall_time={QUICK_SECONDS if quick else SECONDS}"]
    settings += NEEDED.get((name, solver), [])
    few = [FEW_CELLS[name]] if name in FEW_CELLS else []
    return [*settings, *few, FEW_PARTICLES] if quick else settings


def problems(*, quick: bool) -> Iterator[tuple[str, Problem]]:
    """Shipped problems by each solver that takes them, with the names of their sheets."""
    for path in shipped_problems():
        for solver in SOLVERS:
            try:
                problem = open_problem(path.stem, settings_of(path.stem, solver, quick=quick))
                problem.make_evolution()
            except InputError:  # not for this solver
                continue
            yield f"{path.stem}, {solver}", problem


def boxes_of(figure: Figure) -> dict[str, Bbox]:
    """Boxes of all texts that are drawn, in pixels; several of the same words are told apart by their numbers."""
    found: dict[str, Bbox] = {}

    def record(text: Text, renderer: RendererBase, *rest: Any, **options: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            found[f"{len(found)}: {text.get_text()}"] = text.get_window_extent(renderer)
        plain(text, renderer, *rest, **options)

    plain: Any = Text.draw
    with patch.object(Text, "draw", record):
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
    return found


def cut_off(figure: Figure, boxes: Mapping[str, Bbox]) -> list[str]:
    """Texts that reach beyond the edge of a figure."""
    width, height = figure.bbox.max
    return [
        text
        for text, box in boxes.items()
        if box.x0 < -TOUCH or box.y0 < -TOUCH or box.x1 > width + TOUCH or box.y1 > height + TOUCH
    ]


def on_each_other(boxes: Mapping[str, Bbox]) -> list[str]:
    """Pairs of texts whose boxes have more than an edge in common."""
    return [
        f"{first} on {second}"
        for (first, one), (second, two) in combinations(boxes.items(), 2)
        if min(one.x1, two.x1) - max(one.x0, two.x0) > TOUCH and min(one.y1, two.y1) - max(one.y0, two.y0) > TOUCH
    ]


def panels_of(figure: Figure) -> list[Axes]:
    """Panels of a figure, without bars of colours."""
    return [axes for axes in figure.axes if axes.get_label() != COLORBAR]


def without_letter(panels: list[Axes]) -> list[str]:
    """Titles of panels that have no letter."""
    return [axes.get_title(loc="left") for axes in panels if not axes.get_title(loc="left").startswith(r"$\bf{")]


def without_end(panels: list[Axes]) -> list[str]:
    """Titles of panels over time with curves of scalars that do not tell their last value."""
    curves = [axes for axes in panels if "time" in axes.get_xlabel() and not axes.collections and axes.lines]
    return [axes.get_title(loc="left") for axes in curves if not any(isinstance(t, Annotation) for t in axes.texts)]


def rows_of(sheet: str, figure: Figure, kind: str) -> Iterator[Row]:
    """What is asked of a figure."""
    boxes, panels = boxes_of(figure), panels_of(figure)
    faults = {
        "cut off": cut_off(figure, boxes),
        "on each other": on_each_other(boxes),
        "without letter": without_letter(panels),
        "without last value": without_end(panels),
    }
    listed = "; ".join(f"{name}: {', '.join(found)}" for name, found in faults.items() if found)
    beside = f"{kind}: {len(panels)} panels" + (f"; {listed}" if listed else "")
    yield agrees(f"{sheet}: faults of its texts", sum(len(found) for found in faults.values()), 0, beside)


def validate(setting: Setting) -> Iterator[Row]:
    """All sheets; quick, on few cells and for a few seconds each."""
    seen: set[str] = set()
    for sheet, problem in problems(quick=setting.quick):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FlowWarning)
                trajectory = run(problem)
        except ComputationError as error:  # as when a step needs more than a coarse grid gives
            yield measured(f"{sheet}: does not run", str(error))
            continue
        figure = plot_trajectory(trajectory, problem)
        save_figure(figure, setting.file(f"-{sheet.replace(', ', '-')}.png"))
        kind = kind_of_run(Shown(trajectory, problem)).name
        seen.add(kind)
        yield from rows_of(sheet, figure, kind)
    yield agrees("kinds of runs that are seen", len(seen), len(KINDS), ", ".join(sorted(seen))).quote()
