"""The validations in their quick form."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np

from wgflow.networks.training.students import draw_students, draw_teacher

ROOT = Path(__file__).resolve().parent.parent


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_grid_characteristics_and_particles_agree(tmp_path, capsys):
    """Risks to 2e-4 on a coarse grid; random particles approach the PDE as m^(-1/2); two files are compared alone."""
    printed = run("validation/sphere_vs_particles.py", "--quick", "--folder", str(tmp_path))
    assert printed.count("PASS") == 2
    assert (tmp_path / "pde_vs_particles.png").exists()
    files = [str(tmp_path / f"{solver}.h5") for solver in ("finite_volume", "particles")]
    script = runpy.run_path(str(ROOT / "validation/sphere_vs_particles.py"))
    assert script["main"]([*files, "--folder", str(tmp_path)]) == 0
    assert "W2-" in capsys.readouterr().out


def test_orders_of_convergence_on_every_domain(tmp_path):
    printed = run("validation/orders.py", "--quick", "--figure", str(tmp_path / "orders.png"))
    assert printed.count("PASS") == 7
    assert (tmp_path / "orders.png").exists()


def test_outputs_do_not_change_results():
    assert run("validation/time_.py", "--quick").count("PASS") == 16


def test_limits():
    assert run("validation/limits.py", "--quick", "--part", "limits").count("PASS") == 33


def test_box_sphere_and_particles_agree(tmp_path):
    options = ["--quick", "--problem", "regression", "--figure", str(tmp_path / "ways.png")]
    assert run("validation/three_ways.py", *options).count("PASS") == 2
    assert (tmp_path / "ways.png").exists()


def test_energies_keep_their_bounds():
    assert run("validation/energies.py", "--quick").count("PASS") == 48


class Recorded:
    """Random numbers that both layouts of the samples read in the same order."""

    def __init__(self, batches):
        self.batches = iter(batches)

    def standard_normal(self, size=None, dtype=None, out=None):  # noqa: ARG002
        batch = next(self.batches)
        if out is None:
            assert size == batch.shape[::-1]
            return batch.T.copy()
        out[:] = batch
        return out


def test_the_published_loop_is_the_same_descent():
    """Up to its update of b, which uses the new a: a difference of the order of the step."""
    loop = runpy.run_path(str(ROOT / "validation/benchmarks/published_loop.py"))
    generator = np.random.default_rng(0)
    teacher, students = draw_teacher(2, 4, generator), draw_students([1, 3], 4, generator)
    batches = generator.standard_normal((10, 100, 4))
    plain = loop["plain_loop"](students, teacher, 10, Recorded([*batches, *batches]))  # one width after the other
    ours = loop["side_by_side"](students, teacher, 10, Recorded(batches), "float64")
    for name in ("outputs", "inputs"):
        moved = abs(getattr(ours, name) - getattr(students, name)).max()
        assert abs(getattr(plain, name) - getattr(ours, name)).max() < 0.02 * moved


def test_margins_bound_the_flow_of_diverging_mass():
    assert run("validation/margins.py", "--quick").count("PASS") == 14


def test_spikes_are_found_from_their_convolution(tmp_path):
    printed = run("validation/deconvolution.py", "--quick", "--figure", str(tmp_path / "deconvolution.png"))
    assert printed.count("PASS") == 5
    assert (tmp_path / "deconvolution.png").exists()


def test_the_script_of_the_continuity_equation_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = run("solvers/continuity.py")
    assert "t =  4.0   risk = 0.03528" in printed
    assert "risk on the sphere 0.03506" in printed
    assert (tmp_path / "continuity.png").exists()


def test_pde_characteristics_and_both_forms_of_particles_agree():
    printed = run("validation/cross.py", "teacher", "network", "--quick")
    assert printed.count("PASS") == 2
    refused = subprocess.run(
        [sys.executable, str(ROOT / "validation/cross.py"), "riccati"], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "problem 'riccati' is no shipped two-layer problem; choose from el_nino" in refused.stderr


def test_solver_scripts_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = run("solvers/particles.py")
    assert "risk: flow 0.002420   descent 0.002423" in printed
    assert float(printed.split("|b|^2: ")[1].split()[0]) < 2.4e-8
    assert (tmp_path / "particles.png").exists()
    assert "risk = 0.004148" in run("solvers/sphere.py")
    assert (tmp_path / "sphere.h5").exists()
    assert (tmp_path / "sphere.png").exists()


def test_noisy_networks_follow_the_diffusion_equation(capsys):
    """Neurons that act on each other, between walls: risks at two times and W1 at the end."""
    script = runpy.run_path(str(ROOT / "validation/langevin.py"))
    network = len(script["all_cases"](quick=True)) - 1
    assert script["check_case"](network, map, quick=True)[0]
    assert capsys.readouterr().out.count("PASS") == 2
