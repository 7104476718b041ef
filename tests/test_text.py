"""Text that is safe to print, and where it is printed."""

from __future__ import annotations

import sys

import pytest

from wgflow.app.cli import _exit_code
from wgflow.text import LONGEST_LINE, error_text, named, printable, shown

STRANGE = "a\x1b[31mred\x07\u202egnp.\u2066\u200b\udc80\x85\rb"


@pytest.mark.parametrize("make", [printable, shown, named, error_text])
def test_nothing_that_a_terminal_obeys_is_left(make):
    text = make(STRANGE)
    assert text.isprintable()
    assert text.isascii()
    assert "\\x1b[31mred" in text


def test_lines_and_letters_stay():
    assert printable("größer\n  日本語 100 %") == "größer\n  日本語 100 %"


def test_long_texts_are_cut_in_the_middle():
    text = "begin " + "x" * 10**6 + " end"
    assert len(shown(text)) <= 80
    assert shown(text).startswith("'begin")
    assert shown(text).endswith("end'")
    assert len(error_text("\n".join([text] * 10)).splitlines()) == 3
    assert all(len(line) <= LONGEST_LINE for line in error_text(f"{text}\n\x1b{text}").splitlines())


def test_integers_without_a_decimal_form_are_shown():
    assert shown(-(10**5000)) == "-an integer of 16610 bits"


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "no\x1b[31mthing.h5"],
        ["run", "teacher", "--set", "domain.cells=\x1b[31m" + "x" * 5000],
        ["run", "teacher", "--set", "domain.\x1b[31m\u202e=1"],
        ["run", "\x1b[31m.toml"],
        ["new", "\x1b[31m", "circle"],
        ["sweep", "teacher", "--over", "\x1b[31m", "-o", "folder"],
        ["validate", "\x1b[31m"],
        ["\x1b[31m"],
        ["info", "--\x1b[31m"],
    ],
)
def test_arguments_in_messages_are_safe(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["wgflow", *arguments])
    assert _exit_code() == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.replace("\n", "").isprintable()
    assert len(shown.err.splitlines()) <= 3
    assert len(shown.err) < 4 * LONGEST_LINE
    assert not list(tmp_path.iterdir())
