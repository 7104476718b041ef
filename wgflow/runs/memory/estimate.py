"""What a run takes, item by item, and its refusal where that is more than there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wgflow.errors import ComputationError, InputError
from wgflow.system.launchers import LAUNCH
from wgflow.system.memory import free_memory, resident_memory

DOUBLE = 8  # bytes
GIB, MIB = 2.0**30, 2.0**20
PROGRAM = 205 * MIB  # Python with its libraries, and kernels that are loaded or compiled


@dataclass(frozen=True)
class Item:
    """Something that takes memory.

    Parameters
    ----------
    name : str
        What it is, as an error names it.
    size : float
        Its bytes.
    keys : str
        What to lower so that it takes less.
    brief : bool
        Whether it is gone before other such items come, and before the steps; else it stays.
    late : bool
        Whether it comes with the steps, when all that is brief is gone.
    built : bool
        Whether it belongs to the domain and the data, which are there before a run begins.
    """

    name: str
    size: float
    keys: str = ""
    brief: bool = False
    late: bool = False
    built: bool = False


@dataclass(frozen=True)
class MemoryEstimate:
    """What a run takes at its peak, to a factor of about 1.5.

    Parameters
    ----------
    items : tuple of Item
        What takes it, the program itself not included.
    """

    items: tuple[Item, ...]

    @property
    def arrays(self) -> float:
        """Bytes beside those of the program: in the steps, or before them with the largest of what is gone again."""
        early = sum(item.size for item in self.items if not (item.brief or item.late))
        late = sum(item.size for item in self.items if item.late)
        return early + max(late, max((item.size for item in self.items if item.brief), default=0.0))

    @property
    def total(self) -> float:
        """Bytes of the process at its peak."""
        return self.arrays + PROGRAM

    @property
    def largest(self) -> Item:
        """What takes most at the peak."""
        late = sum(item.size for item in self.items if item.late)
        steps = late >= max((item.size for item in self.items if item.brief), default=0.0)
        there = [item for item in self.items if not (item.brief if steps else item.late)]
        return max(there, key=lambda item: item.size)

    def still_needed(self, resident: float, *, built: bool) -> float:
        """Bytes that a process which holds some already must add, whose domain and data are built or are not."""
        there = sum(item.size for item in self.items if item.built and not item.brief) if built else 0.0
        return self.total - min(resident, PROGRAM + there)


def check_memory(
    estimate: MemoryEstimate, *, force: bool = False, built: bool = False, subject: str = "the run"
) -> None:
    """Refuse what takes more memory than there is.

    Parameters
    ----------
    estimate : MemoryEstimate
        What it takes.
    force : bool
        Whether to go on all the same.
    built : bool
        Whether domain and data are built, so that this process holds them.
    subject : str
        What an error calls it.

    Raises
    ------
    InputError
        With the estimate, what is free, what dominates and what to lower.
    """
    free = None if force else free_memory()
    if free is not None:
        free //= LAUNCH.beside  # the ranks of a machine take as much each
    if free is not None and estimate.still_needed(resident_memory(), built=built) > free:
        raise InputError(
            f"{subject} needs about {format_size(estimate.total)} of memory, and {format_size(free)} are free; "
            f"{describe_largest(estimate)}, or run it all the same (--force, force=True)"
        )


def check_larger_box(estimate: MemoryEstimate, shape: Sequence[int], *, force: bool) -> None:
    """Raise ComputationError if a box that grows to some shape takes more memory than there is."""
    try:
        check_memory(estimate, force=force, subject=f"the box of {' x '.join(map(str, shape))} cells to which it grows")
    except InputError as error:
        raise ComputationError(f"{error}; what was computed is kept, and can be resumed") from None


def describe_largest(estimate: MemoryEstimate) -> str:
    """What dominates, and what to lower."""
    item = estimate.largest
    return f"most of it: {item.name}, {format_size(item.size)}: lower {item.keys}"


def format_size(size: float) -> str:
    """Bytes in a unit that a person reads easily."""
    value, unit = (size / GIB, "GiB") if size >= 0.95 * GIB else (size / MIB, "MiB")
    return f"{value:.3g} {unit}" if value < 1000.0 else f"{value:,.0f} {unit}"
