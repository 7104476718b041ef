"""What ranks know of each other without MPI: how they were started, which rows they have, what they refuse."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import wgflow
from wgflow.domains.partition import block_bounds
from wgflow.domains.slab import GHOSTS, Slab, most_ranks, shared_by
from wgflow.ranks import world as worlds
from wgflow.ranks.communicator import ALONE
from wgflow.runs.shared_fields import part_at
from wgflow.system import launchers
from wgflow.system.launchers import Launch, find_launch
from wgflow.trajectory import row_groups
from wgflow.trajectory.lazy_field import StoredField
from wgflow.trajectory.row_groups import chunk_shape, group_count, groups_of
from wgflow.upwind.discretisation import reach_of

TWO = Launch("Open MPI", 1, 2, 2)


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, Launch()),
        ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}, Launch("Open MPI", 3, 4, 4)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALNRANKS": "1"}, Launch("MPICH", 1, 2, 1)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "SLURM_PROCID": "1"}, Launch("Slurm", 1, 2, 2)),
        ({"PMIX_RANK": "5", "SLURM_NTASKS": "8", "SLURM_STEP_TASKS_PER_NODE": "4(x2)"}, Launch("Slurm", 5, 8, 4)),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "8"}, Launch()),  # a step of programs of their own
    ],
)
def test_launchers_are_known_by_their_variables(variables, wanted):
    assert find_launch(variables) == wanted


def test_without_its_library_each_rank_ends_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(worlds, "LAUNCH", TWO)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.delitem(sys.modules, "wgflow.ranks.mpi", raising=False)
    with pytest.raises(
        wgflow.MissingExtraError, match=r"a run on 2 ranks \(Open MPI\) needs .*pip install 'wgflow\[mpi\]'"
    ):
        wgflow.solve(wgflow.Potential(lambda x: x[..., 0]), wgflow.Box([(0.0, 1.0)] * 2, (8, 8)), np.ones((8, 8)), 1.0)
    assert worlds.end_ranks(1, "what went wrong") == ""  # rank 0 tells
    worlds._several.cache_clear()


def test_a_process_of_its_own_never_loads_mpi():
    script = (
        "import sys, numpy, wgflow; box = wgflow.Box([(0.0, 1.0)] * 2, (8, 8))\n"
        "wgflow.solve(wgflow.Potential(lambda x: x[..., 0]), box, numpy.ones((8, 8)), 0.01)\n"
        "assert not {'mpi4py', 'wgflow.ranks.mpi'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=600.0)


@pytest.mark.parametrize("command", ["sweep", "plot", "animate", "report", "export", "validate", "docs", "new", "info"])
def test_commands_other_than_run_are_for_one_process(monkeypatch, command):
    from typer.testing import CliRunner

    from wgflow.app.cli import app

    monkeypatch.setattr(launchers, "LAUNCH", TWO)
    error = CliRunner().invoke(app, [command, "something"]).exception
    assert isinstance(error, wgflow.InputError)
    assert str(error).startswith(f"wgflow {command} is not available on 2 ranks (Open MPI): start it once")


def test_scaling_on_ranks_is_an_option_of_scaling(monkeypatch):
    from typer.testing import CliRunner

    from wgflow.app.cli import app

    started = []

    def start(name, **_):
        started.append(name)
        return SimpleNamespace(passed=True)

    monkeypatch.setattr("wgflow.app.validation.running.run_validation", start)
    assert CliRunner().invoke(app, ["validate", "scaling", "--mpi", "--quick"]).exit_code == 0
    assert started == ["benchmarks.mpi"]
    error = CliRunner().invoke(app, ["validate", "orders", "--mpi"]).exception
    assert isinstance(error, wgflow.InputError)


class Ranks:
    """Some rank of several, which tells nobody anything."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size


@pytest.mark.parametrize(("shape", "sizes"), [((7, 5), (2, 3)), ((70, 4), (2, 32)), ((130, 4, 4), (3, 64))])
@pytest.mark.parametrize("periodic", [False, True])
def test_slabs_share_out_all_rows_in_whole_blocks(shape, sizes, periodic):
    box = wgflow.Box([(0.0, 1.0)] * len(shape), shape, periodic)
    cells = np.arange(box.volumes.size).reshape(box.shape)
    for size in sizes:
        slabs = [shared_by(box, Ranks(rank, size)) for rank in range(size)]
        assert (np.concatenate([slab.within(slab.part(cells)) for slab in slabs]) == cells).all()
        assert min(slabs[0].counts) >= GHOSTS
        starts = np.cumsum([0, *slabs[0].counts])
        assert set(starts) <= set(block_bounds(shape))
        assert sum(len(slab.partition) for slab in slabs) == len(box.partition)
        for slab in slabs:
            assert (
                slab.points == slab.part(np.moveaxis(box.points, -1, 0)).transpose(*range(1, box.points.ndim), 0)
            ).all()
            assert slab.spacing == box.spacing
            assert not slab.periodic[0]


def test_ghost_rows_are_those_of_the_neighbours():
    box = wgflow.Box([(0.0, 1.0)] * 2, (8, 4), periodic=True)
    slab = Slab(box, ALONE)  # its own neighbour, around the box
    cells = np.arange(32.0).reshape(8, 4)
    held = slab.part(cells)
    held[:2] = held[-2:] = np.nan
    slab.refresh(held)
    assert np.isnan(held[0, 0])
    slab.settle()
    assert (held == slab.part(cells)).all()
    assert held[0, 0] == 24.0


@pytest.mark.parametrize(
    ("rows", "most", "most_of_fifth_order"),
    [(14, 7, 2), (63, 31, 9), (64, 32, 9), (127, 32, 9), (128, 64, 16), (447, 64, 32), (10_000, 64, 64)],
)
def test_so_many_ranks_may_share_a_box(rows, most, most_of_fifth_order):
    box = wgflow.Box([(0.0, 1.0)] * 2, (rows, 4))
    for order, count in ((2, most), (5, most_of_fifth_order)):
        reach = reach_of(order)
        assert most_ranks((rows, 4), reach) == count
        assert min(shared_by(box, Ranks(0, count), reach).counts) >= reach
        with pytest.raises(wgflow.InputError, match=f"at most {count} ranks; found {count + 1}"):
            shared_by(box, Ranks(0, count + 1), reach)


def test_groups_of_rows_come_back_where_they_belong(tmp_path, monkeypatch):
    """Snapshots and a state between two of them, in files of many groups, against what stays in memory."""
    monkeypatch.setattr(row_groups, "LARGEST_CHUNK", 500)
    monkeypatch.setattr(row_groups, "GROUP", 200)
    domain, times = wgflow.Signed(wgflow.Box([(-1.0, 1.0)] * 2, (7, 10))), [0.0, 0.01, 0.03]
    well, start = wgflow.Potential(lambda x: (x**2).sum(axis=-1)), np.linspace(1.0, 2.0, 140).reshape(2, 7, 10)
    assert row_groups.chunk_shape(domain.shape) == (1, 2, 10)
    wanted = wgflow.solve(well, domain, start, 0.03, times=times)
    path, stop = tmp_path / "run.h5", {"until": lambda state: state.time > 0.015}
    stopped = wgflow.solve(well, domain, start, 0.03, times=times, output=path, **stop)
    assert 0.01 < stopped.time[-1] < 0.03
    found = wgflow.solve(well, domain, start, 0.03, times=times, output=path, resume=True)
    assert np.asarray(found.density).tobytes() == wanted.density.tobytes()

    sizes, read = [], StoredField._read_once

    def counted(*given):
        values = read(*given)
        sizes.append(values.size)
        return values

    monkeypatch.setattr(StoredField, "_read_once", counted)
    for periodic in (False, True):  # a rank reads its rows alone, which go around a periodic box
        slab = Slab(wgflow.Box([(-1.0, 1.0)] * 2, (7, 10), periodic), Ranks(2, 3))
        part = part_at(wgflow.Signed(slab), wgflow.load(path).fields["density"], -1)
        assert (part == slab.part(wanted.density[-1])).all()
        assert sum(sizes) == part.size == 20 * len(slab.rows)
        sizes.clear()


@pytest.mark.parametrize("shape", [(2, 300, 200, 150), (5000, 5000), (3, 70_000_000), (40,), ()])
def test_groups_of_rows_cover_a_field_and_none_is_large(shape):
    chunk, parts = chunk_shape(shape), list(groups_of(shape, chunk_shape(shape)))
    assert 8 * np.prod(chunk, dtype=float) <= 2**27
    assert len(parts) == group_count(shape, chunk)
    assert sum(int(np.prod([part.stop - part.start for part in group], dtype=float)) for group in parts) == np.prod(
        shape
    )
    assert parts == sorted(parts, key=lambda group: [part.start for part in group])
