"""Faults in the writes of a run, made by a library that stands between it and the system (Linux, with a C compiler).

The disk answers with an error (EIO, ENOSPC) from some write or sync on, or once, takes a part of what it is given, or
is interrupted (EINTR). The first two must end the run with an error of one line and a file that is whole and resumes;
the others must not be noticed.
"""

from __future__ import annotations

import ctypes
import errno
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from ._processes import environment

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/types.h>

static int error_number = 0, part = 0;
static long calls = 0, first = 0, last = 0;

void arm_faults(int number, int short_writes, long from, long to) {
    error_number = number; part = short_writes; calls = 0; first = from; last = to;
}

long counted_calls(void) { return calls; }

static int due(void) { calls++; return calls >= first && calls <= last; }

typedef ssize_t (*writer)(int, const void *, size_t, off64_t);

static ssize_t faulty_write(const char *name, int file, const void *content, size_t size, off64_t place) {
    writer plain = (writer)dlsym(RTLD_NEXT, name);
    if (due()) {
        if (error_number) { errno = error_number; return -1; }
        if (part && size > 1) return plain(file, content, size / 2, place);
    }
    return plain(file, content, size, place);
}

ssize_t pwrite(int file, const void *content, size_t size, off64_t place) {
    return faulty_write("pwrite", file, content, size, place);
}

ssize_t pwrite64(int file, const void *content, size_t size, off64_t place) {
    return faulty_write("pwrite64", file, content, size, place);
}

int fdatasync(int file) {
    int (*plain)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (due() && error_number) { errno = error_number; return -1; }
    return plain(file);
}
"""
FOREVER = 2**31
KINDS = {  # error, whether writes are short, and for how many calls
    "EIO once": (errno.EIO, 0, 1),
    "EIO from then on": (errno.EIO, 0, FOREVER),
    "ENOSPC from then on": (errno.ENOSPC, 0, FOREVER),
    "EINTR three times": (errno.EINTR, 0, 3),
    "short writes": (0, 1, FOREVER),
}
UNNOTICED = ("EINTR three times", "short writes")


@contextmanager
def faulty_process(folder: Path) -> Iterator[ProcessPoolExecutor | None]:
    """Give a process with the library before the system's, or None where it cannot be built."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        yield None
        return
    source, library = folder / "faults.c", folder / "faults.so"
    source.write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    with environment({"LD_PRELOAD": str(library)}), pool:
        yield pool


def arm(kind: str, first: int) -> None:
    """Let a fault begin at a write or sync, counted from now."""
    number, short, count = KINDS[kind]
    ctypes.CDLL(None).arm_faults(number, short, ctypes.c_long(first), ctypes.c_long(first + count - 1))


def disarm() -> int:
    """End all faults; gives the number of writes and syncs since the last call of this or `arm`."""
    library = ctypes.CDLL(None)
    library.counted_calls.restype = ctypes.c_long
    count = int(library.counted_calls())
    library.arm_faults(0, 0, ctypes.c_long(0), ctypes.c_long(0))
    return count
