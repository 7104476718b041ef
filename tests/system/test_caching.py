"""The folder for compiled kernels and meshes: the user's own, or none; and disks that do not take them."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import config
from numba.core.caching import IndexDataCacheFile

from wgflow import compilation
from wgflow.domains import mesh_cache
from wgflow.domains.icosphere import build_mesh
from wgflow.reductions.kernels.blocks import products_kernel
from wgflow.system import caching, sources
from wgflow.system.caching import cache_folder


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A home and a temporary directory, and the choice of this process forgotten before and after."""
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(logging.getLogger("wgflow"), "level", logging.NOTSET)  # which a quiet command may have raised
    monkeypatch.setattr(logging.getLogger("wgflow"), "_cache", {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    for known in (cache_folder, caching.say_once):
        known.cache_clear()
    yield tmp_path
    for known in (cache_folder, caching.say_once):
        known.cache_clear()


def mode_of(path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_the_folder_is_in_the_home_and_closed_to_others(places, caplog):
    before = os.umask(0)
    try:
        folder = cache_folder()
    finally:
        os.umask(before)
    assert folder == str(places / "home/wgflow/private")
    assert mode_of(folder) == 0o700
    assert not caplog.records


def spoil(folder: Path, how: str, monkeypatch) -> None:
    """Let a folder be one that another user may have filled."""
    if how == "a link":
        (folder.parent / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(folder.parent / "elsewhere")
        return
    folder.mkdir(mode=0o700)
    folder.chmod({"open": 0o777, "readable": 0o750}.get(how, 0o700))
    if how == "of another user":
        found = os.lstat

        def lstat(path, **options):
            true = found(path, **options)
            return os.stat_result((*true[:4], true.st_uid + 1, *true[5:])) if Path(path) == folder else true

        monkeypatch.setattr(caching.os, "lstat", lstat)


@pytest.mark.parametrize("how", ["a link", "open", "readable", "of another user"])
def test_folders_of_others_are_not_taken(places, monkeypatch, caplog, how):
    (places / "home").rmdir()
    (places / "home").touch()  # where no folder can be made
    theirs = places / "temporary" / f"wgflow-{os.geteuid()}"
    spoil(theirs, how, monkeypatch)
    folder = Path(cache_folder())
    assert folder.resolve().parent == (places / "temporary").resolve()
    assert folder.resolve() != theirs.resolve()
    assert mode_of(folder) == 0o700
    assert cache_folder() == str(folder), "chosen once"
    (record,) = caplog.records
    assert "for this process alone" in record.message
    assert str(theirs) in record.message
    caching._remove(str(folder), os.getpid() + 1)
    assert folder.exists(), "a forked child that ends must not take it away"
    caching._remove(str(folder), os.getpid())
    assert not folder.exists()


@pytest.mark.parametrize("how", ["a link", "open", "of another user"])
def test_a_spoilt_home_is_not_taken_either(places, monkeypatch, how):
    (places / "home/wgflow").mkdir()
    spoil(places / "home/wgflow/private", how, monkeypatch)
    assert cache_folder() == str(places / "temporary" / f"wgflow-{os.geteuid()}")


def test_a_user_without_a_home_has_a_folder(places, monkeypatch, caplog):
    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(caching.Path, "home", home)
    assert cache_folder() == str(places / "temporary" / f"wgflow-{os.geteuid()}")
    assert not caplog.records


@pytest.mark.usefixtures("places")
def test_without_any_folder_nothing_is_kept(monkeypatch, caplog):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(caching.Path, "mkdir", refuse)
    monkeypatch.setattr(caching.tempfile, "mkdtemp", refuse)
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr(mesh_cache, "SMALLEST_CACHED_LEVEL", 1)
    assert cache_folder() is None
    assert compilation.kernel(doubled)(2.0) == 4.0
    np.testing.assert_array_equal(mesh_cache.cached_mesh(1).points, build_mesh(1).points)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "Read-only file system" in record.message
    assert "\n" not in record.message


def doubled(x):
    return 2.0 * x


@pytest.fixture
def kept(places, monkeypatch):
    """The folder that kernels are kept in meanwhile; others decorated before are not touched."""
    monkeypatch.setattr(config, "CACHE_DIR", str(places / "kernels"))
    monkeypatch.setattr(compilation, "_kernels", [])
    return places / "kernels"


def test_a_full_disk_costs_time_alone(kept, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "_save_index", full)
    assert compilation.kernel(doubled)(2.0) == 4.0
    (record,) = caplog.records
    assert "No space left on device" in record.message
    assert not list(kept.rglob("*.nbi"))


def test_a_folder_that_cannot_be_written_costs_time_alone(kept, caplog):
    """Numba would go on to the source tree."""
    kept.touch()
    assert compilation.kernel(doubled)(2.0) == 4.0
    (record,) = caplog.records
    assert str(kept) in record.message
    assert not [file for file in Path(__file__).parent.rglob("*.nbi") if "doubled" in file.name]


def test_damaged_files_are_written_anew(kept, caplog):
    assert compilation.kernel(doubled)(2.0) == 4.0
    (index,) = kept.rglob("*.nbi")
    index.write_bytes(b"\x80\x04 damaged")
    assert compilation.kernel(doubled)(2.0) == 4.0
    (record,) = caplog.records
    assert "cannot be read" in record.message
    assert compilation.compilation_count() == 2
    assert compilation.kernel(doubled)(2.0) == 4.0
    assert compilation.compilation_count() == 2, "the third is read from the disk"


SOURCES = {
    "sizes": "SIZE = {0}",
    "kernels/parts": "from wgflow.compilation import inlined_kernel\n\n"
    "@inlined_kernel\ndef part(x):\n    return {1} * x",
    "kernels/whole": "from wgflow.compilation import kernel\nfrom package.kernels.parts import part\n"
    "from package.sizes import SIZE\n\n@kernel\ndef whole(x):\n    return part(x) + SIZE",
}


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_a_kernel_whose_parts_have_changed_is_compiled_anew(kept, monkeypatch):
    """Numba looks at the file of the kernel alone, and would go on with what it had copied from the others."""
    monkeypatch.syspath_prepend(kept.parent)

    def value(*constants: float) -> float:
        for name, text in SOURCES.items():
            file = kept.parent / "package" / f"{name}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists() or file.read_text() != text.format(*constants):
                file.write_text(text.format(*constants))
        for name in [name for name in sys.modules if name.split(".")[0] == "package"]:
            del sys.modules[name]
        for known in (sources.state_of_source, sources._modules_named_in, sources._numbers_in):
            known.cache_clear()
        importlib.invalidate_caches()
        return importlib.import_module("package.kernels.whole").whole(1.0)

    assert value(10.0, 2.0) == 12.0
    compiled = compilation.compilation_count()
    assert value(10.0, 2.0) == 12.0
    assert compilation.compilation_count() == compiled, "the second is read from the disk"
    assert value(10.0, 30.0) == 40.0
    assert value(200.0, 30.0) == 230.0
    assert len(list(kept.rglob("*whole*.nbc"))) == 1, "what is of former sources is removed"


def test_processes_that_write_at_once_do_not_read_what_is_of_others(tmp_path, monkeypatch):
    """Kernels of a factory share an index, and had the same next number: one was read in the place of the other."""
    first, second, later = (compilation._Files(str(tmp_path), "kernel", "sources") for _ in range(3))
    monkeypatch.setattr(first, "_load_index", dict)  # read before the other wrote its own
    write = second._save_data

    def delayed(*given):
        first.save("minmod", "slopes of minmod")
        write(*given)

    monkeypatch.setattr(second, "_save_data", delayed)
    second.save("positive", "clipped slopes")
    assert later.load("minmod") == "slopes of minmod"
    assert later.load("positive") in ("clipped slopes", None)


def test_no_half_mesh_stays_on_a_full_disk(tmp_path, monkeypatch):
    def full(file, **_):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(mesh_cache, "cache_folder", lambda: str(tmp_path))
    monkeypatch.setattr(mesh_cache, "SMALLEST_CACHED_LEVEL", 1)
    monkeypatch.setattr(mesh_cache.np, "savez", full)
    assert mesh_cache.cached_mesh(1).points.shape == (42, 3)
    assert not list((tmp_path / "meshes").iterdir())


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_one_loop_for_one_thread_and_for_all_is_kept_apart():
    """Numba tells kernels by their text alone: the one on all threads was read in the place of the other."""
    alone, threaded = products_kernel(False), products_kernel(True)
    assert alone._cache.cache_path != threaded._threaded._cache.cache_path
