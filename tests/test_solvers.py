"""The worked examples run, and find what they should."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("without_layout")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a script in a folder of its own; gives what it printed."""
    monkeypatch.chdir(tmp_path)

    def script(name: str) -> str:
        runpy.run_path(str(ROOT / "solvers" / name), run_name="__main__")
        return capsys.readouterr().out

    return script


def test_the_continuity_equation(run, tmp_path):
    printed = run("continuity.py")
    assert "t =  4.0   risk = 0.03528" in printed
    assert "risk on the sphere 0.03506" in printed
    assert (tmp_path / "continuity.png").exists()


def test_particles(run, tmp_path):
    printed = run("particles.py")
    assert "risk: flow 0.002420   descent 0.002423" in printed
    assert float(printed.split("|b|^2: ")[1].split()[0]) < 2.4e-8
    assert (tmp_path / "particles.png").exists()


def test_the_sphere(run, tmp_path):
    assert "risk = 0.004148" in run("sphere.py")
    assert (tmp_path / "sphere.h5").exists()
    assert (tmp_path / "sphere.png").exists()


def test_variational_steps(run, tmp_path):
    printed = run("variational.py")
    assert "risk with twenty outputs on the way: 0.003401" in printed
    assert printed.count("\n") == 20
    assert (tmp_path / "variational.png").exists()
