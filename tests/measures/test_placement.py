"""Where particles live: what they remember, and what `simulate` refuses."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

import wgflow
from wgflow import Box, Circle, Hypersphere, Particles, Quadratic, Signed, Space, Sphere, simulate
from wgflow.domains.icosphere import unit
from wgflow.errors import InputError
from wgflow.measures import draw_gaussian
from wgflow.measures.directions import draw_balanced, draw_directions

LINE, PLANE, TORUS = Box([(-1.0, 1.0)], 8), Box([(-2.0, 2.0)] * 2, (8, 8)), Box([(0.0, 1.0)], 8, periodic=True)
POINTS = [[3.0, 0.0], [0.0, 0.5]]


def cloud(points, weights=1.0, signs=1.0, domain=None):
    count = len(points)
    return Particles(points, np.full(count, weights), np.full(count, signs), domain)


@pytest.mark.parametrize("domain", [Circle(8), Signed(Circle(8)), Sphere(42), PLANE, Signed(PLANE), TORUS], ids=repr)
def test_particles_remember_the_domain_that_they_were_drawn_on(domain):
    drawn = wgflow.draw_particles(domain, np.ones(domain.shape), 6, seed=1)
    assert drawn.domain == domain
    assert pickle.loads(pickle.dumps(drawn)).domain == domain
    trajectory = simulate(Quadratic(np.eye(drawn.points.shape[1])), drawn, 0.1, times=[0.1])
    assert trajectory.domain == domain
    assert trajectory.measure(-1).domain == domain
    assert trajectory.measure(-1).part(np.arange(2)).domain == domain


def test_other_draws_remember_theirs():
    assert draw_gaussian(np.eye(3), np.zeros(3), 1.0, 4, seed=0).domain == Space(3)
    assert draw_balanced(2, 1.0, 4, seed=0).domain == Space(3)
    assert draw_directions(Signed(Hypersphere(4)), 1.0, 4, seed=0).domain == Signed(Hypersphere(4))
    assert wgflow.solve(Quadratic(np.eye(2)), Circle(8), np.ones(8), 0.1, times=[0.1]).measure(0).domain == Circle(8)


def test_particles_in_the_plane_keep_their_mass_and_their_pace():
    """F = f^2/2 - 2 f + const of the one feature x^2 along each axis: in R^2 they stay off the unit circle."""
    with pytest.raises(
        InputError, match=r"remember no domain; give domain = Space\(2\) for points of R\^2, or the Circle"
    ):
        simulate(Quadratic(np.eye(2)), cloud(POINTS), 0.1)
    trajectory = simulate(
        wgflow.Potential(lambda x: 0.5 * (x**2).sum(axis=1), lambda x: x), cloud(POINTS), 0.1, domain=Space(2)
    )
    np.testing.assert_allclose(trajectory.position[-1], np.exp(-0.1) * np.array(POINTS), rtol=1.4e-9)
    assert trajectory.mass[-1] == 2.0


@pytest.mark.parametrize(
    ("particles", "domain", "message"),
    [
        (cloud(POINTS), Circle(8), "the length of the initial particle 0 is 3.0; allowed are unit vectors"),
        (cloud([[1.0, 0.0], [0.0, 0.9999999]]), Circle(8), "the length of the initial particle 1 is 0.9999999; "),
        (cloud(POINTS), Hypersphere(2), "particle 0 is 3.0"),
        (cloud(POINTS), Sphere(42), r"points of 2 components do not fit Sphere\(cells=42\); it needs 3"),
        (cloud([[0.5], [-1.5]]), LINE, "component 0 of the initial particle 1 is -1.5; allowed are -1 to 1, between"),
        (cloud([[0.5, 2.5]]), PLANE, "component 1 of the initial particle 0 is 2.5; allowed are -2 to 2"),
        (cloud([[np.inf]]), LINE, r"the point of the initial particle 0 is \[inf\]; allowed are finite"),
        (cloud([[0.5], [0.1]], [1.0, np.nan]), LINE, "the weight of the initial particle 1 is nan"),
        (cloud([[0.5]], -0.5), LINE, "the weight of the initial particle 0 is -0.5"),
        (cloud([[0.5]], 0.0), LINE, "have no mass"),
        (
            cloud([[0.5]], 1.0, -1.0),
            LINE,
            r"the sign of the initial particle 0 is -1.0; allowed are \+1 on the unsigned",
        ),
        (cloud([[0.5]], 1.0, 0.0), Signed(LINE), "the sign of the initial particle 0 is 0.0"),
    ],
)
def test_particles_off_their_domain_are_refused_before_any_work(particles, domain, message, tmp_path):
    functional = Quadratic(np.eye(particles.points.shape[1]))
    with pytest.raises(InputError, match=message):
        simulate(functional, particles, 0.1, domain=domain, output=tmp_path / "run.h5")
    with pytest.raises(InputError, match=message):
        simulate(functional, replace(particles, domain=domain), 0.1)
    assert not (tmp_path / "run.h5").exists()


def test_points_on_a_wall_and_beyond_periodic_ends_are_on_their_domain():
    spring = wgflow.Potential(lambda x: 0.0 * x[:, 0], np.zeros_like)
    assert simulate(spring, cloud([[-1.0], [1.0]]), 0.1, domain=LINE, times=[0.1]).position[-1].tolist() == [
        [-1.0],
        [1.0],
    ]
    assert simulate(spring, cloud([[-0.5], [1.25]]), 0.1, domain=TORUS, times=[0.1]).position[0].tolist() == [
        [-0.5],
        [1.25],
    ]


SIDES = [np.ones(1), np.ones(1)]


@pytest.mark.parametrize(
    ("known", "given"),
    [
        (Circle(8), Circle(64)),
        (Circle(8), Hypersphere(2)),
        (PLANE, Space(2)),
        (Space(2), Box([(-4.0, 4.0)] * 2, (16, 16))),
    ],
)
def test_a_domain_that_is_given_wins_where_it_is_the_same_set(known, given):
    start = Particles([[1.0, 0.0]], *SIDES, known)
    assert simulate(Quadratic(np.eye(2)), start, 0.1, domain=given, times=[0.1]).domain == given


@pytest.mark.parametrize(
    ("known", "given"),
    [(Circle(8), Space(2)), (Circle(8), Signed(Circle(8))), (PLANE, Circle(8)), (TORUS, LINE), (Space(1), TORUS)],
)
def test_a_domain_that_contradicts_the_remembered_one_is_refused(known, given):
    start = Particles([[1.0, 0.0][: known.points.shape[-1]]], *SIDES, known)
    with pytest.raises(InputError) as caught:
        simulate(Quadratic(np.eye(start.points.shape[1])), start, 0.1, domain=given)
    assert str(caught.value).startswith(f"domain = {given!r} is not where the particles live, {known!r}")


def test_particles_of_a_file_must_be_on_its_domain(tmp_path):
    np.savez(tmp_path / "start.npz", position=POINTS, weight=np.ones(2))
    sections = {
        "problem": {"kind": "quadratic", "target": np.eye(2)},
        "domain": {"kind": "circle", "cells": 16},
        "initial": {"kind": "file", "path": str(tmp_path / "start.npz")},
        "solver": {"kind": "particles", "t_end": 0.1},
    }
    for solver in ("particles", "finite_volume"):
        with pytest.raises(InputError, match=r"start.npz': the length of the initial particle 0 is 3\.0"):
            wgflow.open_problem(sections, [f"solver.kind={solver}"])
    np.savez(tmp_path / "start.npz", position=unit(np.array(POINTS)), weight=np.ones(2))
    assert wgflow.open_problem(sections).initial_particles().domain == Circle(16)
