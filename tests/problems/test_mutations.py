"""Problem and data files with one thing made wrong, many of them: one clear error or a problem, never anything else."""

from __future__ import annotations

import re
import shutil
import sys

import numpy as np
import pytest

import wgflow
from wgflow import InputError
from wgflow.app.cli import _exit_code
from wgflow.problems.shipped import shipped_folder, shipped_problems

MUTANTS = 102
WRONG_VALUES = [
    "-1",
    "nan",
    "inf",
    '"no"',
    "[]",
    "[[1.0], [1.0, 2.0]]",
    "true",
    "1e400",
    "{}",
    "0",
    "-0.5",
    '""',
    "2.5",
]


def with_wrong_value(lines, generator):
    rows = [number for number, line in enumerate(lines) if re.match(r"\w+ = ", line)]
    row = generator.choice(rows)
    key = lines[row].split(" = ")[0]
    return [*lines[:row], f"{key} = {generator.choice(WRONG_VALUES)}", *lines[row + 1 :]]


def with_wrong_key(lines, generator):
    rows = [number for number, line in enumerate(lines) if re.match(r"\w+ = ", line)]
    row = generator.choice(rows)
    place = int(generator.integers(len(lines[row].split(" = ")[0])))
    return [*lines[:row], lines[row][:place] + lines[row][place + 1 :], *lines[row + 1 :]]


def without_a_line(lines, generator):
    row = int(generator.integers(len(lines)))
    return lines[:row] + lines[row + 1 :]


def with_a_line_twice(lines, generator):
    row = int(generator.integers(len(lines)))
    return [*lines[: row + 1], lines[row], *lines[row + 1 :]]


def cut_short(lines, generator):
    text = "\n".join(lines)
    return text[: int(generator.integers(len(text)))].splitlines()


def with_a_wrong_letter(lines, generator):
    text = list("\n".join(lines))
    text[int(generator.integers(len(text)))] = generator.choice(list('[]="{},.#x\t'))
    return "".join(text).splitlines()


MUTATIONS = (with_wrong_value, with_wrong_key, without_a_line, with_a_line_twice, cut_short, with_a_wrong_letter)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folder with problems and datasets beside each other, as they ship."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("problems", "datasets"):
        shutil.copytree(shipped_folder(f"data/{name}"), folder / name)
    return folder


def test_malformed_problem_files_give_one_clear_error(data):
    generator = np.random.default_rng(0)
    problems, refused = shipped_problems(), 0
    for number in range(MUTANTS):
        lines = problems[number % len(problems)].read_text().splitlines()
        mutant = MUTATIONS[number % len(MUTATIONS)](lines, generator)
        path = data / "problems" / "mutant.toml"
        path.write_text("\n".join(mutant))
        try:
            wgflow.open_problem(path)
        except InputError as error:
            refused += 1
            assert len(str(error).splitlines()) <= 3
            assert "mutant.toml" in str(error)
            changed = set(mutant) - set(lines)
            if MUTATIONS[number % len(MUTATIONS)] is with_wrong_value and changed:
                key = changed.pop().split(" = ")[0]
                assert key in str(error) or key == "path", error  # the path itself is named
    assert refused > 0.5 * MUTANTS


def test_malformed_data_files_give_one_clear_error(data):
    generator = np.random.default_rng(1)
    path, refused = data / "datasets" / "mutant.csv", 0
    problem = {
        "problem": {"kind": "two_layer", "dataset": {"path": str(path)}},
        "domain": {"kind": "circle", "cells": 16, "signed": True},
        "solver": {"t_end": 1.0},
    }
    lines = (data / "datasets" / "noisy_sine.csv").read_text().splitlines()
    for number in range(MUTANTS // 2):
        mutant = MUTATIONS[2 + number % 4](lines, generator)
        if number % 5 == 0:
            row = int(generator.integers(3, len(lines)))
            mutant = [
                *lines[:row],
                generator.choice(["nan,1", "inf,0", "a,b", ",", "1", "1,2,3", "1e999,0", "\x00"]),
                *lines[row:],
            ]
        path.write_text("\n".join(mutant))
        try:
            wgflow.open_problem(problem)
        except InputError as error:
            refused += 1
            assert len(str(error).splitlines()) <= 3
            assert "mutant.csv" in str(error)
    assert refused > 0.2 * MUTANTS / 2


def test_the_command_line_exits_with_2_and_writes_nothing(data, tmp_path, monkeypatch, capsys):
    path = data / "problems" / "wrong.toml"
    path.write_text((data / "problems" / "teacher.toml").read_text().replace("t_end = 20.0", "t_end = nan"))
    monkeypatch.setattr(sys, "argv", ["wgflow", "run", str(path), "-o", str(tmp_path / "out.h5")])
    assert _exit_code() == 2
    errors = capsys.readouterr().err
    assert "t_end" in errors
    assert len(errors.splitlines()) <= 3
    assert "Traceback" not in errors
    assert not list(tmp_path.iterdir())
