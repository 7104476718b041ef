"""Validation scripts that ship with wgflow: which there are, and running one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from wgflow.errors import InputError
from wgflow.problems.shipped import shipped_folder
from wgflow.text import shown


def shipped_validations() -> list[Path]:
    """All validation scripts that ship, by name; those that begin with _ serve others."""
    return sorted(shipped_folder("validation").glob("[!_]*.py"))


def find_validation(name: str) -> Path:
    """Give the validation script of a name; raises InputError if there is none."""
    scripts = {file.stem.rstrip("_"): file for file in shipped_validations()}  # time_.py must not hide a module
    if name not in scripts:
        raise InputError(f"validation {shown(name)} is unknown; choose one of {', '.join(scripts) or 'none'}")
    return scripts[name]


def run_validation(name: str, options: Sequence[str] = ()) -> int:
    """Run a validation with its options in a process of its own, and give its exit code."""
    return subprocess.run([sys.executable, find_validation(name), *options], check=False).returncode
