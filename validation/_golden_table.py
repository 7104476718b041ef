"""Which small runs of problem files `golden.py` does, and what they read and write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import wgflow

from ._golden_problems import DEFAULTS, PLACES, PROBLEMS, SOLVERS, STARTS, Sections

Run = Callable[[Path], wgflow.Trajectory]
"""Does a run; gets a folder with the files of `write_data`, in which it may write."""

EXPLICIT = "explicit euler ssprk2 ssprk3 positive"
IMPLICIT = "backward_euler tr_bdf2"
JKO = "jko jko_2 jko_grid jko_grid_2"
PARTICLES = "adaptive random rk4 descent mirror"
NORMALISED = "normalised normalised_1"

# Places, problems, start, solvers: one run for each combination.
TABLE: Sequence[tuple[str, str, str, str]] = (
    ("box 1-D", "well", "gaussian", f"{EXPLICIT} order_5 {PARTICLES} equispaced"),
    ("box 1-D", "well and heat", "gaussian", f"explicit {IMPLICIT} langevin linearised"),
    ("box 1-D", "porous medium|fast diffusion", "pair", "explicit ssprk2 tr_bdf2 linearised"),
    ("box 1-D", "thick medium", "gaussian", "explicit tr_bdf2 linearised"),
    ("box 1-D", "energy distance|kernel distance to uniform", "gaussian", "explicit linearised"),
    ("box 1-D", "samples", "pair", "explicit adaptive"),
    ("box 1-D", "quadratic", "gaussian", JKO),
    ("torus 1-D", "waves", "middle", f"explicit euler order_5 {PARTICLES}"),
    ("torus 1-D", "waves and heat", "middle", f"{IMPLICIT} langevin linearised"),
    ("torus 1-D", "sobolev", "middle", "explicit order_5 linearised"),
    ("torus 1-D", "spikes", "uniform", f"explicit order_5 adaptive {JKO} linearised"),
    ("signed box 1-D", "well", "gaussian", "explicit ssprk2 adaptive linearised"),
    ("signed torus 1-D", "signed spikes", "uniform", f"explicit adaptive {JKO} linearised"),
    ("box 2-D", "well", "gaussian", f"{EXPLICIT} order_5 {PARTICLES} equispaced"),
    ("box 2-D", "well and heat", "pair", f"explicit {IMPLICIT} langevin linearised"),
    ("box 2-D", "porous medium|fast diffusion", "pair", "explicit tr_bdf2 linearised"),
    ("box 2-D", "ring|slope|energy distance|kernel distance", "pair", "explicit linearised"),
    ("box 2-D", "chemotaxis", "gaussian", "explicit tr_bdf2"),
    ("box 2-D", "rounded ring|slope|samples", "gaussian", "adaptive"),
    ("box 2-D", "quadratic", "gaussian", f"explicit adaptive {JKO} linearised"),
    ("box 2-D", "data", "gaussian", f"explicit adaptive float32 rates sgd {JKO} linearised"),
    ("box 2-D", "noisy data", "gaussian", "tr_bdf2 langevin noisy_sgd"),
    ("box 2-D", "tanh|softplus|squared_relu|logistic", "gaussian", "explicit rk4 jko"),
    ("torus 2-D", "waves", "middle", "explicit order_5 adaptive"),
    ("torus 2-D", "waves and heat", "middle", f"{IMPLICIT} langevin linearised"),
    ("torus 2-D", "sobolev|spikes", "middle", "explicit linearised"),
    ("torus 2-D", "spikes", "uniform", f"adaptive {JKO}"),
    ("torus 2-D", "noisy spikes", "middle", "tr_bdf2 langevin"),
    ("tube 2-D", "slope", "side", "explicit order_5 adaptive linearised"),
    ("signed box 2-D", "well", "gaussian", "explicit order_5 adaptive linearised"),
    ("box 3-D", "teacher", "gaussian", "explicit positive order_5 adaptive rates sgd"),
    ("box 3-D", "well and heat", "gaussian", f"explicit {IMPLICIT} langevin linearised"),
    ("box 3-D", "porous medium", "pair", "explicit tr_bdf2"),
    ("box 3-D", "energy distance", "pair", "explicit"),
    ("box 3-D", "data|data on the fly", "gaussian", "explicit adaptive jko"),
    ("torus 3-D", "waves and heat", "middle", "explicit tr_bdf2 langevin"),
    ("torus 3-D", "spikes", "middle", "explicit adaptive"),
    ("torus 3-D", "few spikes", "middle", "jko linearised"),
    ("signed box 3-D", "well", "gaussian", "explicit adaptive"),
    ("circle", "quadratic", "angular", f"{EXPLICIT} order_5 {PARTICLES} equispaced characteristics {JKO} linearised"),
    ("circle", "noisy quadratic", "angular", f"{IMPLICIT} langevin"),
    ("circle", "waves and heat", "focused", "explicit tr_bdf2 langevin linearised"),
    ("circle", "kernel distance to uniform", "focused", "explicit linearised"),
    ("circle", "rounded ring|sobolev|slope", "focused", "explicit"),
    ("circle", "rounded ring", "focused", "adaptive"),
    ("circle", "thick medium|fast diffusion", "focused", "explicit tr_bdf2"),
    ("circle", "angles", "uniform", f"explicit adaptive characteristics {JKO} linearised"),
    ("circle of pairs", "teacher|data", "angular", "explicit order_5 adaptive descent characteristics"),
    ("circle of pairs", "data", "angular", "jko"),
    (
        "signed circle",
        "teacher",
        "uniform",
        f"explicit order_5 {PARTICLES} sgd mirror_sgd characteristics {JKO} linearised",
    ),
    (
        "signed circle",
        "data",
        "uniform",
        f"explicit order_5 {PARTICLES} float32 sgd mirror_sgd characteristics {JKO} linearised",
    ),
    ("signed circle", "noisy teacher|noisy data", "focused", "tr_bdf2 langevin noisy_sgd"),
    ("signed circle", "softmin|logistic", "uniform", f"explicit characteristics jko {NORMALISED}"),
    ("signed circle", "signed angles", "uniform", "explicit adaptive characteristics jko linearised"),
    (
        "sphere",
        "quadratic",
        "angular",
        f"explicit euler positive midpoint barth_jespersen {PARTICLES} {JKO} linearised",
    ),
    ("sphere", "noisy quadratic", "angular", f"{IMPLICIT} langevin"),
    ("sphere", "slope|rounded ring|kernel distance to uniform", "focused", "explicit linearised"),
    ("sphere", "heat|porous medium", "focused", "explicit tr_bdf2 linearised"),
    ("sphere", "slope", "focused", "adaptive"),
    ("sphere of pairs", "teacher|data", "angular", "explicit positive adaptive descent"),
    ("signed sphere", "teacher", "uniform", "explicit barth_jespersen adaptive descent sgd linearised"),
    ("signed sphere", "data", "uniform", f"explicit {PARTICLES} float32 sgd {JKO} linearised"),
    ("signed sphere", "noisy teacher", "focused", "tr_bdf2 langevin noisy_sgd"),
    ("signed sphere", "softmin|logistic", "uniform", f"explicit {NORMALISED}"),
    ("space", "teacher", "balanced", "adaptive rk4 descent rates sgd"),
    ("space", "noisy teacher", "balanced", "langevin noisy_sgd"),
    ("space", "well|quadratic", "gaussian", "adaptive rk4 descent"),
    ("space", "data|data on the fly|softplus", "balanced", "adaptive descent sgd jko"),
    ("plane", "quadratic", "gaussian", "jko jko_2"),
    ("plane", "well and heat", "gaussian", "langevin"),
    ("plane", "logistic|rounded ring|samples", "gaussian", "adaptive"),
    ("hypersphere", "quadratic|slope", "uniform", f"{PARTICLES}"),
    ("hypersphere", "quadratic|data", "uniform", "jko jko_2"),
    ("hypersphere", "teacher|data", "uniform", "adaptive descent"),
    ("hypersphere of pairs", "teacher", "uniform", "adaptive descent sgd"),
    ("signed hypersphere", "teacher|data", "uniform", "adaptive descent mirror sgd mirror_sgd"),
    ("signed hypersphere", "noisy teacher", "uniform", "langevin noisy_sgd"),
    ("signed box 1-D", "well and heat", "gaussian", f"{IMPLICIT} langevin"),
    ("signed torus 1-D", "waves and heat", "middle", "tr_bdf2 langevin"),
    ("signed torus 1-D", "signed spikes", "uniform", "order_5 ssprk2 descent mirror"),
    ("signed box 2-D", "well and heat", "gaussian", f"{IMPLICIT} langevin"),
    ("signed box 3-D", "well and heat", "gaussian", "order_5 tr_bdf2 langevin linearised"),
    (
        "box 3-D",
        "data",
        "gaussian",
        "euler ssprk2 ssprk3 rk4 descent mirror mirror_sgd float32 jko_2 jko_grid jko_grid_2",
    ),
    ("box 3-D", "noisy data", "gaussian", "backward_euler noisy_sgd"),
    ("torus 2-D", "waves", "middle", "euler ssprk2 ssprk3 positive rk4 descent mirror"),
    ("torus 3-D", "waves", "middle", "euler ssprk2 order_5 rk4 descent mirror linearised"),
    ("torus 3-D", "few spikes", "middle", "jko_2 jko_grid"),
    ("tube 2-D", "well and heat", "side", f"{IMPLICIT} langevin"),
    ("circle", "data", "uniform", "sgd mirror_sgd float32"),
    ("circle", "noisy data", "uniform", "noisy_sgd"),
    ("circle of pairs", "noisy data", "angular", "tr_bdf2 langevin"),
    ("circle of pairs", "data", "angular", "linearised sgd jko_grid"),
    ("signed circle", "teacher", "uniform", "euler ssprk2 ssprk3 positive"),
    ("signed sphere", "data", "uniform", "euler positive midpoint mirror_sgd"),
    ("signed sphere", "noisy data", "uniform", "backward_euler"),
    ("sphere of pairs", "data", "angular", "barth_jespersen jko linearised sgd"),
    ("sphere of pairs", "noisy data", "angular", "tr_bdf2 langevin"),
    ("circle|sphere|circle of pairs|sphere of pairs", "softmin|logistic", "uniform", "normalised"),
    ("space", "data", "balanced", "mirror mirror_sgd float32 jko_2"),
    ("hypersphere", "noisy quadratic", "uniform", "langevin"),
    ("hypersphere of pairs", "data", "uniform", "jko sgd float32"),
    ("signed hypersphere", "data", "uniform", "rk4 float32 jko jko_2"),
    ("wide circle", "teacher|data", "focused", "explicit order_5"),
    ("wide box 1-D", "well", "gaussian", "explicit"),
    ("wide box 1-D", "porous medium", "gaussian", "tr_bdf2"),
    ("wide box 2-D", "data|slope", "gaussian", "explicit order_5"),
    ("wide box 2-D", "well and heat", "gaussian", "tr_bdf2"),
    ("wide sphere", "data|slope", "uniform", "explicit barth_jespersen"),
)


def merged(*tables: Mapping[str, Any]) -> Sections:
    """Sections of several tables, the later before the earlier."""
    result: Sections = {}
    for table in tables:
        for name, values in table.items():
            result[name] = {**result.get(name, {}), **values} if isinstance(values, Mapping) else values
    return result


def described(place: str, problem: str, start: str, solver: str, folder: Path) -> Sections:
    """Give the problem file of a row."""
    domain, components, inputs = PLACES[place]
    parts = {"problem": PROBLEMS[problem](components, inputs, folder), "domain": domain}
    short = {"solver": {"t_end": 1e-4}} if place.startswith("wide") else {}
    return merged(DEFAULTS, parts, {"initial": STARTS[start](components)}, SOLVERS[solver], short)


def write_data(folder: Path) -> None:
    """Write a table of data, and samples in each dimension: numbers that no library rounds."""
    grid = (np.arange(45).reshape(9, 5) * 29 % 47) / 23.5 - 1.0
    label = np.where(grid[:, 0] + 0.3 * grid[:, 1] > 0.1, 1.0, -1.0)
    columns = {"x0": grid[:, 0], "x1": grid[:, 1], "x2": grid[:, 2], "x3": grid[:, 3], "y": grid[:, 4], "label": label}
    _write(folder / "data.csv", columns)
    for size in (1, 2):
        _write(folder / f"samples{size}.csv", {f"w{axis}": grid[:, axis] for axis in range(size)})


def _write(path: Path, columns: Mapping[str, Any]) -> None:
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(repr(float(x)) for x in row) for row in rows)]) + "\n")


def table_runs() -> Iterator[tuple[str, Run]]:
    """Runs of the table by name."""
    for places, problems, start, solvers in TABLE:
        for place, problem, solver in product(places.split("|"), problems.split("|"), solvers.split()):
            yield f"{place}: {problem}, {solver}", partial(_run_row, place, problem, start, solver)


def _run_row(place: str, problem: str, start: str, solver: str, folder: Path) -> wgflow.Trajectory:
    return wgflow.run(described(place, problem, start, solver, folder))
