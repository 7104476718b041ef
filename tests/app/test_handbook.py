"""What the handbook is made of: pages of all public names, keys, commands and results; it is built by `wgflow docs`."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
import typer

import wgflow
from wgflow.app.cli import app
from wgflow.app.handbook import building, sources, tables
from wgflow.app.handbook.markup import escape_bars
from wgflow.app.validation.results import kept_results
from wgflow.errors import InputError, MissingExtraError
from wgflow.problems.documentation import key_table
from wgflow.problems.shipped import shipped_folder

PAGES = {page.relative_to(sources.chapters()).as_posix(): page.read_text() for page in sources.chapters().rglob("*.md")}
KEY = re.compile(r"^\| (`[\w.]+`) \| (.*) \|$", re.M)
GALLERIES = {"tutorials/index", "examples/index"}  # which their scripts make


def blocks(kind, text):
    """Arguments and contents of the directives of one kind on a page."""
    return re.findall(rf"^```\{{{kind}\}} ?(.*)\n((?:.*\n)*?)```$", text, re.M)


def test_every_public_name_has_its_place_among_the_topics():
    topics = [text for page, text in PAGES.items() if page.startswith("reference/python/")]
    named = Counter(re.findall(r"^   (\w+)$", "\n".join(topics), re.M))
    assert named == dict.fromkeys(wgflow.__all__, 1)


def test_every_page_stands_in_one_table_of_contents():
    found = Counter()
    for page, text in PAGES.items():
        for _, lines in blocks("toctree", text):
            names = [line for line in lines.splitlines() if line and not line.startswith(":")]
            found.update((Path(page).parent / name).as_posix() for name in names)
    pages = {page.removesuffix(".md") for page in PAGES if page != "index.md"}
    assert found == dict.fromkeys(pages | GALLERIES, 1)


def test_the_page_of_problem_files_explains_every_key():
    places = [arguments.split() for arguments, _ in blocks("problem-keys", PAGES["reference/problem_files.md"])]
    shown = set(KEY.findall("\n".join(tables.keys(*place) for place in places)))
    assert set(KEY.findall(key_table())) <= shown
    assert tables.keys() == key_table()


def test_keys_of_what_does_not_exist():
    with pytest.raises(InputError, match=r"\[domain\] has no kind 'disk', but circle, sphere, half_circle"):
        tables.keys("domain", "disk")


def test_commands_are_told_with_all_that_they_take():
    text = tables.commands()
    for name, command in typer.main.get_command(app).commands.items():
        part = text.split(f"## {name}\n")[1].split("\n## ")[0]
        assert all(option in part for item in command.params for option in item.opts if option.startswith("-"))
    assert "wgflow run PROBLEM.toml [OPTIONS]" in text
    assert "| `-o, --output OUTPUT` | Trajectory file; PROBLEM.h5 by default. |" in text


def test_every_row_of_every_result_is_told():
    text = tables.all_results()
    for record in kept_results():
        part = text.split(f"## {record.validation}\n")[1].split("\n## ")[0]
        assert part.count("\n| ") == 2 + len(record.rows)
        assert record.command in part


def test_bars_are_escaped_outside_of_code():
    lines = ["The norm |x| of ``|y|``, :math:`|z|`.", ">>> a | b", "|c|", "", "|d|::", "", "    |e|", "|f|"]
    lines += [".. math:: |g|", "", "    |h|", "", "|i|"]
    told = ["The norm \\|x\\| of ``|y|``, :math:`|z|`.", ">>> a | b", "|c|", "", "\\|d\\|::", "", "    |e|", "\\|f\\|"]
    assert escape_bars(lines) == [*told, ".. math:: |g|", "", "    |h|", "", "\\|i\\|"]


def test_every_worked_example_has_a_title():
    files = {file.stem: file.read_text() for file in shipped_folder("solvers").glob("*.py")}
    assert set(sources.EXAMPLES) == set(files)
    for name, title in sources.EXAMPLES.items():
        script = sources.with_title(files[name], title)
        before, after = ast.parse(files[name]), ast.parse(script)
        assert ast.get_docstring(after).startswith(f"{title}\n{'=' * len(title)}\n\n")
        assert ".. code-block:: sh\n\n    python solvers/" in ast.get_docstring(after)
        assert list(map(ast.dump, after.body[1:])) == list(map(ast.dump, before.body[1:]))


def test_sources_are_copied_with_what_pages_show(tmp_path):
    sources.copy_sources(tmp_path / "copy")
    for page, text in PAGES.items():
        for picture in re.findall(r"!\[.*?\]\((.+?)\)", text):
            assert (tmp_path / "copy" / page).parent.joinpath(picture).is_file(), page
    assert (tmp_path / "copy/about/CHANGELOG.md").is_file()
    assert len([*(tmp_path / "copy/scripts/examples").glob("*.py")]) == len(sources.EXAMPLES)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(building.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"the handbook needs the library sphinx.*pip install 'wgflow\[docs\]'"):
        building.build_handbook()


def test_folders_with_other_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    for output, what in ((tmp_path, "holds other files"), (tmp_path / "thesis.tex", "is a file")):
        with pytest.raises(InputError, match=what):
            building.check_output(output)
    (tmp_path / building.MARK).write_text("")
    building.check_output(tmp_path)


def test_a_handbook_is_built_once(tmp_path, monkeypatch):
    """For each state of its sources, and copied to where it is wanted, in the place of an earlier one."""
    built = []

    def make(workplace, state, *, strict, quick):
        built.append((strict, quick))
        (workplace / "html").mkdir()
        (workplace / "html" / "index.html").write_text(f"{quick}")
        (workplace / "html" / building.MARK).write_text(state)

    monkeypatch.setattr(building, "_make_pages", make)
    monkeypatch.setattr(building, "cache_folder", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr(building.importlib.util, "find_spec", lambda _: True)
    (tmp_path / "cache").mkdir()
    kept = building.build_handbook()
    assert building.build_handbook() == kept == tmp_path / "cache" / "handbook"
    output = building.build_handbook(tmp_path / "new")
    assert (output / "index.html").read_text() == "False"
    (output / "old.html").write_text("")
    building.build_handbook(output, quick=True)
    assert (output / "index.html").read_text() == "True"
    assert not (output / "old.html").exists()
    building.build_handbook(strict=True, quick=True)
    assert built == [(False, False), (False, True), (True, True)]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["handbook"]


def test_formulae_are_drawn_by_browsers():
    nodes = pytest.importorskip("docutils.nodes")
    extension = pytest.importorskip("wgflow.app.handbook.extension")
    drawn = re.sub(r"\s+", "", extension.mathml(nodes.math("", r"\tfrac12 \lvert \dot w \rvert"), block=False))
    assert '<mfracdisplaystyle="false"scriptlevel="0"><mn>1</mn><mn>2</mn></mfrac>' in drawn
    assert drawn.count('<mimathvariant="normal">|</mi>') == 2
    assert '<miclass="dotted">w\u0307</mi>' in drawn


def test_names_of_docstrings_lead_to_public_ones():
    extension = pytest.importorskip("wgflow.app.handbook.extension")
    objects = ["wgflow.solve", "wgflow.flows.stopping.State", "wgflow.Trajectory.save"]
    assert "wgflow.solve" in extension.candidates("solve", None, objects)
    assert "wgflow.flows.stopping.State" in extension.candidates("State", None, objects)
    assert "wgflow.Trajectory.save" in extension.candidates("save", "Trajectory", objects)
    assert "wgflow.Functional.on_grid" in extension.candidates("Mass.on_grid", None, objects)
