"""One network, three ways: the continuity equation on a box in R^3, its image on the sphere, and particles.

For regression on data and for the teacher of Figure 2 of Bach and Chizat (2022), both from a Gaussian start: risks at
t = 0.5, 1, 2, 4, 8, extrapolated from the two finest grids (second order), must agree to 0.3 %, and the differences
between grids must shrink with an order of at least 1.8.

    python validation/three_ways.py [--problem regression|teacher] [--quick] [--figure PNG]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from wgflow import Trajectory, run
from wgflow.errors import WgflowError
from wgflow.plotting import save_figure
from wgflow.problems.parsing import read_toml
from wgflow.problems.shipped import find_problem_file
from wgflow.typing import FloatArray

TIMES = [0.5, 1.0, 2.0, 4.0, 8.0]
BOXES = {"regression": "regression_box", "teacher": "teacher_box"}
SPHERES = (642, 2562, 10242)
REFINEMENTS = {False: (1, 2, 4), True: (1, 2)}  # of half the number of cells that the problem file gives each axis
PARTICLES = {False: 2**14, True: 2**12}
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
        shape = [factor * cells // 2 for cells in domain["shape"]]
        print(f"{name}: box of {' x '.join(map(str, shape))} cells ...", file=sys.stderr)
        risks.append(risks_of(name, domain={**domain, "shape": shape}).risk[1:])
    return np.array(risks)


def sphere_risks(name: str) -> FloatArray:
    """Risks on each sphere, from the image of the Gaussian, shape (grids, times)."""
    covariance = read_toml(find_problem_file(Path(BOXES[name])))["initial"]["covariance"]
    initial = {"kind": "angular_gaussian", "covariance": covariance}
    risks = []
    for cells in SPHERES:
        print(f"{name}: sphere of {cells} cells ...", file=sys.stderr)
        risks.append(risks_of(name, domain={"kind": "sphere", "cells": cells}, initial=initial).risk[1:])
    return np.array(risks)


def particle_risks(name: str, *, quick: bool) -> FloatArray:
    """Risks of quasi-random particles, shape (times,)."""
    print(f"{name}: {PARTICLES[quick]} particles ...", file=sys.stderr)
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


def draw(curves: dict[str, dict[str, FloatArray]], path: Path) -> None:
    """Draw the three risks of each problem, and how they differ from that of the particles."""
    figure = Figure(figsize=(4.2 * len(curves), 5.6), layout="constrained")
    panels = figure.subplots(2, len(curves), squeeze=False, sharex=True)
    for (above, below), (name, ways) in zip(panels.T, curves.items(), strict=True):
        for (way, risk), marker in zip(ways.items(), "os+", strict=True):
            above.loglog(TIMES, risk, marker=marker, fillstyle="none", label=way)
            if way != "particles":
                below.loglog(TIMES, np.abs(risk / ways["particles"] - 1.0), marker=marker, label=way)
        above.set_title(name)
        below.axhline(AGREEMENT[False], color="gray", linestyle="--", linewidth=1)
        below.set_xlabel("time $t$")
        below.set_xticks(TIMES, [f"{time:g}" for time in TIMES])
        below.minorticks_off()
    panels[0, 0].set_ylabel("risk $R$")
    panels[1, 0].set_ylabel("difference from particles")
    panels[0, 0].legend()
    save_figure(figure, path)


def check(name: str, ways: dict[str, FloatArray], orders: dict[str, float], *, quick: bool) -> bool:
    """Print the table of a problem and whether it passes."""
    print(f"\n{name}: risk at t = {', '.join(f'{t:g}' for t in TIMES)}")
    for way, risk in ways.items():
        print(f"  {way:9s}  " + "  ".join(f"{value:.6f}" for value in risk))
    stacked = np.array(list(ways.values()))
    spread = float((np.ptp(stacked, axis=0) / stacked.mean(axis=0)).max())
    agree, convergent = spread <= AGREEMENT[quick], min(orders.values()) >= ORDER
    print(f"  {'PASS' if agree else 'FAIL'}  largest relative difference {spread:.2e} (allowed {AGREEMENT[quick]:g})")
    found = ", ".join(f"{way} {order:.2f}" for way, order in orders.items())
    print(f"  {'PASS' if convergent else 'FAIL'}  order in h: {found} (at least {ORDER:g})")
    return agree and convergent


def compare(name: str, *, quick: bool) -> tuple[bool, dict[str, FloatArray]]:
    """Run a problem all three ways."""
    box, sphere = box_risks(name, quick=quick), sphere_risks(name)
    ways = {"box": extrapolate(box), "sphere": extrapolate(sphere), "particles": particle_risks(name, quick=quick)}
    orders = {way: order_of(risks) for way, risks in (("box", box), ("sphere", sphere)) if len(risks) > 2}
    return check(name, ways, orders, quick=quick), ways


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparisons; 0 if all agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", choices=list(BOXES), help="only this problem")
    parser.add_argument("--quick", action="store_true", help="coarse grids, under half a minute")
    parser.add_argument("--figure", type=Path, default=Path("three_ways.png"), help="picture to write")
    options = parser.parse_args(arguments)
    results = {name: compare(name, quick=options.quick) for name in BOXES if options.problem in (None, name)}
    draw({name: ways for name, (_, ways) in results.items()}, options.figure)
    print(f"\nfigure      {options.figure}")
    return 0 if all(passed for passed, _ in results.values()) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WgflowError as error:
        sys.exit(f"error: {error}")
