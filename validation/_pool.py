"""Processes that compute side by side, each on one thread, and one whose threads have cores of their own, or any."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

THREADS = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
PINNED = {"OMP_PROC_BIND": "true", "OMP_PLACES": "threads"}


def single_threaded_pool(processes: int) -> ProcessPoolExecutor:
    """Give processes whose kernels and BLAS have one thread each."""
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_take_one_thread)


def pinned_pool() -> ProcessPoolExecutor:
    """Give a process whose threads stay each on one core: on a loaded machine two of them may else share one."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_pin)


def free_pool() -> ProcessPoolExecutor:
    """Give a process whose threads may use any core: pools of SciPy and ducc0 else stay on that of the first thread."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_free)


def _take_one_thread() -> None:
    """Set what numba and BLAS read when they are loaded; so this module itself loads neither."""
    os.environ |= dict.fromkeys(THREADS, "1")


def _pin() -> None:
    """Set what the library of OpenMP reads when numba begins its threads, but for what the user has set."""
    os.environ |= {name: value for name, value in PINNED.items() if name not in os.environ}


def _free() -> None:
    """Forget how threads are to be pinned, and where this process has been put."""
    for name in PINNED:
        os.environ.pop(name, None)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
