"""Plans of sweeps: combinations, names, checks before any work, and the file that describes them."""

from __future__ import annotations

import itertools

import pytest

from wgflow.app.sweeps import make_plan, plan
from wgflow.app.sweeps.folder import prepare_folder, read_plan
from wgflow.errors import InputError


def test_runs_are_all_combinations(problem):
    seeds, counts = [7, 3], [5, 2, 9]
    made = make_plan(problem, {"initial.seed": seeds, "particles.count": counts}, ["solver.t_end=0.25"])
    assert made.shape == (2, 3)
    found = [made.problem(index).config for index in range(made.count)]
    assert [(config.initial.seed, config.particles.count) for config in found] == list(itertools.product(seeds, counts))
    assert {config.solver.t_end for config in found} == {0.25}
    assert made.name(4) == "seed=3,count=2"
    assert made.file(plan.Path("d"), 0).as_posix() == "d/seed=7,count=5.h5"


def test_names_are_clear_where_keys_end_alike(problem):
    made = make_plan(problem, {"particles.tolerance": [0.01], "characteristics.tolerance": [0.1]})
    assert made.name(0) == "particles.tolerance=0.01,characteristics.tolerance=0.1"


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"particles.count": [3, 0]}, r"the run particles.count=0 is not allowed: .*count = 0 is not allowed"),
        ({"particles.counts": [3]}, r"the run particles.counts=3 is not allowed: .*did you mean 'count'"),
        ({"initial.seed": [0], "domain.cells": [8, 2]}, r"the run initial.seed=0, domain.cells=2 is not allowed"),
        ({"problem.target": [[[1.0]]]}, r"target has 1 rows"),  # only found when the problem is built
        ({"finite_volume.order": [1, 2]}, r"finite_volume.order changes nothing: no run has solver.kind"),
        ({"initial.seed": [0, 1], "solver.kind": ["finite_volume"]}, r"initial.seed changes nothing"),
    ],
)
def test_all_runs_are_checked(problem, over, message):
    with pytest.raises(InputError, match=message):
        make_plan(problem, over).check()


def test_an_axis_may_concern_some_runs_only(problem):
    make_plan(problem, {"initial.seed": [0, 1], "solver.kind": ["finite_volume", "particles"]}).check()


def test_problems_that_differ_in_their_seed_are_built_once(problem, monkeypatch):
    built = []
    monkeypatch.setattr(plan, "build_problem", lambda config, _: built.append(config.particles.count))
    make_plan(problem, {"initial.seed": range(50), "particles.count": [2, 3]}).check()
    assert built == [2, 3]


def test_paths_are_relative_to_the_problem_file(tmp_path, monkeypatch):
    (tmp_path / "data.csv").write_text("x,y\n0,1\n1,2\n2,0\n")
    text = '[problem]\nkind = "two_layer"\ndata = "data.csv"\n[domain]\nkind = "circle"\nsigned = true\ncells = 8\n'
    (tmp_path / "case.toml").write_text(text + "[solver]\nt_end = 0.1\n")
    monkeypatch.chdir(tmp_path)
    made = make_plan("case.toml", {"domain.cells": [8, 16]})
    monkeypatch.chdir("/")
    made.check()


def test_folder_is_kept_for_one_sweep(problem, tmp_path):
    folder = tmp_path / "new" / "sweep"
    over = {"initial.seed": [1, 2], "solver.kind": ["particles"]}
    made = make_plan(problem, over)
    prepare_folder(made, folder)
    prepare_folder(make_plan(problem, over), folder)  # the same again
    stored = read_plan(folder)
    assert stored.axes == made.axes
    assert [stored.problem(index).config for index in range(2)] == [made.problem(index).config for index in range(2)]
    with pytest.raises(
        InputError, match=r"(?s)holds another sweep.*initial.seed: 2 values 1, 2 there, 1 values 1 here"
    ):
        prepare_folder(make_plan(problem, {**over, "initial.seed": [1]}), folder)
    with pytest.raises(InputError, match=r"(?s)holds another sweep.*solver.t_end = 0.5 there, 2.0 here"):
        prepare_folder(make_plan(problem, over, ["solver.t_end=2.0"]), folder)
    assert [file.name for file in folder.iterdir()] == ["sweep.toml"]


def test_other_folders_are_refused(problem, tmp_path):
    made = make_plan(problem, {"initial.seed": [1]})
    (tmp_path / "thesis.tex").write_text("")
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(InputError, match="exists and holds no sweep"):
            prepare_folder(made, place)
    with pytest.raises(InputError, match="cannot be written"):
        prepare_folder(made, tmp_path / "thesis.tex" / "below")
    with pytest.raises(InputError, match="holds no sweep"):
        read_plan(tmp_path)
    (tmp_path / "sweep.toml").write_text("axes = 3\n")
    with pytest.raises(InputError, match="describes no sweep"):
        read_plan(tmp_path)
