"""Files that others made: nothing outside of them is read, nothing in them is trusted, and every command says so."""

from __future__ import annotations

import json
import re
import resource
import shutil
import sys
import threading
import zipfile
import zlib
from io import BytesIO

import h5py
import numpy as np
import pytest
import tomli_w

import wgflow
from tests.trajectory.files import TEACHER, reseal
from wgflow.app.cli import _exit_code
from wgflow.errors import InputError
from wgflow.trajectory.checking import check_trajectory
from wgflow.trajectory.checkpoint import all_rows, unpacked
from wgflow.trajectory.dimensions import define_bare_dimension, is_bare_dimension
from wgflow.trajectory.hdf5.appender import memory_file
from wgflow.trajectory.hdf5.hdf5_bytes import RawFile
from wgflow.trajectory.hdf5.integrity import check_seal

PROBLEM = {
    "problem": {"kind": "two_layer", "data": "points.csv"},
    "domain": {"kind": "circle", "cells": 8, "signed": True},
    "solver": {"t_end": 0.5},
    "output": {"snapshots": 3},
}
LONGER = {**PROBLEM, "solver": {"t_end": 1.0}}
GIGABYTE = 2**30


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a run, its data and problem, and a file that is nobody's business."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "points.csv").write_text("x,y\n0,1\n1,2\n2,0\n")
    (folder / "problem.toml").write_text(tomli_w.dumps(LONGER))
    (folder / "secret.txt").write_bytes(np.full(64, 1234.5678).tobytes())
    problem = wgflow.open_problem(folder / "problem.toml", ["solver.t_end=0.5"])
    wgflow.run(problem, folder / "whole.h5")
    return folder


@pytest.fixture
def folder(written, tmp_path):
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    shutil.copy(tmp_path / "whole.h5", tmp_path / "run.h5")
    return tmp_path


def change(path, how):
    """Change a file as another program would that knows the first schema, which had no seal."""
    with h5py.File(path, "r+") as file:
        how(file)
        file.attrs["schema_version"] = 1
        del file.attrs["seal"]


def replaced(name, values=None, **options):
    def how(file):
        del file[name]
        file.create_dataset(name, data=values, **options)

    return how


def linked(name, link):
    def how(file):
        if name in file:
            del file[name]
        file[name] = link

    return how


def virtual(file):
    del file["risk"]
    layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
    layout[:] = h5py.VirtualSource("whole.h5", "risk", shape=(3,))
    file.create_virtual_dataset("risk", layout)


def attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def second_time(value):
    return lambda file: file["time"].__setitem__(1, value)


def bomb(file):
    """Zeros that are compressed by a thousand."""
    del file["density"]
    shape = (1, 2, 2**21)
    field = file.create_dataset("density", shape=(3, *shape[1:]), chunks=shape, dtype="f8", compression="gzip")
    field.id.write_direct_chunk((0, 0, 0), _zeros())


def _zeros():
    return zlib.compress(bytes(2**25), 1)


def domain(**parameters):
    return attribute("domain", json.dumps({"kind": "circle", "signed": True, **parameters}))


COMPOUND = np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])
GROWS = {"maxshape": (None,), "chunks": (512,), "dtype": "f8"}
FAULTS = {
    "external storage": (
        replaced("risk", shape=(3,), dtype="f8", external=[("secret.txt", 0, 512)]),
        "risk is stored in another file, secret.txt",
    ),
    "external link": (linked("risk", h5py.ExternalLink("whole.h5", "risk")), "risk is an external link"),
    "external group": (linked("steps", h5py.ExternalLink("whole.h5", "steps")), "steps is an external link"),
    "soft link": (linked("risk", h5py.SoftLink("/mass")), "risk is a soft link"),
    "link beside": (linked("more\x1b[31m", h5py.SoftLink("/nowhere")), "more\\x1b[31m is a soft link"),
    "link of data": (linked("data/inputs", h5py.ExternalLink("whole.h5", "risk")), "inputs is an external link"),
    "virtual": (virtual, "risk is a virtual dataset"),
    "filter": (replaced("mass", np.ones(3), maxshape=(None,), compression="lzf"), "mass has the filter 32000"),
    "time 2-D": (replaced("time", np.zeros((3, 2))), "time has the shape (3, 2)"),
    "time text": (replaced("time", ["a", "b", "c"]), "time has the type"),
    "time compound": (replaced("time", COMPOUND), "time has the type"),
    "time complex": (replaced("time", np.zeros(3, complex)), "time has the type complex128"),
    "time NaN": (second_time(np.nan), "a time is not finite"),
    "time back": (second_time(7.0), "times do not increase"),
    "time longer": (replaced("time", np.arange(9.0), **GROWS), "step_size has 3 rows, fewer than the 9 of time"),
    "time huge": (lambda file: file["time"].resize(10**9, axis=0), "time has the shape (1000000000,)"),
    "column huge": (lambda file: file["risk"].resize(10**9, axis=0), "risk has the shape (1000000000,)"),
    "data huge": (replaced("data/inputs", shape=(10**9,), dtype="f8"), "data/inputs has the shape (1000000000,)"),
    "bomb": (bomb, "density has 33554432 bytes in each snapshot"),
    "field in one chunk": (replaced("density", np.zeros((3, 2, 8))), "a field has one chunk for each snapshot"),
    "problem no text": (attribute("problem", 3), "problem = 3 is not a text"),
    "problem no TOML": (attribute("problem", "\x1b[31m[["), "holds a damaged problem"),
    "problem nested": (attribute("problem", "a = " + "[" * 9999), "holds a damaged problem"),
    "problem elsewhere": (domain(cells=16), "density has the shape (2, 8), not (2, 16)"),
    "problem of another": (
        lambda file: file.attrs.__setitem__("problem", file.attrs["problem"].replace("cells = 8", "cells = 9")),
        "holds a problem on Signed(domain=Circle(cells=9)), but a run on Signed(domain=Circle(cells=8))",
    ),
    "domain no JSON": (attribute("domain", "\x1b[31m"), "the attribute domain = '\\x1b[31m' is damaged"),
    "domain nested": (attribute("domain", "[" * 99999), "is damaged"),
    "domain unknown": (domain(kind="x" * 9999), "domain kind 'xxx"),
    "domain huge": (domain(cells=10**12), "density has the shape (2, 8), not (2, 1000000000000)"),
    "attribute": (attribute("more\x1b", np.zeros((2, 2))), "the attribute 'more\\x1b' is neither a text nor a number"),
    "bytes": (attribute("status", np.bytes_(b"\xff")), "the attribute 'status' is no text in UTF-8"),
    "data missing": (lambda file: file.__delitem__("data/targets"), "'targets'"),
    "data shape": (replaced("data/input_shift", np.zeros(7)), "holds data whose shapes do not fit"),
    "data infinite": (replaced("data/input_scale", np.full(1, np.inf)), "holds data that are not finite"),
}


def commands(folder, *, all_of_them):
    """Every command that reads a trajectory, or one for each way to read it."""
    run, whole = str(folder / "run.h5"), str(folder / "whole.h5")
    from_file = ["--set", "initial.kind=file", "--set", f"initial.path={run}"]
    few = [
        ["info", run],
        ["info", "--check", run],
        ["run", str(folder / "problem.toml"), "-o", run, "--resume", "-q"],
        ["run", str(folder / "problem.toml"), "-o", f"{run}.h5", "-q", *from_file],
    ]
    if not all_of_them:
        return few
    return [
        *few,
        ["cite", run],
        ["plot", run],
        ["animate", run],
        ["compare", run, whole],
        ["compare", whole, run, "-o", f"{run}.png"],
        ["report", run],
        *(["export", run, "-o", f"{run}.out{ending}"] for ending in (".csv", ".mat", ".pvd")),
        ["certify", run],
    ]


def of_the_problem(fault):
    """Whether a fault does not matter where the measure alone is read, or the file is checked."""
    return fault.startswith(("problem ", "data ")) and fault not in {
        "problem no text",
        "data huge",
        "problem elsewhere",
    }


OF_COLUMNS = ("external storage", "external link", "soft", "virtual", "filter", "time", "column", "bytes")


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.startswith(OF_COLUMNS)])
def test_whoever_reads_scalars_alone_refuses_what_is_foreign_in_them(fault, folder):
    how, message = FAULTS[fault]
    change(folder / "run.h5", how)
    with pytest.raises(InputError, match=re.escape(message)):
        wgflow.open_many([folder / "run.h5"])


@pytest.mark.parametrize("fault", FAULTS)
def test_every_command_refuses_what_is_foreign(fault, folder, monkeypatch, capsys):
    """In three lines, without a look elsewhere, much memory or output."""
    how, message = FAULTS[fault]
    change(folder / "run.h5", how)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    monkeypatch.chdir(folder)
    for arguments in commands(folder, all_of_them=fault in {"external storage", "time huge", "problem nested"}):
        checked = "--check" in arguments
        measure_alone = arguments[-1].startswith("initial.path")
        if (measure_alone or checked or "--resume" in arguments) and of_the_problem(fault):
            continue
        if checked and fault.startswith(("domain ", "problem")):  # which are read, not checked
            continue
        monkeypatch.setattr(sys, "argv", ["wgflow", *arguments])
        assert _exit_code() == 2, arguments
        shown = capsys.readouterr()
        assert message in shown.err or (checked and fault in {"time longer", "time back", "bytes"}), arguments
        assert len(shown.err.splitlines()) <= 3
        assert (shown.out + shown.err).replace("\n", "").isprintable()
        assert checked or shown.out == ""
        assert "1234.5" not in shown.out + shown.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - largest) * 1024 < GIGABYTE / 2


def test_attributes_reach_the_terminal_as_escapes(folder, monkeypatch, capsys):
    change(folder / "run.h5", attribute("source", "\x1b]0;title\x07\u202e" + "x" * 10**5))
    monkeypatch.setattr(sys, "argv", ["wgflow", "info", str(folder / "run.h5")])
    assert _exit_code() == 0
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable()
    assert "\\x1b]0;title\\x07\\u202e" in printed
    assert len(printed) < 10**4


def test_a_changed_problem_can_hold_no_escape(folder, monkeypatch, capsys):
    change(folder / "run.h5", lambda file: file.attrs.__setitem__("problem", file.attrs["problem"] + "# \x9b31m\n"))
    monkeypatch.setattr(sys, "argv", ["wgflow", "info", str(folder / "run.h5")])
    _exit_code()
    shown = capsys.readouterr()
    assert (shown.out + shown.err).replace("\n", "").isprintable()


def test_chunks_that_are_missing_or_shared_are_found(folder):
    """A small file must not be a large array, nor what was never written be read as zeros."""
    path = folder / "run.h5"
    with h5py.File(path) as file:
        chunks = [file["density"].id.get_chunk_info(row) for row in range(3)]
    content = path.read_bytes()
    entry = content.index(chunks[1].byte_offset.to_bytes(8, "little"), content.index(b"TREE"))
    size = (len(content) // 2).to_bytes(4, "little")  # the second and the third take half of the file each
    second = bytearray(content)
    for chunk in chunks[1:]:
        entry = content.index(chunk.byte_offset.to_bytes(8, "little"), content.index(b"TREE"))
        second[entry - 40 : entry - 36] = size
    path.write_bytes(second)
    with pytest.raises(InputError, match="overlap"):
        np.asarray(wgflow.load(path).density)
    shutil.copy(folder / "whole.h5", path)
    change(path, lambda file: file.create_dataset("growth", (3, 4), chunks=(1, 4), maxshape=(None, 4), dtype="f8"))
    growth = wgflow.load(path).fields["growth"]
    for rows in (1, slice(None)):
        with pytest.raises(InputError, match="missing"):
            growth[rows]
    assert "missing" in {check.name: check.found for check in check_trajectory(path)}["fields"]


def test_dimension_scales_are_read_with_care(folder):
    for value in (np.zeros(3), 10**12, "x"):
        shutil.copy(folder / "whole.h5", folder / "run.h5")
        change(folder / "run.h5", lambda file, value=value: file["density"].attrs.__setitem__("DIMENSION_LIST", value))
        found = {check.name: check for check in check_trajectory(folder / "run.h5")}
        assert "dimension scales of density are damaged" in found["dimensions"].found
    with memory_file() as file:
        define_bare_dimension(file, "size", 3)
        assert is_bare_dimension(file["size"])
        file["size"].attrs["NAME"] = 10**12  # as a number of bytes, a terabyte
        assert not is_bare_dimension(file["size"])


def test_checkpoints_hold_numbers_alone():
    np.savez(content := BytesIO(), time=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="'time' holds no numbers"):
        unpacked(BytesIO(content.getvalue()), content.tell(), all_rows)


def test_checkpoints_need_no_more_memory_than_there_are_bytes():
    np.lib.format.write_array_header_1_0(
        header := BytesIO(), {"descr": "<f8", "fortran_order": False, "shape": (10**16,)}
    )
    with zipfile.ZipFile(content := BytesIO(), "w") as archive:
        archive.writestr("time.npy", header.getvalue())
    with pytest.raises(ValueError, match="too few bytes"):
        unpacked(BytesIO(content.getvalue()), content.tell(), all_rows)


def test_checkpoints_are_not_unpacked_to_more_than_they_are():
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("time.npy", bytes(10**7))
    with pytest.raises(ValueError, match="10000000 bytes are said to lie in"):
        unpacked(BytesIO(content.getvalue()), content.tell(), all_rows)


def test_headers_and_seals_ask_for_no_more_than_the_file(folder):
    path = folder / "run.h5"
    with path.open("rb") as file:
        raw = RawFile(file.fileno())
        slot = raw.attributes()["seal"]
        with pytest.raises(ValueError, match="the file ends"):
            raw.read(0, 2**40)
    content = bytearray(path.read_bytes())
    content[slot.place + 24 : slot.place + 32] = np.int64(len(content)).tobytes()  # a stretch of the whole file
    path.write_bytes(content)
    with pytest.raises(ValueError, match="seal is damaged"):
        check_seal(path)


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf"])
def test_loaded_runs_become_netcdf(folder, engine):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip(engine.replace("netcdf4", "netCDF4"))
    found = wgflow.load(folder / "whole.h5").to_xarray()
    assert not {"endings", "seal"} & found.attrs.keys()
    found.to_netcdf(folder / "copy.nc", engine=engine)
    with xarray.open_dataset(folder / "copy.nc", engine=engine) as copy:
        np.testing.assert_array_equal(copy.density, found.density)
        assert copy.attrs["problem"] == found.attrs["problem"]


def test_a_refused_file_leaves_the_library_to_other_threads(tmp_path):
    """While its error is kept, too, with all that it refers to."""
    wgflow.run(TEACHER, tmp_path / "whole.h5")
    shutil.copy(tmp_path / "whole.h5", tmp_path / "refused.h5")
    with h5py.File(tmp_path / "refused.h5", "r+") as file:
        file.attrs["about"] = np.bytes_(b"\xff\xfe")
    reseal(tmp_path / "refused.h5")
    with pytest.raises(InputError) as kept:
        wgflow.load(tmp_path / "refused.h5")
    read = []
    reader = threading.Thread(target=lambda: read.append(wgflow.load(tmp_path / "whole.h5").status), daemon=True)
    reader.start()
    reader.join(30.0)
    assert (read, kept.type) == (["complete"], InputError)
