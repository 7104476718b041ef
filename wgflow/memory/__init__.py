"""How much memory a run will take, said before it is taken, and how much there is."""

from wgflow.memory.estimate import Item, MemoryEstimate, check_larger_box, check_memory
from wgflow.memory.system import free_memory, resident_memory

__all__ = ["Item", "MemoryEstimate", "check_larger_box", "check_memory", "free_memory", "resident_memory"]
