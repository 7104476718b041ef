"""The PDE, characteristics, polar particles and Cartesian particles on the two-layer problems that ship.

All start from the same measure and must have the same risk at a few times. Polar particles carry directions and
weights, Cartesian ones both layers of a network; where a problem names a box, its particles are drawn there and seen on
the sphere through w -> (w/|w|, weight |w|^2). Grids end at three dimensions, characteristics live on circles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from wgflow import Hypersphere, Particles, Space, Trajectory, open_problem, run, simulate
from wgflow.app.validation import Row, Setting, within
from wgflow.domains import Box, Circle, Domain
from wgflow.errors import InputError
from wgflow.problems import Problem
from wgflow.problems.parsing import read_toml
from wgflow.problems.shipped import shipped_problems
from wgflow.text import shown
from wgflow.typing import FloatArray

LONGEST = 10.0
TOLERANCE = 1e-6  # of the adaptive integrator
COUNTS = {False: 2**12, True: 2**9}
# Largest difference of the risks from the first way, relative to the risk at the start: on circles with a teacher, on
# circles with data, whose kinks all but the PDE round, and in more dimensions, where starts are quasi-random.
AGREEMENT = {False: (2e-6, 2e-4, 4e-3), True: (2e-5, 1e-3, 3e-2)}
# Of the two forms of the same particles, with a teacher and on data: there kinks are rounded in proportion to the
# length of input weights, which is 1 in the polar form only.
FORMS_AGREEMENT = (1e-6, 2e-5)


def two_layer_problems() -> list[str]:
    """Names of the shipped problems that are networks, but for those whose mass grows without end: see margins.py."""
    shipped = {file.stem: read_toml(file) for file in shipped_problems()}
    networks = {name: one for name, one in shipped.items() if one["problem"]["kind"] == "two_layer"}
    return [name for name, one in networks.items() if one["solver"].get("kind") != "normalised"]


def particle_starts(problem: Problem) -> tuple[Particles, Domain, Particles]:
    """The same measure as polar particles, with their domain, and as Cartesian ones."""
    drawn, base = replace(problem.initial_particles(), domain=None), problem.domain.base
    if isinstance(base, Box | Space):
        lengths = np.linalg.norm(drawn.points, axis=1)
        directions = Particles(drawn.points / lengths[:, None], drawn.weights * lengths**2, drawn.signs)
        return directions, Hypersphere(drawn.points.shape[1]), drawn
    if problem.domain.sheets == 1:
        return drawn, problem.domain, drawn
    balanced = np.column_stack([drawn.signs, drawn.points])
    return drawn, problem.domain, Particles(balanced, drawn.weights, np.ones_like(drawn.signs))


def particle_runs(problem: Problem, times: FloatArray) -> dict[str, Trajectory]:
    """Run both forms of the particles."""
    polar, sphere, cartesian = particle_starts(problem)
    runs = {}
    for way, start, domain in (("polar", polar, sphere), ("Cartesian", cartesian, Space(cartesian.points.shape[1]))):
        functional = replace(problem, domain=domain).functional
        runs[way] = simulate(functional, start, times[-1], domain=domain, tolerance=TOLERANCE, times=times)
    return runs


def risks_of(name: str, *, quick: bool) -> dict[str, FloatArray]:
    """Risk at each time after 0 by each way that there is, and at time 0 under the name "start"."""
    shipped = open_problem(name)
    t_end = min(shipped.config.solver.t_end, LONGEST)
    times = t_end * np.array([0.1, 0.5, 1.0])
    domain = shipped.domain.base
    start = "equispaced" if isinstance(domain, Circle) else "quasi_random"
    common = [f"solver.t_end={t_end}", f"output.times={times.tolist()}"]
    particles = ["solver.kind=particles", "particles.method=adaptive", "particles.batch=0", f"particles.start={start}"]
    drawn = open_problem(name, [*common, *particles, f"particles.count={COUNTS[quick]}"])
    runs = {}
    if not isinstance(domain, Space):
        grid = _coarser(shipped) if quick else []
        if isinstance(domain, Box):
            grid.append("domain.wall_warning=1.0")
        runs["PDE"] = run(open_problem(name, [*common, *grid, "solver.kind=finite_volume"]))
    if isinstance(domain, Circle):
        nodes = f"domain.cells={COUNTS[quick] // 4}"
        runs["characteristics"] = run(open_problem(name, [*common, nodes, "solver.kind=characteristics"]))
    runs |= particle_runs(drawn, times)
    first = next(iter(runs.values()))
    return {"start": first.risk[:1], **{way: trajectory.risk[1:] for way, trajectory in runs.items()}}


def _coarser(problem: Problem) -> list[str]:
    """Settings of a grid with about half the cells along each axis."""
    if isinstance(problem.domain.base, Box):
        return [f"domain.shape={[cells // 2 for cells in problem.domain.base.shape]}"]
    divisor = 4 if problem.domain.kind == "sphere" else 2
    return [f"domain.cells={problem.domain.base.shape[0] // divisor}"]


def rows_of(name: str, risks: dict[str, FloatArray], *, quick: bool) -> Iterator[Row]:
    """How far the risks by each way are apart."""
    scale, ways = float(risks["start"][0]), {way: risk for way, risk in risks.items() if way != "start"}
    reference, on_data = next(iter(ways.values())), open_problem(name).dataset is not None
    allowed = AGREEMENT[quick][int(on_data) if "characteristics" in ways else 2]
    apart = max(float(abs(risk - reference).max()) for risk in ways.values()) / scale
    ends = ", ".join(f"{way} {risk[-1]:.8f}" for way, risk in ways.items())
    yield within(f"{name}: difference of the risks by {len(ways)} methods", apart, allowed, f"at the end {ends}")
    forms = float(abs(ways["polar"] - ways["Cartesian"]).max()) / scale
    yield within(f"{name}: difference of the risks of polar and Cartesian particles", forms, FORMS_AGREEMENT[on_data])


def validate(setting: Setting, *, problems: tuple[str, ...] = ()) -> Iterator[Row]:
    """Compare all problems; quick, with few particles and on coarse grids.

    Parameters
    ----------
    setting : Setting
        How to run.
    problems : tuple of str
        Names of shipped two-layer problems; all of them by default.

    Raises
    ------
    InputError
        If a name is none of a two-layer problem that ships.
    """
    known = two_layer_problems()
    unknown = [name for name in problems if name not in known]
    if unknown:
        raise InputError(f"problem {shown(unknown[0])} is no shipped two-layer problem; choose from {', '.join(known)}")
    for name in problems or known:
        yield from rows_of(name, risks_of(name, quick=setting.quick), quick=setting.quick)
