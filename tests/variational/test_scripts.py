"""The worked example of variational steps runs, and finds what it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_worked_example_runs(tmp_path):
    command = [sys.executable, str(ROOT / "solvers/variational.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert "risk with twenty outputs on the way: 0.003401" in printed
    assert printed.count("\n") == 20
    assert (tmp_path / "variational.png").exists()
