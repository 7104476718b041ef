from .estimate import Item as Item
from .estimate import MemoryEstimate as MemoryEstimate
from .estimate import check_larger_box as check_larger_box
from .estimate import check_memory as check_memory
