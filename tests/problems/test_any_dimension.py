"""Problem files on half circles and half spheres: runs, particles, files, certificates, comparisons, estimates."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wgflow
from wgflow.app.run_comparison import compare
from wgflow.domains import HalfCircle, HalfSphere, Hypersphere, Signed
from wgflow.errors import InputError
from wgflow.exact import SymmetricQuadratic
from wgflow.problems import load
from wgflow.problems.memory import estimate_memory
from wgflow.trajectory.checking import check_trajectory

TEACHER: dict[str, Any] = {"directions": [[1.0]], "weights": [1.0]}


def problem(domain: str = "half_circle", cells: int = 64, inputs: int = 20, **changes: Any) -> dict[str, Any]:
    """Sections of a small problem; ``target`` is [problem.teacher] or [problem.link], and others are sections."""
    target = changes.pop("target", {"teacher": TEACHER})
    sections: dict[str, Any] = {
        "problem": {"kind": "two_layer", "data": "gaussian_teacher", **target},
        "domain": {"kind": domain, "cells": cells, "inputs": inputs, "signed": True},
        "initial": {"kind": "uniform"},
        "solver": {"kind": "finite_volume", "t_end": 1.0},
        "output": {"times": [1.0]},
    }
    return {**sections, **changes}


def test_a_file_holds_the_inputs_and_the_kernel(tmp_path: Path) -> None:
    path = tmp_path / "flow.h5"
    run = wgflow.run(problem(), output=path)
    stored = load(path)
    assert stored.domain == Signed(HalfCircle(64, 20))
    assert stored.attributes["kernel_rank"] == run.attributes["kernel_rank"] <= 32
    assert stored.attributes["kernel_error"] <= 1e-12
    assert all(check.passed for check in check_trajectory(path))
    points = np.random.default_rng(0).standard_normal((3, 20))
    np.testing.assert_array_equal(stored.predict(points), run.predict(points))
    risk = wgflow.Population(wgflow.Teacher(np.eye(1, 20), np.ones(1)))
    domain = HalfCircle(64, 20)
    again = wgflow.solve(risk, Signed(domain), np.stack([0.5 * domain.uniform] * 2), 1.0, times=[1.0])
    np.testing.assert_allclose(again.density, run.density, rtol=1e-12)


def test_the_mesh_of_a_half_sphere_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "flow.h5"
    target = {"teacher": {"angles": [0.0, 1.0], "weights": [1.0, -1.0]}}
    run = wgflow.run(problem("half_sphere", 162, target=target), output=path)
    assert load(path).domain == Signed(HalfSphere(162, 20))
    assert all(check.passed for check in check_trajectory(path))
    assert run.risk[-1] < run.risk[0]


def test_particles_of_a_half_circle_are_networks_in_all_inputs() -> None:
    runs = [
        wgflow.run(problem()),
        wgflow.run(problem(solver={"kind": "particles", "t_end": 1.0}, particles={"count": 400})),
    ]
    assert runs[1].domain == Signed(Hypersphere(20))
    assert runs[1].position.shape[1:] == (400, 20)
    comparison = compare(*runs, runs[0].problem)
    assert comparison.columns["difference"][-1] < 0.1
    assert comparison.columns["predictors"][-1] < 0.05  # about the square root of 1 / 400


def test_certificates_of_half_circles() -> None:
    run = wgflow.run(problem(cells=128, solver={"kind": "finite_volume", "t_end": 20.0}))
    certificate = wgflow.certify_trajectory(run)[0]
    bound = run.functional.on_grid(run.domain)
    potential = bound.first_variation(run.density[-1])
    assert certificate.minimum.value <= potential.min() + 1e-12
    assert certificate.minimum.value > potential.min() - 1e-3
    assert certificate.gap < 0.01


def test_links_of_problem_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("import numpy as np\ndef relu(z):\n    return np.maximum(z, 0.0)\n")
    runs = []
    for link in ({"name": "relu"}, {"function": "mine.py:relu", "kinks": [0.0]}):
        target = {"link": {"directions": [[0.0, 1.0]], **link}}
        runs.append(wgflow.run(problem(target=target), allow_code=True))
    np.testing.assert_allclose(runs[0].density, runs[1].density, rtol=1e-12)
    np.testing.assert_allclose(wgflow.run(problem()).risk, runs[0].risk, atol=1e-12)


def test_order_five_and_estimates() -> None:
    fine = wgflow.run(problem(cells=512))
    high = wgflow.run(problem(finite_volume={"order": 5}, cells=128))
    assert abs(high.risk[-1] - fine.risk[-1]) < 2e-5
    rough = wgflow.run(problem(cells=128), estimate=True)
    assert abs(rough.risk[-1] - fine.risk[-1]) < 2.0 * rough.errors["risk"][-1] < 1e-3


@pytest.mark.parametrize("domain", ["half_circle", "half_sphere"])
def test_variational_steps(domain: str) -> None:
    """Quadratic features by dual steps, on the cells, against finite volumes."""
    cells = 64 if domain == "half_circle" else 162
    half = HalfCircle(cells, 8) if domain == "half_circle" else HalfSphere(cells, 8)
    risk = wgflow.Features(lambda x: x[:, :1] ** 2, np.array([1.0]))
    flow = wgflow.solve(risk, half, half.uniform, 0.1, times=[0.1])
    cloud = wgflow.Particles(half.points, half.uniform * half.volumes, domain=half)
    particles = wgflow.simulate(risk, cloud, 0.1, times=[0.1])
    # Steps of first order, halved and extrapolated.
    steps = [wgflow.solve_jko(risk, half, cloud, 0.1, tau=tau, times=[0.1]).risk[-1] for tau in (0.05, 0.025)]
    assert particles.risk[-1] == pytest.approx(flow.risk[-1], rel=3e-3)
    assert 2.0 * steps[1] - steps[0] == pytest.approx(particles.risk[-1], rel=1e-3)


@pytest.mark.parametrize("domain", ["half_circle", "half_sphere"])
def test_quadratic_targets(domain: str) -> None:
    """The exact solution from a file, and its particles in all inputs."""
    half = domain == "half_circle"
    inputs, target = 6, np.diag([1.0, 0.3] if half else [1.0, 0.3, 0.3])
    changes: dict[str, Any] = {
        "problem": {"kind": "quadratic", "target": target.tolist()},
        "initial": {"kind": "uniform", "mass": 0.5},
    }
    sections = problem(domain, 128 if half else 642, inputs, **changes)
    sections["domain"]["signed"] = False
    run = wgflow.run(sections)
    along, across = SymmetricQuadratic(inputs, 1.0, 0.3, 0.5).moments(1.0)
    risk = 0.5 * ((along - 1.0) ** 2 + (inputs - 1) * (across - 0.3) ** 2)
    assert run.risk[-1] == pytest.approx(risk, rel=5e-5 if half else 2.5e-3)
    sections["solver"], sections["particles"] = {"kind": "particles", "t_end": 1.0}, {"count": 1000}
    assert wgflow.run(sections).risk[-1] == pytest.approx(risk, rel=2.9e-3)
    sections["problem"]["target"] = (target + 0.1).tolist()
    with pytest.raises(InputError, match="not invariant"):
        wgflow.open_problem(sections)


def test_estimates_on_half_spheres() -> None:
    target = {"teacher": {"angles": [0.0, 1.0], "weights": [1.0, -1.0]}}
    fine = wgflow.run(problem("half_sphere", 2562, target=target))
    rough = wgflow.run(problem("half_sphere", 642, target=target), estimate=True)
    assert abs(rough.risk[-1] - fine.risk[-1]) < rough.errors["risk"][-1] < 6e-4


@pytest.mark.parametrize(("activation", "distance"), [("tanh", 0.05), ("squared_relu", 0.09)])
def test_other_activations(activation: str, distance: float) -> None:
    sections = problem(target={"teacher": TEACHER, "activation": activation})
    run = wgflow.run(sections)
    domain = HalfCircle(64, 20)
    risk = wgflow.UnitPopulation(wgflow.Teacher(np.eye(1, 20), np.ones(1)), activation)
    again = wgflow.solve(risk, Signed(domain), np.stack([0.5 * domain.uniform] * 2), 1.0, times=[1.0])
    np.testing.assert_allclose(again.risk, run.risk, rtol=1e-12)
    sections["solver"], sections["particles"] = {"kind": "particles", "t_end": 1.0}, {"count": 200}
    cloud = wgflow.run(sections)
    assert cloud.domain == Signed(Hypersphere(20))
    assert cloud.risk[-1] == pytest.approx(run.risk[-1], rel=0.05)
    inputs = np.random.default_rng(0).standard_normal((50, 20))
    assert np.abs(cloud.predict(inputs) - run.predict(inputs)).mean() < distance


def test_memory_counts_the_kernel() -> None:
    found = estimate_memory(wgflow.open_problem(problem(cells=2048)).config)
    sizes = {item.name: item.size for item in found.items}
    size = wgflow.run(problem(cells=2048)).attributes["kernel_memory"]
    assert 0.6 < sizes["the factor of the averaged kernel"] / size < 1.6


def test_what_does_not_fit_is_refused() -> None:
    data = {"kind": "two_layer", "data": {"x": [0.0, 1.0], "y": [1.0, 2.0]}}
    two = {"teacher": {"angles": [0.0, 1.0], "weights": [1.0, 1.0]}}
    long = {"teacher": {"directions": [[1.0] * 21], "weights": [1.0]}}
    both = {"teacher": TEACHER, "link": {"name": "abs", "directions": [[1.0]]}}
    for sections, found in (
        (problem(problem=data), "data sets need a circle"),
        (problem(target=two), "half_sphere"),
        (problem(target=long), "give at most these"),
        (problem(target=both), "exclude each other"),
        (problem(target={"link": {"name": "abz", "directions": [[1.0]]}}), "abs"),
        (problem(inputs=1), "inputs"),
        (problem(target={"teacher": TEACHER, "activation": "mine.py:Swish"}), "half spheres"),
    ):
        with pytest.raises(InputError, match=found):
            wgflow.open_problem(sections)
    with pytest.raises(InputError, match="two_point"):
        wgflow.run(problem(cells=16, finite_volume={"velocity": "midpoint"}))


def test_densities_are_carried_to_finer_cells() -> None:
    for coarse, fine in ((HalfCircle(32, 9), HalfCircle(64, 9)), (HalfSphere(162, 9), HalfSphere(642, 9))):
        carried = wgflow.transfer(coarse.uniform, coarse, fine)
        assert (carried * fine.volumes).sum() == pytest.approx(1.0, rel=1e-12)
        assert abs(carried - fine.uniform) @ fine.volumes < 0.06
    with pytest.raises(InputError, match="inputs"):
        wgflow.transfer(coarse.uniform, coarse, HalfSphere(162, 10))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"stepper": "tr_bdf2"}, ["stepper", "no internal energy", '"ssprk43"']),
        ({"order": 5}, ["order = 5", "'half_sphere'", "1 or 2"]),
    ],
)
def test_what_a_solver_refuses_names_its_key(options: dict[str, Any], told: list[str]) -> None:
    target = {"teacher": {"angles": [0.0, 1.0], "weights": [1.0, -1.0]}}
    with pytest.raises(InputError) as refusal:
        wgflow.run(problem("half_sphere", 42, target=target, finite_volume=options))
    assert all(part in str(refusal.value) for part in ['[solver] kind = "finite_volume": ', *told])
