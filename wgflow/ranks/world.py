"""The ranks of this run: all processes that a launcher started together, and how they end."""

from __future__ import annotations

import sys
import traceback
import warnings
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING

from wgflow.errors import FlowWarning, InputError, MissingExtraError
from wgflow.ranks.communicator import ALONE, Communicator
from wgflow.system.launchers import LAUNCH

if TYPE_CHECKING:
    from wgflow.ranks.mpi import MpiCommunicator


def world() -> Communicator:
    """Communicator of all ranks; of a process that was started alone, the one that needs no library.

    Raises
    ------
    MissingExtraError
        If there are several ranks and mpi4py is not installed.
    InputError
        If the library of mpi4py is not that of the launcher.
    """
    return _several() if LAUNCH.several else ALONE


@cache
def _several() -> MpiCommunicator:
    try:
        from wgflow.ranks.mpi import MpiCommunicator

        found = MpiCommunicator()
    except (ImportError, RuntimeError) as error:  # the latter where it finds no MPI library
        raise MissingExtraError("mpi4py", "mpi", f"a run on {LAUNCH.size} ranks ({LAUNCH.launcher})") from error
    if found.size != LAUNCH.size:
        raise InputError(
            f"{LAUNCH.launcher} started {LAUNCH.size} ranks, of which the MPI library of mpi4py sees {found.size}: it "
            "is another one; use the mpiexec that came with it, e.g. that of pip install 'wgflow[mpi]'"
        )
    if not LAUNCH.is_first:
        warnings.simplefilter("ignore", FlowWarning)  # rank 0 warns
    sys.excepthook = _end_with
    return found


def end_ranks(code: int, text: str) -> str:
    """End well with the other ranks after an error, or end them too; gives what this rank is to print.

    Where all of them have failed, each of them ends by itself, and rank 0 prints. Where only some have, the first of
    those prints, and then all are ended.

    Parameters
    ----------
    code : int
        Exit code.
    text : str
        The message.
    """
    if not LAUNCH.several:
        return text
    try:
        ranks = _several()
    except (MissingExtraError, InputError):
        return text if LAUNCH.is_first else ""
    prints, all_end = ranks.share_failure()
    if all_end:
        return text if prints else ""
    if prints:
        sys.stdout.flush()
        print(f"{text} (rank {ranks.rank})" if text else "", file=sys.stderr, flush=True)
    ranks.end_all(code)
    return ""


def _end_with(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What Python does with an error that nobody caught: tell it once, and end all ranks."""
    text = "".join(traceback.format_exception(kind, error, trace)).rstrip()
    code = 130 if issubclass(kind, KeyboardInterrupt) else 1
    shown = end_ranks(code, text)
    if shown:
        print(shown, file=sys.stderr, flush=True)
