"""Free memory: of the machine, of control groups of both kinds, and of the address space."""

from __future__ import annotations

import resource
import sys
from types import SimpleNamespace

import pytest

from wgflow.system import free_memory, resident_memory
from wgflow.system import memory as system

KIB, GIB = 1024, 2**30


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Files of a machine with 8 GiB available, in a process without limits that holds 1 GiB of addresses."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda which: unlimited)  # noqa: ARG005
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    write(proc, {"meminfo": f"MemTotal: 1 kB\nMemAvailable: {8 * GIB // KIB} kB\n"})
    write(proc, {"self/status": f"VmSize:\t{GIB // KIB} kB\nVmRSS:\t{GIB // KIB // 2} kB\n", "self/cgroup": "0::/\n"})
    groups.mkdir()
    return SimpleNamespace(proc=proc, groups=groups, free=lambda: free_memory(proc, groups))


def test_what_the_machine_has_available(machine):
    assert machine.free() == 8 * GIB
    assert resident_memory(machine.proc) == GIB // 2


def test_a_group_around_that_of_the_process_counts_and_cached_files_give_way(machine):
    write(machine.proc, {"self/cgroup": "0::/batch/job\n"})
    write(machine.groups, {"batch/job/memory.max": "max\n", "batch/job/memory.current": "5\n"})
    outer = {"memory.max": f"{4 * GIB}\n", "memory.current": f"{3 * GIB}\n", "memory.stat": f"inactive_file {GIB}\n"}
    write(machine.groups / "batch", outer)
    assert machine.free() == 2 * GIB


def test_groups_of_the_first_version_count(machine):
    write(machine.proc, {"self/cgroup": "7:cpu:/other\n5:hugetlb,memory:/job\n"})
    limits = {"memory.limit_in_bytes": f"{3 * GIB}\n", "memory.usage_in_bytes": f"{2 * GIB}\n"}
    write(machine.groups / "memory/job", {**limits, "memory.stat": f"total_inactive_file {GIB // 2}\n"})
    assert machine.free() == 3 * GIB // 2


def test_the_limit_of_the_address_space_counts(machine, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (3 * GIB, 3 * GIB))  # noqa: ARG005
    assert machine.free() == 2 * GIB


def test_a_limit_that_is_passed_leaves_nothing(machine, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (GIB // 2, GIB // 2))  # noqa: ARG005
    assert machine.free() == 0


def test_elsewhere_psutil_tells_and_without_it_nothing_is_known(tmp_path, monkeypatch):
    known = SimpleNamespace(
        virtual_memory=lambda: SimpleNamespace(available=7),
        Process=lambda: SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=3)),
    )
    monkeypatch.setitem(sys.modules, "psutil", known)
    assert (free_memory(tmp_path, tmp_path), resident_memory(tmp_path)) == (7, 3)
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert (system.free_memory(tmp_path, tmp_path), resident_memory(tmp_path)) == (None, 0)
