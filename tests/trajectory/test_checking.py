"""Faults in files: found, named, and never more than an InputError."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import wgflow
from tests.trajectory.files import reseal
from wgflow.errors import InputError
from wgflow.trajectory.checking import check_trajectory

PROBLEM = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
    },
    "domain": {"kind": "circle", "cells": 8, "signed": True},
    "solver": {"t_end": 1.0},
    "output": {"snapshots": 4},
}


@pytest.fixture
def path(tmp_path):
    wgflow.run(PROBLEM, tmp_path / "run.h5")
    return tmp_path / "run.h5"


def faults(path) -> dict[str, str]:
    return {check.name: check.found for check in check_trajectory(path) if not check.passed}


@pytest.mark.parametrize("kind", ["finite_volume", "particles", "characteristics"])
@pytest.mark.parametrize(
    "domain",
    [{"kind": "circle", "cells": 8}, {"kind": "sphere", "cells": 12, "signed": True}],
    ids=["circle", "sphere"],
)
def test_files_of_runs_are_in_order(tmp_path, kind, domain):
    count = 2 if domain["kind"] == "circle" else 3
    teacher = {"directions": np.eye(count).tolist(), "weights": [1.0] * count}
    problem = {**PROBLEM, "domain": domain, "problem": {**PROBLEM["problem"], "teacher": teacher}}
    wgflow.run({**problem, "solver": {"t_end": 0.1, "kind": kind}, "particles": {"count": 5}}, tmp_path / "run.h5")
    assert faults(tmp_path / "run.h5") == {}
    names = {check.name for check in check_trajectory(tmp_path / "run.h5")}
    assert {"schema", "dimensions", "names, units", "times", "scalars", "steps", "fields"} <= names


def change_time(file):
    file["time"][2] = file["time"][1]


def drop_row(file):
    file["risk"].resize(3, axis=0)


def detach(file):
    file["density"].dims[2].detach_scale(file["angle"])


def drop_units(file):
    del file["mass"].attrs["units"]


def drop_convention(file):
    del file.attrs["Conventions"]


def change_energy(file):
    file["energy"][1] = np.nextafter(file["energy"][1], 1.0)


def change_step(file):
    file["steps/step_size"][0] *= 2.0


FAULTS = {
    change_time: ("times", "times do not increase"),
    drop_row: ("shapes", "risk has 3 rows, not 4"),
    detach: ("dimensions", "axis 2 of density has no dimension scale"),
    drop_units: ("names, units", "mass has no units"),
    drop_convention: ("attributes", "the attributes Conventions are missing"),
    change_energy: ("scalars", "first those of number 1"),
    change_step: ("steps", "first those of number 0"),
}


@pytest.mark.parametrize("change", FAULTS)
def test_each_fault_is_named(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    reseal(path)  # the fault is one of a writer, not of the disk
    name, text = FAULTS[change]
    assert text in faults(path)[name]


def test_damaged_chunk_is_named(path):
    with h5py.File(path) as file:
        chunk = file["density"].id.get_chunk_info(2)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 5] ^= 1
    path.write_bytes(content)
    assert list(faults(path)) == ["fields"]
    assert "snapshot 2 of density is damaged" in faults(path)["fields"]


@pytest.mark.parametrize("bit", [0, 1, 2, 3])
def test_filters_that_the_index_skips_wrongly_are_noticed(path, bit):
    """The index has no checksum: without the inverse of shuffle the library would give wrong numbers."""
    with h5py.File(path) as file:
        address = file["density"].id.get_chunk_info(1).byte_offset
    content = bytearray(path.read_bytes())
    entry = content.index(address.to_bytes(8, "little"), content.index(b"TREE"))
    content[entry - 36] ^= 1 << bit  # the key before the address: size, mask, and four offsets
    path.write_bytes(content)
    trajectory = wgflow.load(path)
    for rows in (1, slice(0, 3)):
        with pytest.raises(InputError, match="damaged"):
            trajectory.density[rows]
    assert trajectory.density[0].sum() > 0.0
    assert list(faults(path)) == ["fields"]


def contents(path):
    trajectory = wgflow.load(path)
    arrays = [
        trajectory.time,
        *trajectory.scalars.values(),
        *trajectory.steps.values(),
        *map(np.asarray, trajectory.fields.values()),
    ]
    return [values.tobytes() for values in arrays]


@pytest.mark.parametrize("bit", [0, 7])
def test_flipped_bits_are_found_or_do_no_harm(path, bit):
    """Anywhere in the file; those that do no harm lie where nothing is stored."""
    content, whole, found = path.read_bytes(), contents(path), 0
    generator = np.random.default_rng(bit)
    places = generator.choice(len(content), 40, replace=False)
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        path.write_bytes(changed)
        try:
            assert contents(path) == whole
        except InputError as error:
            assert str(path) in str(error)
            found += 1
    assert found > 5


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3, 0.6, 0.9, 0.999])
def test_truncated_file_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"run\.h5"):
        wgflow.load(path)
    with pytest.raises(InputError, match=r"run\.h5"):
        wgflow.run(PROBLEM, path, resume=True)
    if share > 0.5:
        with pytest.raises(InputError, match=r"run\.h5"):
            check_trajectory(path)


def test_damage_behind_the_data_does_not_keep_a_run_from_resuming_elsewhere(path):
    """Rows of scalars have checksums: a run is not continued from a damaged one."""
    with h5py.File(path) as file:
        chunk = file["risk"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 8 * 3] ^= 4
    path.write_bytes(content)
    longer = {**PROBLEM, "solver": {"t_end": 2.0}}
    with pytest.raises(InputError, match="scalars of snapshots are damaged, first those of number 3"):
        wgflow.run(longer, path, resume=True)
