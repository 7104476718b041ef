"""The campaign against killed runs, in its quick form."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "validation" / "reliability.py"


def test_killed_runs_lose_nothing():
    arguments = [sys.executable, str(SCRIPT), "--quick", "--part", "kills", "--solver", "finite_volume"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("PASS  finite_volume: 3 runs in ")
    assert done.stderr == ""
