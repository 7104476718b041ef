"""Pages of the handbook against the code: problem files are allowed, options and names exist, links lead somewhere."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer

import wgflow
from wgflow.app.cli import app
from wgflow.app.handbook import tables
from wgflow.app.validation.results import kept_results
from wgflow.app.validation.rows import shown_value
from wgflow.problems.parsing import parse_sections
from wgflow.problems.toml import parse_toml

HANDBOOK = Path(__file__).resolve().parent.parent / "wgflow" / "handbook"
PAGES = {str(page.relative_to(HANDBOOK)): page for page in sorted(HANDBOOK.rglob("*.md"))}
BLOCK = re.compile(r"^(`{3,})(?:\{code-block\} )?(\w*)\n(?::caption: (\S+)\n)?\n?(.*?)^\1$", re.M | re.S)
PATTERN = re.compile(r"[;|&>]+|\$\S*")  # where a command ends
ADDED = {"ring", "quartic"}  # kinds that the page on extensions adds


def blocks_of(language):
    """Blocks of all pages in a language: place, name of the file that it is, and text."""
    for name, page in PAGES.items():
        text = page.read_text()
        for block in BLOCK.finditer(text):
            if block[2] == language:
                yield f"{name}:{text.count(chr(10), 0, block.start()) + 1}", block[3], block[4]


def commands():
    """Commands of wgflow in all blocks: place and words."""
    for place, _, text in blocks_of("sh"):
        for line in text.replace("\\\n", " ").splitlines():
            start = re.search(r"(?:^| )wgflow ", line)
            if start:
                words = shlex.split(line[start.end() :], comments=True)
                ends = [number for number, word in enumerate(words) if PATTERN.fullmatch(word)]
                yield place, words[: min(ends, default=len(words))]


def attributes_in(tree):
    """Names of `wgflow.NAME` in a syntax tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "wgflow":
            yield node.attr


def test_problem_files_of_pages_are_allowed():
    problems = [(place, text) for place, file, text in blocks_of("toml") if file]
    assert len(problems) > 12
    for place, text in problems:
        sections = parse_toml(text)
        if not ADDED & {sections["domain"]["kind"], sections["problem"].get("potential", {}).get("kind")}:
            parse_sections(sections, place)


def test_commands_of_pages_exist_with_their_options():
    group = typer.main.get_command(app)
    found = [*commands()]
    assert len(found) > 60
    for place, (name, *words) in found:
        if name.startswith("--"):
            continue
        command = group.commands[name]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        options = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert options <= {*known, "--help"}, place


def test_python_of_pages_names_what_there_is():
    found = [(place, name) for place, _, text in blocks_of("python") for name in attributes_in(ast.parse(text))]
    assert len(found) > 60
    for place, name in found:
        assert name in {*wgflow.__all__, "__version__"}, place


def test_pages_name_no_page_that_is_missing():
    for name, page in PAGES.items():
        for target in re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", page.read_text()):
            path = HANDBOOK / target[1:] if target.startswith("/") else page.parent / target
            assert (
                path.with_suffix(".md").resolve() in PAGES.values() or "tutorials" in target or "examples" in target
            ), name


def test_pages_quote_numbers_from_the_records():
    record = next(record for record in kept_results() if record.validation == "orders")
    lines = tables.results("orders").splitlines()
    assert len(record.rows_quoted) > 5
    for line, row in zip(lines[2:], record.rows_quoted, strict=False):
        assert shown_value(row.value) in line
    with pytest.raises(wgflow.InputError, match="no record of 'order'"):
        tables.results("order")
