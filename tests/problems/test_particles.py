"""Networks of any width and dimension from problem files."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow import InputError

DIRECTIONS = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 3)))[0].T.tolist()
NETWORK = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"directions": DIRECTIONS, "weights": [1.0, -1.0, 1.0]},
    },
    "domain": {"kind": "space", "dimension": 7},
    "initial": {"kind": "balanced", "seed": 4},
    "solver": {"kind": "particles", "t_end": 1.0},
    "particles": {"count": 20, "method": "euler", "step": 0.05, "batch": 10},
    "output": {"snapshots": 5},
}


def changed(**sections):
    return {name: {**NETWORK.get(name, {}), **sections.get(name, {})} for name in NETWORK.keys() | sections.keys()}


def test_a_network_in_six_dimensions_learns_by_each_method():
    risks = {}
    for method, batch in (("adaptive", 0), ("rk4", 0), ("euler", 0), ("euler", 64), ("mirror", 0)):
        trajectory = wgflow.run(changed(particles={"method": method, "batch": batch, "step": 0.005}))
        assert trajectory.position.shape == (5, 20, 7)
        assert trajectory.risk[-1] < 0.8 * trajectory.risk[0]
        risks[method, batch] = trajectory.risk[-1]
    assert risks["rk4", 0] == pytest.approx(risks["adaptive", 0], rel=2.7e-7)
    assert risks["euler", 0] == pytest.approx(risks["adaptive", 0], rel=1e-2)
    assert risks["mirror", 0] == risks["euler", 0]  # no weights change in space
    assert risks["euler", 64] == pytest.approx(risks["adaptive", 0], rel=0.1)


def test_directions_in_six_dimensions_have_the_risk_of_the_balanced_network():
    # The same balanced start in both forms; the adaptive integrator solves the same flow.
    start = wgflow.draw_balanced(6, 1.0, 20, seed=4)
    teacher = wgflow.Teacher(np.array(DIRECTIONS), np.array([1.0, -1.0, 1.0]))
    population = wgflow.Population(teacher)
    pairs = wgflow.simulate(population, start, 1.0, domain=wgflow.Space(7), tolerance=1e-8, times=[0.5])
    directions = wgflow.Particles(start.points[:, 1:], start.weights, start.points[:, 0])
    sphere = wgflow.Signed(wgflow.Hypersphere(6))
    polar = wgflow.simulate(population, directions, 1.0, domain=sphere, tolerance=1e-8, times=[0.5])
    assert polar.risk == pytest.approx(pairs.risk, rel=1.3e-8)


def test_a_resumed_stochastic_run_equals_the_whole_one(tmp_path):
    part, whole = tmp_path / "part.h5", tmp_path / "whole.h5"
    wgflow.run(changed(output={"times": [0.5, 1.0]}), part)
    times = changed(solver={"t_end": 2.0}, output={"times": [0.5, 1.0, 2.0]})
    resumed, direct = wgflow.run(times, part, resume=True), wgflow.run(times, whole)
    assert (resumed.time == direct.time).all()
    assert (resumed.position == direct.position).all()
    assert (resumed.weight == direct.weight).all()
    assert resumed.domain == wgflow.Space(7)


def test_output_times_are_multiples_of_the_step():
    trajectory = wgflow.run(changed(output={"times": [0.12, 0.5, 0.51]}))
    assert trajectory.time == pytest.approx([0.0, 0.15, 0.5, 0.55, 1.0], abs=1e-14)
    assert trajectory.step_size[1:] == pytest.approx(0.05, abs=1e-14)


def test_seeds_draw_other_starts_and_other_samples():
    first, again, other = (wgflow.run(changed(initial={"seed": seed})).risk for seed in (4, 4, 5))
    assert (first == again).all()
    assert (first != other).all()


def test_a_gaussian_start_has_the_asked_variance():
    problem = wgflow.open_problem(
        changed(initial={"kind": "gaussian", "covariance": 0.25}, particles={"count": 4000, "start": "quasi_random"})
    )
    assert np.cov(problem.initial_particles().points.T) == pytest.approx(0.25 * np.eye(7), abs=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"solver": {"kind": "finite_volume"}}, "needs a grid, which the domain 'space' has not"),
        ({"solver": {"kind": "characteristics"}}, "has no cells to find moments"),
        ({"domain": {"dimension": 6}}, "the space of pairs .* needs dimension = 7"),
        ({"initial": {"kind": "uniform"}}, "'uniform' is not available on the domain 'space'"),
        ({"particles": {"step": 0.03}}, r"step = 0.03 does not divide \[solver\] t_end = 1; allowed is t_end = 1.02"),
        ({"particles": {"method": "rk4"}}, 'has batch = 10, which method = "rk4" does not allow'),
        ({"particles": {"step": 0.0}}, "step"),
        ({"particles": {"input_rate": -1.0}}, "input_rate"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_work(change, message):
    with pytest.raises(InputError, match=message):
        wgflow.open_problem(changed(**change))


def test_a_fixed_method_without_a_step_is_refused():
    particles = {"count": 5, "method": "euler"}
    with pytest.raises(InputError, match="no step; give the step size"):
        wgflow.open_problem({**NETWORK, "particles": particles})


def test_rates_of_layers_need_pairs():
    sections = changed(domain={"kind": "hypersphere", "dimension": 6, "signed": True}, particles={"input_rate": 2.0})
    sections["initial"] = {"kind": "uniform"}
    with pytest.raises(InputError, match="input_rate = 2 needs pairs"):
        wgflow.run(sections)


def test_particles_that_interact_are_dealt_to_batches():
    problem = {
        "problem": {"kind": "energy", "interaction": {"kind": "gaussian", "strength": 1.0, "width": 0.5}},
        "domain": {"kind": "space", "dimension": 2},
        "initial": {"kind": "gaussian", "covariance": 0.5},
        "solver": {"kind": "particles", "t_end": 0.2},
        "particles": {"count": 40, "method": "euler", "step": 0.1},
    }

    def positions(batch):
        return wgflow.run({**problem, "particles": {**problem["particles"], "batch": batch}}).position[-1]

    whole, few = positions(0), positions(8)
    assert np.array_equal(positions(40), whole)
    assert 1e-3 < abs(few - whole).max() < 0.3
    assert np.array_equal(positions(8), few)
    with pytest.raises(InputError, match="batch = 1 is not allowed: particles that interact"):
        positions(1)
