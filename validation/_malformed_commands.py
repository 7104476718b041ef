"""Command lines with something wrong in them: options, numbers, ranges, settings and paths."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import wgflow

Words = list[str]

LONG = "x" * 300
PATHS = (
    *("", ".", "..", "/", "/dev/null", "/dev/full", "/proc/self/mem", "/proc/x", "no/such/folder/x", LONG, "a/" * 2100),
    *(
        "\udcff\udcfe",
        "\udcff.h5",
        "x\x1b[31m",
        "x\u202ey",
        "line\nline\nline\nline\nline",
        " ",
        "~",
        "-",
        "--",
        "-x",
        ".",
    ),
    *(
        "folder",
        "folder/x",
        "text",
        "text/x",
        "unreadable",
        "unreadable/x",
        "loop",
        "dangling",
        "\u00e9\u4e2d\U0001f600",
    ),
    *("*", "x?y", "a:b", "http://x/y", "http://[", "file:///etc/passwd"),
)
FITTING = {
    "run": (".h5", ".png"),
    "new": (".toml",),
    "plot": (".png", ".pdf", ".svg"),
    "animate": (".gif",),
    "report": (".html",),
    "export": (".csv", ".mat", ".pvd"),
    "compare": (".png",),
}  # endings of outputs
ENDINGS = ("", ".h5", ".toml", ".png", ".csv", ".mat", ".pvd", ".html", ".gif", ".svg", ".PNG", ".")
NUMBERS = (
    *(
        "0",
        "-1",
        "1",
        "2",
        "101",
        "1.5",
        "nan",
        "inf",
        "-inf",
        "1e300",
        "1e999999",
        "9" * 40,
        "9" * 5000,
        "",
        "x",
        "0x10",
    ),
    *("9223372036854775808", "-9223372036854775809", "true", "1_0", "\u0661"),
)
VALUES = (
    *NUMBERS,
    *("[" * 3000, "[1,2", "{}", "{a=1}", "[[1.0],[2.0,3.0]]", '"', "'", "a\nb = 1", "1979-05-27", "\x1b[2J", "\udcff"),
    *("1e300", "1e-300", "1e308", "[]", '"x"', "a,b", "=", "==", "[0x" + "f" * 5000 + "]"),
)
RANGES = (
    *(
        "0:1:1e999999",
        "0:1000000",
        "0:100001",
        "0:1e999999",
        "1:1e300:x1.0000001",
        "0:9" + "9" * 5000,
        "0:1:0",
        "1:2:x1",
    ),
    *(
        "0:1:1e-300",
        "0:1:-1",
        "5:1",
        "1:1",
        "1:x2",
        "::",
        "0:",
        ":1",
        "0:1:x",
        "-1:-5:x2",
        "1e400:2",
        "0:" + "1" * 90000 + "z",
    ),
    *(
        "1" * 90000,
        "a",
        "a,a",
        ",",
        ",,",
        "[",
        "[1],[2]",
        "[" * 3000,
        "1979-05-27",
        "{}",
        "1,true",
        "nan",
        "nan,nan",
        "inf,1",
    ),
    *("9" * 5000, "0x" + "f" * 5000, "1,1.0", "'a", '"a","b"', "a\nb", "\udcff,x", "0:3,x", "1] \nx = [2", "1:2:3:4"),
    ",".join(map(str, range(20000))),
)
KEYS = (
    *(
        "domain.cells",
        "solver.t_end",
        "solver.reaction",
        "solver.wall_time",
        "initial.mass",
        "initial.seed",
        "output.times",
    ),
    *("particles.count", "solver.kind", "problem.kind", "problem.target", "output.snapshots", "solver.transport"),
    *(
        "domain",
        "domain.",
        ".cells",
        "a.b.c.d",
        "",
        ".",
        "domain.cells.x",
        ".".join("a" * 3000),
        "no.such",
        "x\x1b.y",
        "\udcff.a",
    ),
)


def path(generator: random.Random, command: str = "") -> str:
    """A path that need not lead anywhere; often with an ending that a command takes."""
    found = generator.choice(PATHS)
    fits = command in FITTING and generator.random() < 0.6
    ending = generator.choice(FITTING[command] if fits else ENDINGS) if fits or generator.random() < 0.6 else ""
    return found if found.startswith("/") else found + ending  # nothing is written outside of the folder


def problem(generator: random.Random) -> str:
    """A problem: often a small one."""
    return "small.toml" if generator.random() < 0.7 else generator.choice(("teacher", "no_problem", path(generator)))


def trajectory(generator: random.Random) -> str:
    """A trajectory: often a whole one."""
    return generator.choice(("grid.h5", "grid.h5", "particles.h5", path(generator)))


def setting(generator: random.Random) -> str:
    """A value of --set."""
    form = generator.choice(("{}={}", "{}={}", "{}={}", "{}", "{1}", "{}=={}", "{} = {}", "={1}"))
    return form.format(generator.choice(KEYS), generator.choice(VALUES))


def run(generator: random.Random) -> Words:
    """Run a problem."""
    words = ["run", problem(generator)]
    for _ in range(generator.randint(0, 3)):
        words += ["--set", setting(generator)]
    words += ["-o", path(generator, "run")] if generator.random() < 0.4 else []
    words += ["--plot", path(generator, "plot")] if generator.random() < 0.3 else []
    flags = ("--resume", "--overwrite", "--quiet", "--estimate", "--no-such", "-q", "extra")
    words += [flag for flag in flags if generator.random() < 0.12]
    return [*words, "--set", "solver.wall_time=0.3"]


def sweep(generator: random.Random) -> Words:
    """Run a sweep, or at least begin."""
    words = ["sweep", problem(generator)]
    for _ in range(generator.choice((0, 1, 1, 1, 2))):
        words += ["--over", f"{generator.choice(KEYS)}={generator.choice(RANGES)}"]
    words += ["-o", generator.choice(("runs", path(generator)))] if generator.random() < 0.9 else []
    words += ["--set", setting(generator)] if generator.random() < 0.3 else []
    for option in ("--workers", "--threads"):
        words += [option, generator.choice(NUMBERS)] if generator.random() < 0.2 else []
    return words + (
        ["--scheduler", generator.choice(("", "x", "tcp://127.0.0.1:1"))] if generator.random() < 0.1 else []
    )


def new(generator: random.Random) -> Words:
    """Write a template."""
    kinds = ("two_layer", "quadratic", "energy", "deconvolution", "x", "", "\x1b", "\udcff")
    domains = ("circle", "sphere", "box", "space", "hypersphere", "x", "", "x" * 5000)
    words = ["new", generator.choice(kinds), generator.choice(domains)]
    return words + (["-o", path(generator, "new")] if generator.random() < 0.7 else [])


def picture(generator: random.Random) -> Words:
    """Draw a trajectory in one way or the other."""
    command = generator.choice(("plot", "animate", "report"))
    words = [command, trajectory(generator)]
    words += ["-o", path(generator, command)] if generator.random() < 0.8 else []
    for option in {"animate": ("--frames", "--rate"), "report": ("--frames",)}.get(command, ()):
        words += [option, generator.choice(NUMBERS)] if generator.random() < 0.4 else []
    return words


def export(generator: random.Random) -> Words:
    """Write a trajectory for another program."""
    words = ["export", trajectory(generator), "-o", path(generator, "export")]
    return words + (["--snapshot", generator.choice(NUMBERS)] if generator.random() < 0.4 else [])


def compare(generator: random.Random) -> Words:
    """Compare two trajectories."""
    words = ["compare", trajectory(generator), trajectory(generator)]
    return words + (["-o", path(generator, "compare")] if generator.random() < 0.5 else [])


def look(generator: random.Random) -> Words:
    """Show something of a trajectory, or of the program."""
    command = generator.choice(("info", "cite", "certify", "list", "validate", "version", path(generator)))
    words = [command, *([trajectory(generator)] if generator.random() < 0.9 else [])]
    words += ["--mass-bound", generator.choice(NUMBERS)] if command == "certify" and generator.random() < 0.7 else []
    return words + (["--check"] if generator.random() < 0.2 else [])


COMMANDS: tuple[Callable[[random.Random], Words], ...] = (
    *(run, sweep, picture, run, sweep, export, new, compare, look, run),
)


def prepare(folder: Path) -> None:
    """Make what the command lines name."""
    small: dict[str, dict[str, object]] = {
        "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
        "domain": {"kind": "circle", "cells": 16},
        "solver": {"t_end": 0.1},
        "output": {"snapshots": 3},
    }
    text = [
        f"[{name}]\n" + "".join(f"{key} = {value!r}\n" for key, value in table.items()) for name, table in small.items()
    ]
    (folder / "small.toml").write_text("\n".join(text), encoding="utf-8")
    particles = {**small, "solver": {"t_end": 0.1, "kind": "particles"}, "particles": {"count": 8}}
    for sections, name in ((small, "grid.h5"), (particles, "particles.h5")):
        # In a process of its own: one that has used OpenMP's threads could not be copied afterwards.
        child = multiprocessing.get_context("fork").Process(target=wgflow.run, args=(sections, folder / name))
        child.start()
        child.join()
    for name in ("folder", "unreadable"):
        (folder / name).mkdir()
    (folder / "unreadable").chmod(0)
    (folder / "text").write_text("text", encoding="utf-8")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("no/such/file")


def cases(folder: Path, count: int, seed: int) -> Iterator[tuple[str, Words]]:
    """Give labels and command lines, each with something wrong."""
    generator = random.Random(f"commands {seed}")
    prepare(folder)
    for number in range(count):
        command = COMMANDS[number % len(COMMANDS)]
        yield command.__name__, [_as_argument(word, folder) for word in command(generator)]


def _as_argument(word: str, folder: Path) -> str:
    """A word as the system would pass it on; names of files that were prepared become their paths."""
    known = word.split("/")[0] if word else ""
    there = known in {"small.toml", "grid.h5", "particles.h5", "folder", "unreadable", "text", "loop", "dangling"}
    return os.path.join(folder, word) if there else word.replace("\0", "")  # noqa: PTH118 - the word stays what it is
