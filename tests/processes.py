"""Processes that tests start."""

from __future__ import annotations

import subprocess
import sys

# A process that a script starts in the background ignores Ctrl-C, and so do its children: this one takes it again.
_INTERRUPTIBLE = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


def start_interruptible(arguments, **options) -> subprocess.Popen:
    """Start Python with some arguments, in a process that Ctrl-C ends whatever the tests themselves do with it."""
    command = [sys.executable, "-c", _INTERRUPTIBLE, sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
