"""The validations in their quick form."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_grid_characteristics_and_particles_agree(tmp_path):
    """Risks to 2e-4 on a coarse grid; random particles approach the PDE as m^(-1/2)."""
    printed = run("validation/sphere_vs_particles.py", "--quick", "--folder", str(tmp_path))
    assert printed.count("PASS") == 2
    assert (tmp_path / "pde_vs_particles.png").exists()
    both = [str(tmp_path / f"{solver}.h5") for solver in ("finite_volume", "particles")]
    assert "W2-" in run("validation/sphere_vs_particles.py", *both, "--folder", str(tmp_path))


def test_orders_of_convergence_on_every_domain(tmp_path):
    printed = run("validation/orders.py", "--quick", "--figure", str(tmp_path / "orders.png"))
    assert printed.count("PASS") == 7
    assert (tmp_path / "orders.png").exists()


def test_box_sphere_and_particles_agree(tmp_path):
    printed = run("validation/three_ways.py", "--quick", "--figure", str(tmp_path / "ways.png"))
    assert printed.count("PASS") == 4
    assert (tmp_path / "ways.png").exists()


def test_figure_2(tmp_path):
    printed = run("validation/figure2.py", "--quick", "--figure", str(tmp_path / "figure2.png"))
    assert printed.count("PASS") == 1
    assert (tmp_path / "figure2.png").exists()


def test_figure_3(tmp_path):
    printed = run("validation/figure3.py", "--quick", "--figure", str(tmp_path / "figure3.png"))
    assert "m = 30" in printed
    assert (tmp_path / "figure3.png").exists()


def test_the_script_of_the_continuity_equation_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = run("solvers/continuity.py")
    assert "t =  4.0   risk = 0.03528" in printed
    assert "risk on the sphere 0.03506" in printed
    assert (tmp_path / "continuity.png").exists()


def test_solver_scripts_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "risk = 0.004148" in run("solvers/sphere.py")
    assert (tmp_path / "sphere.h5").exists()
    assert (tmp_path / "sphere.png").exists()
