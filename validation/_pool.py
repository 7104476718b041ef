"""Processes that compute side by side, each on one thread."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

THREADS = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def single_threaded_pool(processes: int) -> ProcessPoolExecutor:
    """Give processes whose kernels and BLAS have one thread each."""
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_take_one_thread)


def _take_one_thread() -> None:
    """Set what numba and BLAS read when they are loaded; so this module itself loads neither."""
    os.environ |= dict.fromkeys(THREADS, "1")
