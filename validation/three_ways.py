"""One network, three ways: the continuity equation on a box in R^3, its image on the sphere, and particles.

For regression on data and for the teacher of Figure 2 of Bach and Chizat (2022), both from a Gaussian start: risks at
t = 0.5, 1, 2, 4, 8, extrapolated from the two finest grids (second order), must agree to 0.3 %, and the differences
between grids must shrink with an order of at least 1.8.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.figure import Figure

from wgflow import Trajectory, run
from wgflow.app.validation import Row, Setting, at_least, within
from wgflow.plotting import save_figure
from wgflow.problems.parsing import read_toml
from wgflow.problems.shipped import find_problem_file
from wgflow.typing import FloatArray

TIMES = [0.5, 1.0, 2.0, 4.0, 8.0]
BOXES = {"regression": "regression_box", "teacher": "teacher_box"}
SPHERES = (642, 2562, 10242)
REFINEMENTS = {False: (2, 4, 8), True: (2, 4)}  # of a quarter of the cells that the problem file gives each axis
PARTICLES = {False: 2**14, True: 2**10}
AGREEMENT, ORDER = {False: 3e-3, True: 3e-2}, 1.8


def risks_of(name: str, **sections: dict[str, object]) -> Trajectory:
    """Run a problem of a box with other sections."""
    described = read_toml(find_problem_file(Path(BOXES[name])))
    dataset = described["problem"].get("dataset")
    if dataset is not None:
        dataset["path"] = str(find_problem_file(Path(BOXES[name])).parent / dataset["path"])
    return run({**described, "output": {"times": TIMES}, **sections})


def box_risks(name: str, *, quick: bool) -> FloatArray:
    """Risks on each box, shape (grids, times)."""
    domain = read_toml(find_problem_file(Path(BOXES[name])))["domain"]
    risks = []
    for factor in REFINEMENTS[quick]:
        shape = [factor * cells // 4 for cells in domain["shape"]]
        risks.append(risks_of(name, domain={**domain, "shape": shape, "wall_warning": 1.0}).risk[1:])
    return np.array(risks)


def sphere_risks(name: str) -> FloatArray:
    """Risks on each sphere, from the image of the Gaussian, shape (grids, times)."""
    covariance = read_toml(find_problem_file(Path(BOXES[name])))["initial"]["covariance"]
    initial = {"kind": "angular_gaussian", "covariance": covariance}
    spheres = [{"kind": "sphere", "cells": cells} for cells in SPHERES]
    return np.array([risks_of(name, domain=sphere, initial=initial).risk[1:] for sphere in spheres])


def particle_risks(name: str, *, quick: bool) -> FloatArray:
    """Risks of quasi-random particles, shape (times,)."""
    solver = {"kind": "particles", "t_end": TIMES[-1]}
    options = {"count": PARTICLES[quick], "start": "quasi_random", "smoothing": 1e-3}
    return risks_of(name, solver=solver, particles=options).risk[1:]


def extrapolate(risks: FloatArray) -> FloatArray:
    """Limit of second-order results on grids whose spacings are halved, from the two finest."""
    return risks[-1] + (risks[-1] - risks[-2]) / 3.0


def order_of(risks: FloatArray) -> float:
    """Order by which the largest relative difference of neighbouring grids shrinks."""
    steps = np.abs(np.diff(risks, axis=0) / risks[-1]).max(axis=1)
    return float(np.log2(steps[-2] / steps[-1]))


def draw(curves: dict[str, dict[str, FloatArray]], allowed: float, path: Path) -> None:
    """Draw the three risks of each problem, and how they differ from that of the particles."""
    figure = Figure(figsize=(4.2 * len(curves), 5.6), layout="constrained")
    panels = figure.subplots(2, len(curves), squeeze=False, sharex=True)
    for (above, below), (name, ways) in zip(panels.T, curves.items(), strict=True):
        for (way, risk), marker in zip(ways.items(), "os+", strict=True):
            above.loglog(TIMES, risk, marker=marker, fillstyle="none", label=way)
            if way != "particles":
                below.loglog(TIMES, np.abs(risk / ways["particles"] - 1.0), marker=marker, label=way)
        above.set_title(name)
        below.axhline(allowed, color="gray", linestyle="--", linewidth=1)
        below.set_xlabel("time $t$")
        below.set_xticks(TIMES, [f"{time:g}" for time in TIMES])
        below.minorticks_off()
    panels[0, 0].set_ylabel("risk $R$")
    panels[1, 0].set_ylabel("difference from particles")
    panels[0, 0].legend()
    save_figure(figure, path)


def compare(name: str, *, quick: bool) -> tuple[dict[str, FloatArray], list[Row]]:
    """Run a problem all three ways."""
    box, sphere = box_risks(name, quick=quick), sphere_risks(name)
    ways = {"box": extrapolate(box), "sphere": extrapolate(sphere), "particles": particle_risks(name, quick=quick)}
    stacked = np.array(list(ways.values()))
    spread = float((np.ptp(stacked, axis=0) / stacked.mean(axis=0)).max())
    ends = ", ".join(f"{way} {risk[-1]:.6f}" for way, risk in ways.items())
    what, beside = f"{name}, t = {TIMES[0]:g} to {TIMES[-1]:g}", f"at the end {ends}"
    rows = [within(f"{what}: difference of the risks on box, sphere, particles", spread, AGREEMENT[quick], beside)]
    for way, risks in (("box", box), ("sphere", sphere)):
        if len(risks) > 2:
            rows.append(at_least(f"{what}: observed order on the {way}", order_of(risks), ORDER))
    return ways, [row.quote() for row in rows]


def validate(setting: Setting, *, only: Literal["regression", "teacher"] | None = None) -> Iterator[Row]:
    """Compare both problems; quick, on coarse grids.

    Parameters
    ----------
    setting : Setting
        How to run.
    only : "regression", "teacher" or None
        Which problem; both by default.
    """
    curves = {}
    for name in [only] if only else BOXES:
        curves[name], rows = compare(name, quick=setting.quick)
        yield from rows
    draw(curves, AGREEMENT[setting.quick], setting.file())
