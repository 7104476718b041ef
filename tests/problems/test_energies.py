"""Energies in problem files: each term against its formula, solvers, files that resume, and mistakes."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import wgflow
from wgflow import Entropy, InputError, PowerEnergy
from wgflow.app.cli import _exit_code
from wgflow.domains import Circle
from wgflow.plotting import plot_trajectory
from wgflow.problems.shipped import find_problem_file

pytestmark = pytest.mark.usefixtures("without_layout")

BOX = {"kind": "box", "bounds": [[-1.0, 2.0], [0.0, 1.5]], "shape": [6, 5], "wall_limit": 1.0, "wall_warning": 1.0}
LINE = {"kind": "box", "bounds": [[-3.0, 3.0]], "shape": [24], "wall_limit": 1.0, "wall_warning": 1.0}
TORUS = {"kind": "box", "bounds": [[0.0, 2.0], [-1.0, 1.0]], "shape": [8, 8], "periodic": True}
CIRCLE = {"kind": "circle", "cells": 12}
SPHERE = {"kind": "sphere", "cells": 42}


def opened(domain, *, solver=None, **terms):
    sections = {"problem": {"kind": "energy", **terms}, "domain": domain, "solver": {"t_end": 0.1, **(solver or {})}}
    return wgflow.open_problem(sections)


def variation(domain, **terms):
    """Cell centres, volumes, a density and the first variation of terms at it, all flattened."""
    problem = opened(domain, **terms)
    grid = problem.domain
    density = 0.5 + np.random.default_rng(0).random(grid.shape)
    found = problem.functional.on_grid(grid).first_variation(density)
    volumes = np.broadcast_to(grid.volumes, grid.shape).ravel()
    return grid.points.reshape(-1, grid.points.shape[-1]), volumes, density.ravel(), found.ravel()


POTENTIALS = [
    (BOX, {"kind": "quadratic", "stiffness": 2.0, "centre": [1.0, 0.5]}, lambda x: ((x - [1.0, 0.5]) ** 2).sum(1)),
    (BOX, {"kind": "linear", "slope": [1.0, -2.0]}, lambda x: x[:, 0] - 2.0 * x[:, 1]),
    (BOX, {"kind": "double_well", "axis": 1}, lambda x: (x[:, 1] ** 2 - 1.0) ** 2 + 0.5 * x[:, 0] ** 2),
    (TORUS, {"kind": "cosine", "frequency": [1, 2]}, lambda x: np.cos(np.pi * (x[:, 0] + 2.0 * (x[:, 1] + 1.0)))),
    (
        CIRCLE,
        {"kind": "cosine", "frequency": 3, "phase": 0.2},
        lambda x: np.cos(3.0 * np.arctan2(x[:, 1], x[:, 0]) - 0.2),
    ),
    (SPHERE, {"kind": "linear", "slope": [0.0, 0.0, 2.0]}, lambda x: 2.0 * x[:, 2]),
]


@pytest.mark.parametrize(("domain", "table", "plain"), POTENTIALS)
def test_potentials(domain, table, plain):
    points, _, _, found = variation(domain, potential=table)
    assert found == pytest.approx(plain(points), rel=1e-12, abs=1e-12)


INTERACTIONS = [
    ({"kind": "quadratic", "strength": 3.0}, lambda r: 1.5 * r**2),
    ({"kind": "gaussian", "strength": -2.0, "width": 0.5}, lambda r: -2.0 * np.exp(-2.0 * r**2)),
    ({"kind": "attractive_repulsive", "a": 4.0, "b": 2.0}, lambda r: r**4 / 4.0 - r**2 / 2.0),
    ({"kind": "log", "strength": 0.5, "smoothing": 0.3}, lambda r: 0.25 * np.log(r**2 + 0.09)),
]


@pytest.mark.parametrize(("table", "plain"), INTERACTIONS)
@pytest.mark.parametrize("domain", [BOX, CIRCLE, SPHERE])
def test_interactions_equal_their_sums(domain, table, plain):
    points, volumes, density, found = variation(domain, interaction=table)
    distances = np.linalg.norm(points[:, None, :] - points, axis=-1)
    rel = 1e-11 if domain is not SPHERE else 2e-3 * abs(plain(distances) @ (density * volumes)).max()
    expected = plain(distances) @ (density * volumes)
    assert abs(found - expected).max() < max(rel, 1e-11 * abs(expected).max())


def test_terms_add():
    terms = {"potential": [{"kind": "quadratic"}, {"kind": "linear", "slope": [1.0, 0.0]}]}
    internal = [{"kind": "entropy", "temperature": 0.3}, {"kind": "power", "exponent": 3.0, "strength": 2.0}]
    points, _, density, found = variation(BOX, **terms, internal=internal, regularization=0.2)
    expected = 0.5 * (points**2).sum(1) + points[:, 0] + 0.3 * (np.log(density) + 1.0) + 3.0 * density**2 + 0.2
    assert found == pytest.approx(expected, rel=1e-12)
    assert opened(BOX, internal=internal).config.problem.temperature == 0.3
    single = opened(BOX, internal=internal[1]).functional
    assert single == PowerEnergy(3.0, 2.0)
    assert opened(BOX, internal={"kind": "entropy"}).functional == Entropy(1.0)


def test_sobolev_discrepancies_to_a_measure():
    target = {"kind": "von_mises_fisher", "direction": [0.0, 1.0], "concentration": 2.0}
    problem = opened(CIRCLE, sobolev={"s": 0.0, "target": target})
    circle = Circle(12)
    density = 1.0 + 0.5 * np.cos(circle.angles)
    found = problem.functional.on_grid(circle).first_variation(density)
    wanted = np.exp(2.0 * (np.sin(circle.angles)))
    fine = np.exp(2.0 * np.sin(np.linspace(0.0, 2.0 * np.pi, 4001)[:-1]))
    difference = density - wanted / (fine.mean() * 2.0 * np.pi)
    assert found == pytest.approx(difference - difference.mean(), abs=0.012)  # averages of the cells


def write_samples(path, weighted):
    points = np.array([[0.2, 0.1], [1.0, 0.7], [-0.5, 1.2]])
    weights = np.array([0.5, 1.0, 0.25])
    rows = np.column_stack([points, weights]) if weighted else points
    header = "x,y,weight" if weighted else "x,y"
    np.savetxt(path, rows, delimiter=",", header=header, comments="")
    return points, weights if weighted else np.full(3, 1.0 / 3.0)


@pytest.mark.parametrize("weighted", [False, True])
def test_kernel_discrepancies_to_samples(tmp_path, weighted):
    sources, weights = write_samples(tmp_path / "samples.csv", weighted)
    kernel = {"width": 0.4, "strength": 2.0, "samples": str(tmp_path / "samples.csv")}
    points, volumes, density, found = variation(BOX, kernel=kernel)

    def gaussian(x, y):
        return 2.0 * np.exp(-((x[:, None, :] - y) ** 2).sum(-1) / (2.0 * 0.4**2))

    expected = gaussian(points, points) @ (density * volumes) - gaussian(points, sources) @ weights
    assert found == pytest.approx(expected, rel=1e-13)


def test_kernel_discrepancies_to_a_density_vanish_there():
    target = {"kind": "gaussian", "covariance": 0.3, "mean": [0.5]}
    for kind in ("gaussian", "energy_distance"):
        problem = opened(LINE, kernel={"kind": kind, "target": target})
        sections = {**problem.config.model_dump(exclude_none=True), "initial": target}
        density = wgflow.open_problem(sections).initial_density()
        assert problem.functional.on_grid(problem.domain).value(density) == pytest.approx(0.0, abs=1e-14)
        assert problem.functional.on_grid(problem.domain).value(np.roll(density, 1)) > 1e-4


RUN = {
    "problem": {"kind": "energy", "potential": {"kind": "quadratic"}},
    "domain": LINE,
    "initial": {"kind": "gaussian", "covariance": 0.2, "mean": [0.8]},
    "solver": {"t_end": 0.5},
    "output": {"snapshots": 6},
}


class TestRuns:
    @pytest.mark.parametrize("stepper", ["tr_bdf2", "backward_euler"])
    @pytest.mark.parametrize("internal", [{"kind": "entropy", "temperature": 0.5}, {"kind": "power", "exponent": 2.0}])
    def test_implicit_runs_resume_to_the_last_bit(self, tmp_path, stepper, internal):
        problem = {**RUN, "problem": {**RUN["problem"], "internal": internal}}
        problem["finite_volume"] = {"stepper": stepper, "tolerance": 1e-3}
        whole = wgflow.run(problem)
        short = {**problem, "solver": {"t_end": whole.time[3]}, "output": {"times": whole.time[1:4].tolist()}}
        wgflow.run(short, tmp_path / "run.h5")
        full = {**problem, "output": {"times": whole.time[1:].tolist()}}
        resumed = wgflow.run(full, tmp_path / "run.h5", resume=True)
        assert (resumed.density == whole.density).all()
        assert resumed.energy[-1] == whole.energy[-1] < whole.energy[0]

    def test_the_mean_of_a_fokker_planck_equation_decays(self):
        problem = {**RUN, "finite_volume": {"stepper": "tr_bdf2", "tolerance": 1e-5}}
        problem["problem"] = {**problem["problem"], "internal": {"kind": "entropy", "temperature": 0.2}}
        problem["domain"] = {**LINE, "shape": [90]}
        trajectory = wgflow.run(problem)
        mean = trajectory.density[-1] @ trajectory.domain.axes[0] / trajectory.density[-1].sum()
        assert mean == pytest.approx(0.8 * np.exp(-0.5), rel=0.0037)
        assert trajectory.attributes["reaction"] == 0.0

    def test_particles_follow_potentials_and_interactions(self):
        problem = {**RUN, "particles": {"count": 20, "start": "quasi_random"}}
        problem["problem"] = {**problem["problem"], "interaction": {"kind": "quadratic", "strength": 2.0}}
        problem["solver"] = {"t_end": 0.5, "kind": "particles"}
        trajectory = wgflow.run(problem)
        start, end = trajectory.position[0, :, 0], trajectory.position[-1, :, 0]
        assert end.mean() == pytest.approx(start.mean() * np.exp(-0.5), rel=4.3e-11)
        assert end - end.mean() == pytest.approx((start - start.mean()) * np.exp(-1.5), abs=1.9e-7)

    def test_samples_come_back_from_the_trajectory(self, tmp_path):
        write_samples(tmp_path / "samples.csv", weighted=True)
        sections = {
            "problem": {"kind": "energy", "kernel": {"samples": "samples.csv"}},
            "domain": BOX,
            "solver": {"t_end": 0.02},
            "output": {"snapshots": 3},
        }
        lines = wgflow.problems.problem.tomli_w.dumps(sections)
        (tmp_path / "mmd.toml").write_text(lines)
        trajectory = wgflow.run(tmp_path / "mmd.toml", tmp_path / "mmd.h5")
        (tmp_path / "samples.csv").unlink()
        again = wgflow.load(tmp_path / "mmd.h5")
        assert again.functional.on_grid(again.domain).value(trajectory.density[-1]) == trajectory.energy[-1]

    def test_figures_show_the_energy(self):
        problem = wgflow.open_problem(RUN)
        figure = plot_trajectory(wgflow.run(problem), problem)
        labels = {axes.get_ylabel() for axes in figure.axes}
        assert labels >= {r"energy $F(\mu_t)$", r"dissipation $-\mathrm{d}F/\mathrm{d}t$"}
        assert {axes.get_xlabel() for axes in figure.axes} >= {"$x$", "time $t$"}
        assert "Energy" in " ".join(axes.get_title(loc="left") for axes in figure.axes)


@pytest.mark.parametrize("name", ["fokker_planck", "porous_medium", "aggregation", "keller_segel"])
def test_shipped_energies_fall(name):
    shape = "[60]" if name == "fokker_planck" else "[16, 16]"
    settings = [
        f"domain.shape={shape}",
        "solver.t_end=0.02",
        "output.snapshots=3",
        "domain.wall_limit=1.0",
        "domain.wall_warning=1.0",
    ]
    settings += ["output.first=0.01"] if name == "fokker_planck" else []
    trajectory = wgflow.run(wgflow.open_problem(find_problem_file(wgflow.problems.shipped.Path(name)), settings))
    assert trajectory.status == "complete"
    assert (np.diff(trajectory.energy) < 0.0).all()
    assert trajectory.mass[-1] == pytest.approx(trajectory.mass[0], rel=1e-12)


@pytest.mark.parametrize("name", ["fokker_planck", "porous_medium", "aggregation", "keller_segel"])
def test_shipped_energies_by_variational_steps(name):
    """The file names the scheme for energies, so that the solver alone needs to be changed."""
    settings = ["solver.kind=jko", "solver.t_end=0.1", "output.snapshots=2", "domain.wall_limit=1.0"]
    settings += ["domain.wall_warning=1.0", f"domain.shape={'[60]' if name == 'fokker_planck' else '[12, 12]'}"]
    settings += ["output.first=0.05"] if name == "fokker_planck" else []
    trajectory = wgflow.run(wgflow.open_problem(find_problem_file(wgflow.problems.shipped.Path(name)), settings))
    assert trajectory.energy[-1] < trajectory.energy[0]
    assert trajectory.mass[-1] == pytest.approx(trajectory.mass[0], rel=1e-12)


def test_a_collapse_stops_with_a_file_that_can_be_read(tmp_path, capsys, monkeypatch):
    settings = ["initial.mass=60", "domain.shape=[24, 24]", "output.snapshots=51"]
    words = [word for setting in settings for word in ("--set", setting)]
    path = tmp_path / "collapse.h5"
    monkeypatch.setattr(sys, "argv", ["wgflow", "run", "keller_segel", "-o", str(path), "--quiet", *words])
    assert _exit_code() == 1
    message = capsys.readouterr().err
    assert len(message.splitlines()) == 1
    assert "one cell holds" in message
    assert "blow up" in message
    trajectory = wgflow.load(path)
    assert trajectory.status == "failed"
    assert trajectory.time.size > 2
    assert np.isfinite(trajectory.density).all()
    assert (np.diff(trajectory.energy) < 0.0).all()
    assert trajectory.mass == pytest.approx(np.full(trajectory.time.size, trajectory.mass[0]), rel=1e-12)


MISTAKES = {
    "no terms": (BOX, {}, ["no terms", "[problem.potential]"]),
    "unknown potential": (BOX, {"potential": {"kind": "cubic"}}, ["[problem.potential] kind", "cubic", "'quadratic'"]),
    "kind missing": (BOX, {"potential": {"stiffness": 1.0}}, ["[problem.potential] kind is missing", "'linear'"]),
    "slope missing": (BOX, {"potential": {"kind": "linear"}}, ["[problem.potential] slope is missing", "gradient"]),
    "slope of another size": (BOX, {"potential": {"kind": "linear", "slope": [1.0]}}, ["slope has 1", "needs 2"]),
    "unknown key": (
        BOX,
        {"potential": {"kind": "quadratic", "stifness": 1.0}},
        ["'stifness'", "[problem.potential]", "'stiffness'"],
    ),
    "in a list": (
        BOX,
        {"interaction": [{"kind": "log"}, {"kind": "log", "strength": "x"}]},
        ["interaction[1]", "strength"],
    ),
    "asymmetric": (
        BOX,
        {"potential": {"kind": "quadratic", "stiffness": [[1.0, 2.0], [0.0, 1.0]]}},
        ["stiffness", "symmetric 2 x 2"],
    ),
    "axis": (BOX, {"potential": {"kind": "double_well", "axis": 2}}, ["axis = 2", "0 to 1"]),
    "cosine between walls": (BOX, {"potential": {"kind": "cosine"}}, ["cosine", "periodic", "'box'"]),
    "exponents": (
        BOX,
        {"interaction": {"kind": "attractive_repulsive", "a": 1.0, "b": 2.0}},
        ["b < a", "[problem.interaction]"],
    ),
    "singular on a circle": (
        CIRCLE,
        {"interaction": {"kind": "log"}},
        ["[problem.interaction]", "infinite at 0", "smoothing"],
    ),
    "exponent 1": (BOX, {"internal": {"kind": "power", "exponent": 1.0}}, ["exponent = 1", "Entropy"]),
    "two targets": (
        BOX,
        {"kernel": {"target": {"kind": "uniform"}, "samples": "x.csv"}},
        ["[problem.kernel]", "exactly one"],
    ),
    "target elsewhere": (
        BOX,
        {"kernel": {"target": {"kind": "angular_gaussian", "covariance": [[1.0]]}}},
        ["target", "box"],
    ),
    "no file": (BOX, {"kernel": {"samples": "nowhere.csv"}}, ["nowhere.csv", "does not exist"]),
    "not a table": (BOX, {"potential": 3.0}, ["[problem.potential]", "3.0", "list"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake):
    domain, terms, named = MISTAKES[mistake]
    with pytest.raises(InputError) as error:
        opened(domain, **terms)
    assert len(str(error.value).splitlines()) == 1
    for name in named:
        assert name in str(error.value)


def test_samples_must_fit(tmp_path):
    write_samples(tmp_path / "samples.csv", weighted=False)
    kernel = {"samples": str(tmp_path / "samples.csv")}
    with pytest.raises(InputError, match="samples have 2 components; the domain needs 1"):
        opened(LINE, kernel=kernel)
    with pytest.raises(InputError, match=r"samples have lengths from .* unit vectors"):
        opened(CIRCLE, kernel=kernel)
    (tmp_path / "samples.csv").write_text("x,weight\n0.0,1.0\n1.0,-1.0\n")
    with pytest.raises(InputError, match="'weight' goes down to -1"):
        opened(LINE, kernel=kernel)
    (tmp_path / "samples.csv").write_text("weight\n0.5\n1.0\n")
    with pytest.raises(InputError, match="no columns beside 'weight'"):
        opened(LINE, kernel=kernel)


def test_terms_that_particles_cannot_follow():
    target = {"kind": "uniform"}
    with pytest.raises(InputError, match="infinite at 0"):
        opened(LINE, interaction={"kind": "log"}, solver={"kind": "particles"})
    with pytest.raises(InputError, match="needs samples"):
        opened(LINE, kernel={"target": target}, solver={"kind": "particles"})
    with pytest.raises(InputError, match=r"\[problem.internal\] kind = \"power\" needs a density"):
        opened(LINE, internal={"kind": "power"}, solver={"kind": "particles"})
    with pytest.raises(InputError, match=r"\[problem.sobolev\] needs a density.*scheme = \"linearised\""):
        opened(CIRCLE, sobolev={}, solver={"kind": "particles"})
    with pytest.raises(InputError, match=r"\[jko\] scheme = \"dual\" is for networks.*\"linearised\""):
        opened(LINE, interaction={"kind": "quadratic"}, solver={"kind": "jko"})
