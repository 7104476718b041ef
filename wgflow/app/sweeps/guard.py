"""Run a command, and end it when whoever started this ends, however that ends: ``python guard.py COMMAND ...``.

Workers of sweeps start launchers such as ``mpiexec`` through it, whose processes would go on without them. It is told
by its standard input, which closes when the other end of the pipe is gone. It imports nothing of wgflow, and so starts
at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

GRACE_SECONDS = 10.0  # for runs to keep their state
NOT_FOUND = 127
SIGNALLED = 128  # exit codes of what a signal ended, as shells give them

_ending = threading.Lock()  # held while a command is being ended


def main(command: list[str]) -> int:
    """Run a command in a group of processes of its own; gives its exit code."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"error: {command[0]} cannot be started: {error.strerror}", file=sys.stderr)
        return NOT_FOUND
    # Meant for all processes, they reach those of the command too. What is ignored, and not handled, it would inherit.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=end, args=[process.pid]).start())
    threading.Thread(target=_watch, args=[process.pid], daemon=True).start()
    code = process.wait()
    with _ending:
        return SIGNALLED - code if code < 0 else code


def _watch(group: int) -> None:
    while os.read(0, 1):  # by the system: a thread that waits for sys.stdin would keep the process from ending
        pass
    end(group)


def end(group: int) -> None:
    """End a group of processes: by SIGTERM, and those that are still there after a while by SIGKILL."""
    with _ending:
        deadline = time.monotonic() + GRACE_SECONDS
        try:
            os.killpg(group, signal.SIGTERM)
            while time.monotonic() < deadline:
                time.sleep(0.02)
                os.killpg(group, 0)
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # none is left; macOS says the latter of those that have ended
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
