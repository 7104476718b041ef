"""The guard of the walls of a box."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import wgflow
from wgflow import Box, Circle, Descent, Features, Particles, Quadratic, Signed, solve
from wgflow.domains.quadrature import cell_averages
from wgflow.errors import ComputationError, InputError, WallWarning
from wgflow.exact.quadratic import quadratic_flow
from wgflow.finite_volume import ExplicitFiniteVolume, ImplicitFiniteVolume
from wgflow.flows.growth import RunSetup, enlarged, evolve_on, limits_left
from wgflow.flows.loop import Limits
from wgflow.flows.walls import WallReachedError, WallRule, wall_shares
from wgflow.normalised.normalised_flow import NormalisedFlow
from wgflow.particles import ParticleFlow
from wgflow.trajectory import MemoryRecorder
from wgflow.variational import GridJkoFlow, JkoOptions, LinearisedJkoFlow, make_jko_flow


def test_shares_of_the_walls():
    box = Box([(0.0, 1.0), (0.0, 1.0)], (4, 5), periodic=[False, True])
    density = np.zeros((4, 5))
    density[0, 2], density[-1, 0], density[1, 1] = 1.0, 2.0, 5.0
    expected = {(0, 0): 0.125, (0, 1): 0.25}
    assert wall_shares(box, density) == expected
    assert wall_shares(Signed(box), np.stack([density, density])) == expected
    assert wall_shares(Circle(8), np.ones(8)) == {}


def test_a_flow_that_reaches_a_wall_stops_and_keeps_what_was_written(tmp_path):
    """The target (4, 0.3) in the first direction drives the Gaussian through x = +-2."""
    problem = {
        "problem": {"kind": "quadratic", "target": [[4.0, 0.0], [0.0, 0.3]]},
        "domain": {"kind": "box", "bounds": [[-2.0, 2.0], [-3.0, 3.0]], "shape": [32, 32], "wall_warning": 1.0},
        "initial": {"kind": "gaussian", "covariance": [[0.2, 0.0], [0.0, 0.2]]},
        "solver": {"t_end": 2.0},
        "output": {"snapshots": 201},
    }
    with pytest.raises(ComputationError, match=r"end of axis 0 hold .* wall_limit = 0.01; enlarge the box"):
        wgflow.run(problem, tmp_path / "run.h5")
    kept = wgflow.load(tmp_path / "run.h5")
    assert kept.status == "failed"
    assert 1 < len(kept.time) < 201
    allowed = {**problem, "domain": {**problem["domain"], "wall_limit": 1.0}}
    resumed = wgflow.run(allowed, tmp_path / "run.h5", resume=True)
    assert resumed.status == "complete"
    np.testing.assert_array_equal(resumed.density, wgflow.run(allowed).density)


def test_solve_watches_walls_on_demand():
    box = Box([(-1.0, 1.0)], 16)
    assert solve(Quadratic(np.eye(1)), box, np.ones(16), 0.1).status == "complete"
    with pytest.raises(ComputationError, match="lower end of axis 0"):
        solve(Quadratic(np.eye(1)), box, np.ones(16), 0.1, wall_limit=0.01)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
@pytest.mark.parametrize("name", ["limit", "warning"])
def test_shares_are_checked(name, share):
    with pytest.raises(InputError, match=f"wall_{name} = "):
        WallRule(**{name: share})


def test_a_run_warns_once_for_each_side():
    box = Box([(-1.0, 1.0)], 16)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solve(Quadratic(np.eye(1)), box, np.ones(16), 0.1, wall_warning=0.01)
    assert [str(w.message).split(" hold")[0] for w in caught] == [
        "at t = 0 the cells at the lower end of axis 0",
        "at t = 0 the cells at the upper end of axis 0",
    ]
    assert all(w.category is WallWarning for w in caught)


# Boxes that grow.

TARGET, START = np.array([[2.0, 0.0], [0.0, 0.3]]), np.diag([0.1, 0.1])
SMALL = Box([(-1.4, 1.6), (-2.0, 2.0)], (30, 40))
GROWING = {
    "problem": {"kind": "quadratic", "target": TARGET},
    "domain": {"kind": "box", "bounds": SMALL.bounds, "shape": SMALL.shape, "grow": True, "wall_warning": 1e-7},
    "initial": {"kind": "gaussian", "covariance": START},
    "solver": {"t_end": 0.4},
    "output": {"snapshots": 5},
}


def test_a_box_that_grows_gives_the_solution_of_a_large_box(tmp_path):
    grown = wgflow.run(GROWING, tmp_path / "run.h5")
    assert grown.status == "complete"
    assert grown.domain.shape[0] > 30
    assert grown.domain.spacing == pytest.approx(SMALL.spacing, rel=1e-14, abs=0.0)
    assert grown.mass == pytest.approx(np.ones(5), rel=1e-14, abs=0.0)
    exact = quadratic_flow(TARGET, START, 0.4)

    def gaussian(points):
        form = np.einsum("...i,ij,...j->...", points, np.linalg.inv(exact.covariance), points)
        return np.exp(-0.5 * form) / (2.0 * np.pi * np.sqrt(np.linalg.det(exact.covariance)))

    error = (abs(grown.density[-1] - cell_averages(grown.domain, gaussian)) * grown.domain.volumes).sum()
    assert error < 0.026
    assert max(wall_shares(grown.domain, grown.density[-1]).values()) < 2.6e-8
    # Neither growth nor files change the numbers, and a reader sees one grid for all times.
    in_memory = wgflow.run(GROWING)
    np.testing.assert_array_equal(in_memory.density, grown.density)
    assert in_memory.attributes["accepted_steps"] == grown.attributes["accepted_steps"] > 0
    assert grown.density.shape == (5, *grown.domain.shape)
    assert grown.potential(-1).shape == grown.domain.shape
    assert not (tmp_path / "run.h5.larger").exists()


def test_a_grown_run_resumes_to_the_same_bits(tmp_path):
    whole = wgflow.run(GROWING)
    wgflow.run({**GROWING, "solver": {"t_end": 0.2}, "output": {"snapshots": 3}}, tmp_path / "run.h5")
    resumed = wgflow.run(GROWING, tmp_path / "run.h5", resume=True)
    assert resumed.domain == whole.domain
    np.testing.assert_array_equal(resumed.density, whole.density)


def test_a_signed_box_grows_on_both_sheets():
    box = Signed(Box([(-1.0, 1.0)], 20))
    start = np.stack([np.exp(-20.0 * box.base.points[:, 0] ** 2)] * 2)
    trajectory = solve(Quadratic([[3.0]]), box, start, 0.5, times=[0.5], wall_warning=1e-6, grow=True)
    assert trajectory.domain.shape[0] == 2
    assert trajectory.domain.shape[1] > 20
    assert trajectory.mass[-1] == pytest.approx(trajectory.mass[0], rel=2.9e-14, abs=0.0)


def test_growth_adds_whole_cells_at_the_sides_named():
    larger, padding = enlarged(Box([(0.0, 1.0), (0.0, 2.0)], (8, 10)), [(0, 1), (1, 0)])
    assert larger.shape == (10, 13)
    np.testing.assert_allclose(larger.bounds, [(0.0, 1.25), (-0.6, 2.0)], rtol=1e-14)
    assert padding == [(0, 2), (3, 0)]
    with pytest.raises(ComputationError, match="would grow to"):
        enlarged(Box([(0.0, 1.0)] * 3, (512, 512, 512)), [(0, 0)])


def test_the_time_of_a_run_counts_on_when_its_box_grows():
    left = limits_left(Limits(stationarity=1e-3, wall_time=2.0), 0.5)
    assert (left.stationarity, left.wall_time) == (1e-3, 1.5)
    assert 0.0 < limits_left(Limits(wall_time=2.0), 3.0).wall_time < 1e-6
    assert limits_left(None, 3.0) is None
    assert limits_left(Limits(), 3.0) == Limits()


# What happens at a wall between two outputs, the start and the end, is seen by all solvers at the step that does it.

LINE = Box([(-1.0, 1.0)], 32)
BELL = np.exp(-50.0 * LINE.points[:, 0] ** 2)
OUTWARDS = Quadratic([[4.0]])


def bell_particles():
    return wgflow.draw_particles(LINE, BELL, 50, seed=0, method="equispaced")


OUTWARD_FLOWS = {
    "explicit": lambda: ExplicitFiniteVolume(OUTWARDS.on_grid(LINE), BELL),
    "implicit": lambda: ImplicitFiniteVolume(OUTWARDS + wgflow.Entropy(1e-3), LINE, BELL),
    "particles": lambda: ParticleFlow(OUTWARDS, bell_particles()),
    "equal steps": lambda: ParticleFlow(OUTWARDS, bell_particles(), method=Descent(0.01)),
    "jko": lambda: make_jko_flow(OUTWARDS, bell_particles(), LINE, JkoOptions(0.05), reaction=0.0),
    "jko on a grid": lambda: GridJkoFlow(OUTWARDS, LINE, BELL, options=JkoOptions(0.02)),
    "linearised jko": lambda: LinearisedJkoFlow(OUTWARDS, LINE, BELL, options=JkoOptions(0.02)),
    "normalised": lambda: NormalisedFlow(Features(lambda x: x, [1.0], "softmin"), LINE, BELL, reaction=0.1, tau=0.1),
}


@pytest.mark.parametrize("name", OUTWARD_FLOWS)
def test_every_solver_sees_a_wall_between_outputs(name):
    times, recorder = np.array([3.0]), MemoryRecorder()
    with pytest.raises(WallReachedError) as caught:
        evolve_on(RunSetup(LINE, WallRule(limit=0.01)), OUTWARD_FLOWS[name](), times, recorder)
    reached = float(str(caught.value).split()[3])
    assert 0.05 < reached < 1.5
    assert len(recorder.snapshots) == 1
    with pytest.warns(WallWarning, match=f"at t = {reached:g} the cells"):
        evolve_on(RunSetup(LINE, WallRule(warning=0.01)), OUTWARD_FLOWS[name](), times, MemoryRecorder())


# Half of the mass grows in the well at x = 0; the other half slides to the wall x = 1, where J > 0 lets it die out.


def well(points):
    return -1.0 + 3.0 * np.tanh(25.0 * points[:, 0] ** 2) - 0.8 * np.abs(points[:, 0])


HALVES = sum(np.exp(-100.0 * (LINE.points[:, 0] - centre) ** 2) for centre in (0.0, 0.5))
PASSING_FLOWS = {
    "explicit": lambda: ExplicitFiniteVolume(wgflow.Potential(well).on_grid(LINE), HALVES, reaction=1.0),
    "implicit": lambda: ImplicitFiniteVolume(wgflow.Potential(well) + wgflow.Entropy(1e-3), LINE, HALVES, reaction=1.0),
    "particles": lambda: ParticleFlow(
        wgflow.Potential(well), wgflow.draw_particles(LINE, HALVES, 64, seed=0), reaction=1.0
    ),
    "linearised jko": lambda: LinearisedJkoFlow(
        wgflow.Potential(well), LINE, HALVES, options=JkoOptions(0.02), reaction=1.0
    ),
}


@pytest.mark.parametrize("name", PASSING_FLOWS)
def test_mass_that_touches_a_wall_between_outputs_and_leaves_it_is_seen(name):
    recorder = MemoryRecorder()
    with pytest.warns(WallWarning, match="upper end of axis 0") as caught:
        evolve_on(RunSetup(LINE, WallRule(warning=0.05)), PASSING_FLOWS[name](), np.array([4.0]), recorder)
    assert 0.3 < float(str(caught[0].message).split()[3]) < 1.0
    for snapshot in recorder.snapshots:
        fields = snapshot.fields
        shown = fields.get("density")
        if shown is None:
            shown = Particles(fields["position"], fields["weight"], np.ones(64))
        assert wall_shares(LINE, shown)[0, 1] < 0.0092


def test_particles_beyond_a_wall_count_as_at_it():
    particles = Particles([[-1.2], [-0.95], [0.0], [0.93], [1.0]], [1.0, 2.0, 3.0, 4.0, 6.0], np.ones(5))
    assert wall_shares(LINE, particles) == {(0, 0): 3.0 / 16.0, (0, 1): 6.0 / 16.0}
    assert wall_shares(Box([(-1.0, 1.0)], 32, periodic=True), particles) == {}
    assert wall_shares(wgflow.Space(1), particles) == {}


def test_simulate_watches_walls_on_demand():
    with pytest.raises(WallReachedError, match=r"end of axis 0 hold .* wall_limit = 0\.01"):
        wgflow.simulate(OUTWARDS, bell_particles(), 3.0, wall_limit=0.01)
    assert wgflow.simulate(OUTWARDS, bell_particles(), 3.0, times=[3.0]).status == "complete"


@pytest.mark.parametrize("settings", [["solver.kind=particles"], ["solver.kind=jko", "jko.representation=particles"]])
def test_a_box_does_not_grow_for_particles(settings):
    with pytest.raises(InputError, match=r"grow = true is not available with \[solver\] kind = "):
        wgflow.open_problem(GROWING, settings)
