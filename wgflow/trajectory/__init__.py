"""Trajectories: in memory, and in netCDF-4 files."""

from wgflow.trajectory.reader import read_trajectory
from wgflow.trajectory.trajectory import Trajectory
from wgflow.trajectory.writer import FileRecorder, MemoryRecorder, Recorder, check_output

__all__ = ["FileRecorder", "MemoryRecorder", "Recorder", "Trajectory", "check_output", "read_trajectory"]
