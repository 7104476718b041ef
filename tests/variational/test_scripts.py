"""The worked example and the validation of variational steps run, and find what they should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def run(script, folder, *arguments):
    done = subprocess.run(
        [sys.executable, str(ROOT / script), *arguments], capture_output=True, text=True, check=True, cwd=folder
    )
    return done.stdout


def test_the_worked_example_runs(tmp_path):
    printed = run("solvers/variational.py", tmp_path)
    assert "risk with twenty outputs on the way: 0.003401" in printed
    assert printed.count("\n") == 20
    assert (tmp_path / "variational.png").exists()


def test_the_validation_passes(tmp_path):
    printed = run("validation/jko.py", tmp_path, "--quick")
    assert printed.count("PASS") == 42
