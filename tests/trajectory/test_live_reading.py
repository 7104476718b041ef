"""Reading while others read and write."""

from __future__ import annotations

import threading
import time

from wgflow.trajectory.live_reading import read_steadily


def test_threads_take_turns(tmp_path):
    """The HDF5 library would let them share what it knew of the file when the first one opened it."""
    inside, most = 0, 0

    def read() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.02)
        inside -= 1

    threads = [threading.Thread(target=read_steadily, args=(tmp_path / "file", read)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
