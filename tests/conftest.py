"""Settings shared by all tests."""

from __future__ import annotations

import gc
import os
import signal
from collections import Counter
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, settings

# Kernels compile during the first example, so no example has a deadline; CI repeats the same examples.
settings.register_profile(
    "wgflow",
    deadline=None,
    max_examples=25,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("wgflow")

# A hangup that is ignored, as under nohup, stays so in runs; tests send it to see runs end.
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What compiles the kernels that take longest, which the tests of a whole folder need: of two workers, each begins with
# one of these, and the other finds its kernels on disk when it comes to them.
COMPILED_FIRST = (
    ("finite_volume/test_high_order.py",),
    ("runs/test_threads.py", "finite_volume/test_step_rules.py", "upwind/test_box.py", "upwind/test_kernels.py"),
)


def pytest_collection_modifyitems(items):
    """Begin each half of the tests, which is what a worker begins with, with its share of costly kernels."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.split("::")[0], []).append(item)
    first = [[item for name in names for item in files.pop(f"tests/{name}", [])] for names in COMPILED_FIRST]
    others = [item for found in files.values() for item in found]
    middle = max(len(items) // 2 - len(first[0]), 0)
    items[:] = [*first[0], *others[:middle], *first[1], *others[middle:]]


def pytest_collection_finish():
    """Leave out what stays until the end wherever cycles of objects are looked for."""
    gc.freeze()


@pytest.fixture(scope="module")
def without_layout():
    """Leave the panels of figures where they are at first: to lay them out takes longer than to draw them."""
    from wgflow.plotting.style import NotebookFigure

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NotebookFigure, "draw_without_rendering", lambda _: None)
        yield


def pytest_terminal_summary(terminalreporter):
    """Say what the tests of each folder cost, if they were many."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                seconds[str(PurePosixPath(report.nodeid.split("::")[0]).parent)] += report.duration
    if len(seconds) > 1:
        terminalreporter.write_sep("-", "seconds of tests by folder, over all workers")
        for folder, total in seconds.most_common():
            terminalreporter.write_line(f"{total:7.1f}  {folder}")
