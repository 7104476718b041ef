"""Mass that ends in Diracs: what cells, characteristics, variational steps and particles make of it.

On the teacher problem and on the El Nino data mass gathers at some directions. At a few times the atoms of each
solver, balls that hold most of the mass, are compared with those of a fine run of the same equation: error of their
positions and weights, of the risk, and the distance W1 of the measures, against the number of cells or particles. A
grid cannot place a Dirac closer than a quarter of a cell in W1, whatever its order; what moves with the flow can.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import wgflow
from wgflow import Particles, Signed, Trajectory
from wgflow.analysis.metrics import sheet_wasserstein
from wgflow.app.validation import Row, Setting, measured, within
from wgflow.plotting import save_figure
from wgflow.plotting.style import BLACK, BLUE, GREEN, VERMILLION, styled_figure
from wgflow.typing import FloatArray

RADIUS, LEAST = 0.3, 0.05  # of the balls of atoms, and their share of the mass
SOLVERS = {
    "finite volumes": (BLACK, ["solver.kind=finite_volume"], "domain.cells"),
    "characteristics": (VERMILLION, ["solver.kind=characteristics"], "domain.cells"),
    "JKO": (GREEN, ["solver.kind=jko", "particles.start=equispaced", "jko.tau=0.1", "jko.order=2"], "particles.count"),
    "particles": (BLUE, ["solver.kind=particles", "particles.start=equispaced"], "particles.count"),
}
TIMES = {"teacher": ([5.0, 20.0], [5.0, 20.0, 100.0]), "el_nino": ([1.0], [2.0, 10.0])}  # quick, full
SIZES = ((32, 64, 128), (64, 128, 256, 512))
# Fine runs: nodes and cells on each sheet. On data kinks are rounded for nodes, and exact for cells.
REFERENCES = {
    "teacher": ["solver.kind=characteristics", "characteristics.tolerance=1e-10"],
    "el_nino": ["solver.kind=finite_volume"],
}
REFERENCE_CELLS = {"teacher": (512, 1024), "el_nino": (1024, 8192)}


@dataclass(frozen=True)
class Errors:
    """How far a run is from the fine one at an output: positions, relative weights, relative risk, W1, and seconds."""

    position: float
    weight: float
    risk: float
    transport: float
    seconds: float


def run(problem: str, times: list[float], settings: list[str]) -> tuple[Trajectory, float]:
    """Run a problem to the last of some times; gives its processor time too."""
    began = time.process_time()
    trajectory = wgflow.run(
        wgflow.open_problem(problem, [f"solver.t_end={times[-1]}", f"output.times={times}", *settings])
    )
    return trajectory, time.process_time() - began


def atom_errors(found: Particles, wanted: Particles, atoms: Particles) -> tuple[float, float]:
    """Largest distance of the centres of mass of both measures in the balls of atoms, and error of the masses there."""
    moved, lost = 0.0, 0.0
    for point, sign in zip(atoms.points, atoms.signs, strict=True):
        (centre, mass), (place, weight) = (_within(measure, point, sign) for measure in (found, wanted))
        moved, lost = max(moved, abs(centre - place)), lost + abs(mass - weight)
    return moved, lost / wanted.mass


def _within(measure: Particles, point: FloatArray, sign: float) -> tuple[float, float]:
    """Centre of mass, as an angle from a point, and mass of what is within the radius of it on a sheet."""
    x, y = measure.points.T
    angles = np.arctan2(point[0] * y - point[1] * x, point[0] * x + point[1] * y)
    masses = np.where((measure.signs == sign) & (np.abs(angles) <= RADIUS), measure.weights, 0.0)
    return float(masses @ angles / max(masses.sum(), 1e-300)), float(masses.sum())


def compare(trajectory: Trajectory, fine: Trajectory, index: int, seconds: float) -> Errors:
    """Errors of a run at an output."""
    found, wanted = trajectory.measure(index), fine.measure(index)
    domain = fine.domain
    if not isinstance(domain, Signed):
        raise TypeError("concentration is measured on signed circles")
    position, weight = atom_errors(found, wanted, wgflow.find_spikes(wanted, domain, RADIUS, LEAST))
    masses = [wanted.weights[wanted.signs == sign].sum() for sign in (1.0, -1.0)]
    apart = sheet_wasserstein(found, wanted)
    transport = float(np.dot(apart, masses) / np.sum(masses))
    risk = abs(float(trajectory.risk[index] / fine.risk[index]) - 1.0)
    return Errors(position, weight, risk, transport, seconds)


def errors_of(problem: str, *, quick: bool) -> dict[str, dict[int, list[Errors]]]:
    """Errors of all solvers at all sizes and times."""
    times = TIMES[problem][int(not quick)]
    fine, _ = run(problem, times, [*REFERENCES[problem], f"domain.cells={REFERENCE_CELLS[problem][int(not quick)]}"])
    found: dict[str, dict[int, list[Errors]]] = {}
    for name, (_, settings, key) in SOLVERS.items():
        found[name] = {}
        for size in SIZES[int(not quick)]:
            count = size if key == "domain.cells" else 2 * size
            trajectory, seconds = run(problem, times, [*settings, f"{key}={count}"])
            found[name][size] = [compare(trajectory, fine, k + 1, seconds) for k in range(len(times))]
    return found


def validate(setting: Setting) -> Iterator[Row]:
    """Compare the solvers on both problems, and draw the errors."""
    curves = {}
    for problem in TIMES:
        curves[problem] = errors_of(problem, quick=setting.quick)
        last, size = TIMES[problem][int(not setting.quick)][-1], SIZES[int(not setting.quick)][-1]
        for name, by_size in curves[problem].items():
            errors = by_size[size][-1]
            what = f"{problem}, {name}, {size} on each sheet, t = {last:g}"
            beside = (
                f"weights {errors.weight:.1e}, risk {errors.risk:.1e}, W1 {errors.transport:.1e}, "
                f"{errors.seconds:.1f} s"
            )
            width = 2.0 * np.pi / size
            yield within(f"{what}: largest error of the position of an atom", errors.position, width, beside).quote()
            yield measured(f"{what}: error of the risk", errors.risk)
    draw(curves, setting)


def draw(curves: dict[str, dict[str, dict[int, list[Errors]]]], setting: Setting) -> None:
    """Errors at the last time against cells, and of the risk against time."""
    panels = {"position": "position of atoms", "weight": "weights of atoms", "risk": "risk", "transport": "$W_1$"}
    with styled_figure(5.6) as figure:
        rows = figure.subplots(len(curves), len(panels), squeeze=False)
        for axes_row, (problem, by_solver) in zip(rows, curves.items(), strict=True):
            for axes, (name, title) in zip(axes_row, panels.items(), strict=True):
                for solver, by_size in by_solver.items():
                    sizes: FloatArray = np.array(sorted(by_size), dtype=np.float64)
                    values = [getattr(by_size[int(size)][-1], name) for size in sizes]
                    axes.loglog(sizes, values, "o-", color=SOLVERS[solver][0], label=solver, markersize=4)
                axes.set_title(f"{problem}: {title}")
                shown = SIZES[int(not setting.quick)]
                axes.set_xticks(shown, [str(size) for size in shown])
                axes.minorticks_off()
                axes.set_xlabel("cells or nodes, each sheet")
        rows[0, 0].legend(fontsize=8)
        rows[0, 0].set_ylabel("error at the last time")
    save_figure(figure, setting.file())
