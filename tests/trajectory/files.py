"""Changing trajectory files on purpose."""

from __future__ import annotations

from pathlib import Path

from wgflow.trajectory.growing_file import GrowingFile
from wgflow.trajectory.seal import put_seal


def reseal(path: Path) -> None:
    """Seal a file that was changed, so that the change is one of its writer and not of the disk."""
    file = GrowingFile(path)
    put_seal(file)
    file.close()
