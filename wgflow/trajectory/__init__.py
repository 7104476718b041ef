"""Trajectories: in memory, and in netCDF-4 files."""

from wgflow.trajectory.locking import is_locked
from wgflow.trajectory.output import check_output
from wgflow.trajectory.reader import read_trajectory
from wgflow.trajectory.recorder import MemoryRecorder, Recorder
from wgflow.trajectory.trajectory import Trajectory
from wgflow.trajectory.writer import FileRecorder

__all__ = ["FileRecorder", "MemoryRecorder", "Recorder", "Trajectory", "check_output", "is_locked", "read_trajectory"]
