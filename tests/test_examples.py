"""The examples of docstrings: every public name has one, and all of them run."""

from __future__ import annotations

import importlib
import warnings
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, SKIP, DocTest, DocTestFinder, DocTestRunner
from pathlib import Path

import numpy
import pytest

import wgflow

pytestmark = pytest.mark.usefixtures("without_layout")

PACKAGE = Path(wgflow.__file__).parent
GIVEN = {"np": numpy, "wgflow": wgflow}


def examples_of(name: str) -> list[DocTest]:
    """Examples of a public name; of a class also those of its methods."""
    return DocTestFinder().find(getattr(wgflow, name), name, globs=dict(GIVEN))


def run_examples(found: list[DocTest]) -> None:
    """Run examples, in which a warning is an error."""
    report: list[str] = []
    runner = DocTestRunner(verbose=False, optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)
    for example in found:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            runner.run(example, out=report.append)
    assert not runner.failures, "".join(report)


def modules_with_examples() -> list[str]:
    """Modules of the package in whose files there are examples."""
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if ">>>" in file.read_text(encoding="utf-8")]
    places = [file.relative_to(PACKAGE.parent).with_suffix("").parts for file in files]
    return [".".join(parts).removesuffix(".__init__") for parts in places]


def others_of(module: str) -> list[DocTest]:
    """Examples of a module but those of public names."""
    found = DocTestFinder().find(importlib.import_module(module), module, extraglobs=GIVEN)
    public = {f"{place.__module__}.{place.__name__}" for place in map(wgflow.__getattr__, wgflow.__all__)}
    return [test for test in found if not any(f"{test.name}.".startswith(f"{name}.") for name in public)]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", wgflow.__all__)
def test_every_public_name_has_an_example_that_runs(name):
    found = examples_of(name)
    own = [example for test in found if test.name == name for example in test.examples]
    assert any((example.want or example.exc_msg) and not example.options.get(SKIP, False) for example in own)
    run_examples(found)


@pytest.mark.parametrize("module", modules_with_examples())
def test_the_other_examples_of_modules_run(module):
    run_examples(others_of(module))
