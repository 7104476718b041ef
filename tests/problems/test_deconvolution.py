"""Sparse deconvolution from problem files."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PathCollection

import wgflow
from wgflow import InputError, find_spikes
from wgflow.measures import Particles, nodes_of_cells
from wgflow.plotting import plot_trajectory

pytestmark = pytest.mark.usefixtures("without_layout")

TURN = 2.0 * np.pi
SIGNED = {
    "problem": {
        "kind": "deconvolution",
        "frequencies": 4,
        "regularization": 2.0,
        "spikes": {"positions": [[1.0], [3.2]], "weights": [1.0, -0.6]},
    },
    "domain": {"kind": "box", "bounds": [[0.0, TURN]], "shape": [64], "periodic": True, "signed": True},
    "solver": {"t_end": 5.0, "reaction": 1.0},
    "particles": {"count": 64, "start": "equispaced"},
    "output": {"snapshots": 3},
}


def changed(**sections):
    return {name: {**SIGNED.get(name, {}), **sections.get(name, {})} for name in SIGNED.keys() | sections.keys()}


def spikes_of(trajectory):
    if trajectory.has_particles:
        state = Particles(trajectory.position[-1], trajectory.weight[-1], trajectory.sign)
    else:
        state = nodes_of_cells(trajectory.domain, trajectory.density[-1])
    return find_spikes(state, trajectory.domain, 0.5, 0.02)


def test_the_example_recovers_its_spikes():
    problem = wgflow.open_problem("deconvolution", ["output.snapshots=2", "output.spacing=linear", "solver.t_end=1000"])
    trajectory = wgflow.run(problem)
    found, target = spikes_of_unsigned(trajectory), problem.spikes
    order = [0, 2, 1]  # by weight
    assert found.points == pytest.approx(target.points[order], abs=8.6e-4)
    assert found.weights == pytest.approx(target.weights[order], rel=1e-2)
    assert trajectory.risk[-1] < 1e-6


def spikes_of_unsigned(trajectory):
    weight = trajectory.weight[-1]
    return find_spikes(Particles(trajectory.position[-1], weight, np.ones_like(weight)), trajectory.domain, 0.4, 0.01)


def low_pass(z):
    return 1.0 + 2.0 * sum(np.cos(k * z) for k in range(1, 5))


@pytest.mark.parametrize("solver", ["finite_volume", "particles"])
def test_each_solver_finds_signed_spikes(solver):
    """At the places that are found, the weights solve the equations J = 0; each is smaller by about lambda / 9."""
    problem = wgflow.open_problem(changed(solver={"kind": solver}))
    trajectory = wgflow.run(problem)
    found = spikes_of(trajectory)
    assert found.signs.tolist() == [1.0, -1.0]
    places, target = found.points[:, 0], np.array([1.0, 3.2])
    assert places == pytest.approx(target, abs=0.04)
    data = low_pass(places[:, None] - target) @ [1.0, -0.6]
    charges = np.linalg.solve(low_pass(places[:, None] - places), data - 2.0 * found.signs)
    assert found.weights * found.signs == pytest.approx(charges, abs=0.01)
    assert problem.functional.at_particles(found).potential == pytest.approx([0.0, 0.0], abs=0.05)


def test_spikes_of_the_problem_on_the_circle():
    sections = changed(problem={"kernel": "gaussian", "width": 0.3})
    del sections["problem"]["frequencies"]
    sections["domain"] = {"kind": "circle", "signed": True, "cells": 64}
    problem = wgflow.open_problem(sections)
    assert problem.reaction == 1.0
    assert problem.spikes.points == pytest.approx(
        np.array([[np.cos(1.0), np.sin(1.0)], [np.cos(3.2), np.sin(3.2)]]), rel=1e-13
    )
    assert problem.spikes.weights.tolist() == [1.0, 0.6]
    assert problem.functional.terms[0].at_particles(problem.spikes).energy < 1e-25
    noisy = wgflow.open_problem(sections, ["problem.noise=0.1", "problem.noise_seed=3"])
    assert noisy.functional.terms[0].at_particles(problem.spikes).energy == pytest.approx(0.005, rel=0.6)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"domain": {"signed": False}}, "weights hold -0.6; negative ones need"),
        ({"domain": {"periodic": False}}, "or a box with periodic = true; the domain is 'box'"),
        ({"problem": {"spikes": {"positions": [[1.0, 2.0]], "weights": [1.0]}}}, "positions have 2 coordinates"),
        ({"problem": {"spikes": {"positions": [[1.0]], "weights": [1.0, 2.0]}}}, "has 1 positions but 2 weights"),
        ({"problem": {"kernel": "gaussian"}}, 'kernel = "gaussian", which takes width and not frequencies'),
        ({"problem": {"width": 0.3}}, 'kernel = "dirichlet", which takes frequencies and not width'),
        ({"problem": {"frequencies": 40}}, "needs at least 81 cells along axis 0; found 64"),
    ],
)
def test_bad_input(sections, message):
    with pytest.raises(InputError, match=message):
        wgflow.run(changed(**sections))


def test_a_sphere_is_refused():
    """Before the memory of a convolution along axes is estimated, which it has not."""
    with pytest.raises(InputError, match="needs a circle, or a box with periodic = true; the domain is 'sphere'"):
        wgflow.run(SIGNED | {"domain": {"kind": "sphere", "cells": 42}})


def rings(figure):
    """Places of the circles that are not filled."""
    dots = [c for axes in figure.axes for c in axes.collections if isinstance(c, PathCollection)]
    return [np.asarray(collection.get_offsets()) for collection in dots if len(collection.get_facecolor()) == 0]


@pytest.mark.parametrize("solver", ["finite_volume", "particles"])
def test_pictures_mark_the_spikes(solver):
    settings = ["output.snapshots=2", "output.spacing=linear", "solver.t_end=0.02", "domain.shape=[8,8]"]
    problem = wgflow.open_problem("deconvolution", [*settings, f"solver.kind={solver}"])
    trajectory = wgflow.run(problem)
    found = rings(plot_trajectory(trajectory, problem))
    assert found
    for places in found:
        assert places == pytest.approx(problem.spikes.points, rel=1e-13)


def test_paths_do_not_cross_the_picture():
    """A particle that passes the seam comes back on the other side, without a line between."""
    sections = changed(
        problem={"spikes": {"positions": [[0.5, 3.0]], "weights": [1.0]}, "frequencies": 1},
        domain={"bounds": [[0.0, TURN]] * 2, "shape": [8, 8], "signed": False},
        solver={"kind": "particles", "t_end": 3.0},
        particles={"count": 16},
        output={"snapshots": 11},
    )
    problem = wgflow.open_problem(sections)
    trajectory = wgflow.run(problem)
    assert trajectory.position.max() > TURN  # some pass
    lines = [line for line in plot_trajectory(trajectory, problem).axes[0].collections if hasattr(line, "get_segments")]
    segments = np.array(lines[0].get_segments())
    assert segments.min() >= 0.0
    assert segments.max() <= TURN
    assert abs(np.diff(segments, axis=1)).max() < 0.5 * TURN


def test_stems_show_true_and_found_spikes_with_their_signs():
    problem = wgflow.open_problem(changed(output={"snapshots": 3}))
    trajectory = wgflow.run(problem)
    spikes, potential, risk, errors = plot_trajectory(trajectory, problem).axes
    (true,) = [line for line in spikes.lines if line.get_label() == "true"]
    assert true.get_xydata() == pytest.approx(np.array([[1.0, 1.0], [3.2, -0.6]]), rel=1e-14)
    (found,) = [dots for dots in spikes.collections if dots.get_label() == "found"]
    assert np.asarray(found.get_offsets()) == pytest.approx(np.array([[1.0, 0.8], [3.2, -0.4]]), abs=0.1)
    for sheet, curve in enumerate(potential.lines[:4:2]):
        assert curve.get_ydata() == pytest.approx(trajectory.potential(-1)[sheet], rel=1e-9, abs=1e-12)
    assert (risk.get_yscale(), errors.get_yscale()) == ("log", "log")
    assert "certified gap of $F$" in [line.get_label() for line in risk.get_lines()]
