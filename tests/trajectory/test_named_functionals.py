"""Files that Python wrote know their functional, where all of its parts have names."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow

CIRCLE, BOX = wgflow.Circle(16), wgflow.Box([(-2.0, 2.0)], 16, periodic=True)
POINTS = np.array([[1.0, 1.0], [0.2, 1.0], [-0.7, 1.0]])
SAMPLES = wgflow.Particles([[0.25], [-1.0]], [0.5, 0.5], [1.0, 1.0])


def bump(x):
    return 1.0 + 0.5 * np.cos(0.5 * np.pi * x[..., 0])


FUNCTIONALS = {
    "quadratic": (lambda: wgflow.Quadratic(np.diag([1.0, 0.5])) + wgflow.Mass(0.1), CIRCLE),
    "factors": (lambda: 0.5 * wgflow.Quadratic(np.diag([1.0, 0.5])) - wgflow.Mass(0.1), CIRCLE),
    "teacher": (lambda: wgflow.Population(wgflow.Teacher(POINTS, [1.0, -1.0, 0.5])), wgflow.Signed(CIRCLE)),
    "data": (lambda: wgflow.Features(wgflow.Relu(POINTS), [1.0, -1.0, 1.0], "logistic"), wgflow.Signed(CIRCLE)),
    "smooth network": (
        lambda: wgflow.Features(wgflow.Neurons(wgflow.SmoothLayer(POINTS[:, :1], "tanh")), [0.1, 0.2, 0.3]),
        wgflow.Box([(-2.0, 2.0)] * 2, (8, 8), periodic=True),
    ),
    "energies": (lambda: wgflow.Entropy(0.2) + wgflow.PowerEnergy(2.0, 0.1), BOX),
    "distance": (lambda: wgflow.SobolevDiscrepancy(bump(BOX.points), 1.0), BOX),
}


@pytest.mark.parametrize("name", FUNCTIONALS)
def test_the_functional_is_that_of_the_run(name, tmp_path):
    make, domain = FUNCTIONALS[name]
    trajectory = wgflow.solve(make(), domain, bump, 0.01, times=[0.01], output=tmp_path / "run.h5")
    again = wgflow.load(tmp_path / "run.h5")
    assert (again.potential(-1) == trajectory.potential(-1)).all()
    assert again.labels == trajectory.labels
    saved = wgflow.load(wgflow.solve(make(), domain, bump, 0.01, times=[0.01]).save(tmp_path / "saved.h5"))
    assert (saved.potential(-1) == trajectory.potential(-1)).all()


def test_functions_of_the_user_have_no_name(tmp_path):
    own = wgflow.Potential(bump) + wgflow.Entropy(0.1)
    trajectory = wgflow.solve(own, BOX, bump, 0.01, times=[0.01], output=tmp_path / "run.h5")
    with pytest.raises(wgflow.InputError, match=r"load\(path, functional=...\) gives it"):
        wgflow.load(tmp_path / "run.h5").potential(-1)
    assert (wgflow.load(tmp_path / "run.h5", own).potential(-1) == trajectory.potential(-1)).all()


def test_particles_know_kernels_and_samples(tmp_path):
    from wgflow.functionals.energies.external_potentials import QuadraticWell
    from wgflow.functionals.energies.radial_kernels import GaussianKernel

    kernel = GaussianKernel(1.0, 0.5)
    attraction = wgflow.KernelDiscrepancy(wgflow.Interaction(kernel, gradient=kernel.gradient), SAMPLES)
    functional = 0.5 * attraction + 2.0 * QuadraticWell(np.eye(1), np.zeros(1)).energy
    start = wgflow.Particles([[0.5], [1.0]], [0.5, 0.5], [1.0, 1.0], domain=wgflow.Space(1))
    trajectory = wgflow.simulate(functional, start, 0.01, times=[0.01], output=tmp_path / "run.h5")
    assert (wgflow.load(tmp_path / "run.h5").potential(-1) == trajectory.potential(-1)).all()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"kind": "Popen", "with": {"args": "ls"}}',
        '{"kind": "Mass", "with": {"strength": "much", "other": 1}}',
        '{"kind": "Features", "with": {"fn": {"method": "__class__", "of": null}, "targets": {"array": "x"}}}',
        '{"list": [' * 2000 + "]}" * 2000,
    ],
)
def test_damaged_descriptions_give_no_functional(text):
    from wgflow.trajectory.named_functionals import restore_functional

    assert restore_functional({"functional": text}, {}) is None
