"""The validations in their quick form."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_figure_2_with_another_rate_of_the_input_layer(tmp_path):
    """Five neurons end with the same function and another share of it for each of the two aligned ones."""
    options = ["--quick", "--share", "--input-rate", "100", "--processes", "1"]
    printed = run("validation/figure2.py", *options, "--figure", str(tmp_path / "figure2.png"))
    assert printed.count("PASS") == 2
    assert "share of 4 runs" in printed
    assert (tmp_path / "figure2.png").exists()
    table = re.findall(r"  ([+-])  (\S+) +(\S+)   (\S+) +(\S+)\n", printed)
    sizes = np.array([[float(row[2]), float(row[4])] for row in table])
    assert [row[0] for row in table] == ["+", "+", "-", "-", "+"]
    assert abs(sizes[:2].sum(axis=0) - 5.0).max() < 0.05  # the teacher's neuron at 0.5, times m
    assert abs(sizes[:2].T - [[4.10, 0.91], [2.95, 2.07]]).max() < 0.05


def test_figure_2_regular_neurons_stand_for_infinitely_many():
    """Their risk is that of the equation on the signed circle: particles on a grid of directions against cells."""
    script, times = runpy.run_path(str(ROOT / "validation/figure2.py")), np.array([20.0])
    network = script["follow_network"](script["TEACHER"], script["regular_network"](512), times)
    density = script["follow_density"](script["TEACHER"], 1024, times)
    assert abs(network.risk[-1] / density.risk[-1] - 1.0) < 1e-4


def test_figure_2_finds_the_time_to_learn():
    """Between outputs of the same flow, and none where the risk stays above."""
    script = runpy.run_path(str(ROOT / "validation/figure2.py"))
    start = script["start_network"](5, np.random.default_rng(script["SEED"]))
    network = script["follow_network"](script["TEACHER"], start, np.linspace(1.0, 300.0, 300))
    learned = script["time_to_learn"](script["TEACHER"], start, 300.0)
    exact = np.interp(-np.log(1e-4), -np.log(network.risk), network.time)
    assert abs(learned / exact - 1.0) < 0.01
    assert script["time_to_learn"](script["TEACHER"], start, 0.5 * exact) == np.inf


def test_figure_3(tmp_path):
    options = ["--quick", "--population", "--independent-samples", "--processes", "1"]
    printed = run("validation/figure3.py", *options, "--figure", str(tmp_path / "figure3.png"))
    assert "m = 30" in printed
    assert printed.count("PASS") == 1
    assert (tmp_path / "figure3.png").exists()


def test_particles_approach_the_pde_at_the_rates_of_theorem_1(tmp_path):
    """One error of the reference and two rates in each of five cases, and equispaced starts in two of them."""
    options = ["--quick", "--processes", "1"]  # several would compile the same kernels side by side
    printed = run("validation/theorem1.py", *options, "--figure", str(tmp_path / "theorem1.png"))
    assert printed.count("PASS") == 17
    assert (tmp_path / "theorem1.png").exists()


def test_the_script_of_the_continuity_equation_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = run("solvers/continuity.py")
    assert "t =  4.0   risk = 0.03528" in printed
    assert "risk on the sphere 0.03506" in printed
    assert (tmp_path / "continuity.png").exists()


def test_solver_scripts_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = run("solvers/particles.py")
    assert "risk: flow 0.002420   descent 0.002423" in printed
    assert float(printed.split("|b|^2: ")[1].split()[0]) < 2.4e-8
    assert (tmp_path / "particles.png").exists()
    assert "risk = 0.004148" in run("solvers/sphere.py")
    assert (tmp_path / "sphere.h5").exists()
    assert (tmp_path / "sphere.png").exists()


def test_figure_4(tmp_path, capsys):
    """Descent on separable data ends in the direction that the support vectors predict, with its constant."""
    script = runpy.run_path(str(ROOT / "validation/figure4.py"))
    assert script["main"](["--quick", "--figure", str(tmp_path / "figure4.png")]) == 0
    assert capsys.readouterr().out.count("PASS") == 3
    assert (tmp_path / "figure4.png").exists()


def test_figure_5(tmp_path):
    printed = run("validation/figure5.py", "--quick", "--figure", str(tmp_path / "figure5.png"))
    assert printed.count("PASS") == 3
    assert (tmp_path / "figure5.png").exists()


def test_figure_6(tmp_path, capsys):
    script = runpy.run_path(str(ROOT / "validation/figure6.py"))
    assert script["main"](["--quick", "--figure", str(tmp_path / "figure6.png")]) == 0
    assert capsys.readouterr().out.count("PASS") == 1
    assert (tmp_path / "figure6.png").exists()


def test_figure_6_goes_on_after_an_interruption(tmp_path):
    """Finished trainings are read back exactly; a line that was cut is none."""
    script, path = runpy.run_path(str(ROOT / "validation/figure6.py")), tmp_path / "results.csv"
    trainings = script["plan"](2, "float32", quick=False)
    assert len(trainings) == 18
    result = script["Result"](0.1 + 0.2, 1.0 / 3.0, 0.25, True, False)
    script["Results"](path).add(trainings[0], result)
    script["Results"](path).add(trainings[1], result)
    path.write_text(path.read_text()[:-8])
    assert script["Results"](path).found == {trainings[0]: result}
    script["Results"](path).add(trainings[1], result)
    assert script["Results"](path).found == {trainings[0]: result, trainings[1]: result}
