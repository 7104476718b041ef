from .memory import free_memory as free_memory
from .memory import resident_memory as resident_memory
