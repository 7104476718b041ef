"""Launchers that start a program as several processes at once, told by the variables that they set for each.

Nothing here knows MPI: which process this is, and how many there are, is known before any library is loaded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from wgflow.errors import InputError


@dataclass(frozen=True)
class Launch:
    """How this process was started.

    Parameters
    ----------
    launcher : str
        What started it, as a message names it; empty for a process that was started alone.
    rank, size : int
        Its number, from 0 on, and that of all.
    beside : int
        Number of them on this machine.
    """

    launcher: str = ""
    rank: int = 0
    size: int = 1
    beside: int = 1

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.size > 1

    @property
    def is_first(self) -> bool:
        """Whether this process speaks for all."""
        return self.rank == 0


# Launcher, and its variables for the rank, the number of ranks, and the number on this machine.
_VARIABLES = (
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"),
    ("MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"),
    ("Slurm", "PMIX_RANK", "SLURM_NTASKS", ""),
)
_OF_SLURM = "SLURM_STEP_TASKS_PER_NODE"  # such as "16(x4),8": of the first machine that of all but the last


def find_launch(environment: Mapping[str, str] = os.environ) -> Launch:
    """How a process with these variables was started.

    Open MPI, MPICH and its relatives, and Slurm are known; the last one only where it prepares for MPI (PMI, PMIx): the
    steps of a job that runs many programs of their own have its other variables too.
    """
    for launcher, rank, size, beside in _VARIABLES:
        if _is_count(environment.get(rank)) and _is_count(environment.get(size)):
            name = "Slurm" if "SLURM_PROCID" in environment and launcher == "MPICH" else launcher
            count = int(environment[size])
            near = re.match(r"\d+", environment.get(beside) or environment.get(_OF_SLURM, ""))
            return Launch(name, int(environment[rank]), count, min(int(near[0]), count) if near else count)
    return Launch()


def _is_count(text: str | None) -> bool:
    return text is not None and text.isdecimal()


LAUNCH = find_launch()
"""How this process was started."""


ONE_RANK = (
    "run it without mpiexec, where kernels take all cores as threads; shared are explicit finite volumes on boxes "
)
ONE_RANK += "of two and three dimensions, and particles"


def refuse_ranks(what: str, instead: str) -> None:
    """Raise InputError where this process is one of several: ``what`` is for one; ``instead`` says what to do."""
    if LAUNCH.several:
        raise InputError(f"{what} is not available on {LAUNCH.size} ranks ({LAUNCH.launcher}): {instead}")
