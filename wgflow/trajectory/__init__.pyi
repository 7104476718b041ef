from .locking import is_locked as is_locked
from .output import check_output as check_output
from .reader import read_trajectory as read_trajectory
from .recorder import MemoryRecorder as MemoryRecorder
from .trajectory import Trajectory as Trajectory
from .writer import FileRecorder as FileRecorder
