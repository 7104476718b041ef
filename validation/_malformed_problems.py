"""Problem files with something wrong in them: as text, as bytes, in their structure and in their values."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from wgflow.problems.shipped import shipped_folder, shipped_problems
from wgflow.problems.template import problem_template

Mutation = Callable[[str, random.Random], str | bytes]

SMALL = (  # what makes a problem small enough to run in no time
    (r"(?m)^cells = \d+", "cells = 12"),
    (r"(?m)^shape = \[(.*?)\]", lambda found: "shape = [" + ", ".join("8" for _ in found[1].split(",")) + "]"),
    (r"(?m)^#?count = \d+", "count = 20"),
    (r"(?m)^#?snapshots = \d+", "snapshots = 4"),
    (r"(?m)^t_end = \S+", "t_end = 0.05"),
    (r"(?m)^#?modes = \d+", "modes = 6"),
)
QUICKLY = ["--set", "solver.wall_time=0.3"]
DIGITS = 5000  # more than Python reads as a decimal number
DEPTH = 20000
VALUES = (
    *(
        "nan",
        "inf",
        "-inf",
        "-1",
        "0",
        "-0.0",
        "1",
        "2",
        "0.5",
        "1e300",
        "-1e300",
        "1e-300",
        "1e308",
        "5e-324",
        "1e400",
    ),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "9" * DIGITS, "0x" + "f" * DIGITS),
    *(
        "true",
        "false",
        '""',
        '"no"',
        "''",
        '"\\u0000"',
        '"\\u001b[31m"',
        '"\\u202e"',
        '"\\ud7ff"',
        '"' + "x" * 5000 + '"',
    ),
    *("[]", "[[]]", "[1]", "[0.0, 0.0]", "[[1.0], [1.0, 2.0]]", "[1, 'a']", "[nan]", "[1e300, 1e300]", "[[1e300]]"),
    *(
        "[[0.0, 0.0], [0.0, 0.0]]",
        "[[1e-300, 0.0], [0.0, 1e300]]",
        "{}",
        "{a = 1}",
        '{kind = "uniform"}',
        "{kind = []}",
    ),
    *(
        "1979-05-27",
        "07:32:00",
        "1979-05-27T07:32:00Z",
        "[" * DEPTH,
        "[" * 500 + "]" * 500,
        "{a=" * DEPTH,
        "x",
        "1_0",
        "1__0",
    ),
    *(
        '"""\na\nb\n"""',
        "[" + "0.1, " * 20000 + "]",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "1e154",
        "1e-154",
    ),
)
PATHS = (
    *(
        "",
        ".",
        "..",
        "/",
        "/dev/null",
        "/dev/zero",
        "/proc/self/mem",
        "~",
        "~nobody/x.csv",
        "x" * 300 + ".csv",
        "x.csv",
    ),
    *(
        "a/" * 3000 + "x.csv",
        "datasets",
        "datasets/x.npz",
        "\\u0000.csv",
        "x\\u001b[2J.csv",
        "x\\n\\n\\n\\ny.csv",
        "mutant.toml",
    ),
    *("x.h5", "x.npz", "datasets/noisy_sine.csv/x.csv", "~/x.csv", "CON", "x." + "y" * 300),
)
KINDS = (
    *(
        "two_layer",
        "quadratic",
        "energy",
        "deconvolution",
        "circle",
        "sphere",
        "box",
        "space",
        "hypersphere",
        "uniform",
    ),
    *("gaussian", "balanced", "von_mises_fisher", "mixture", "file", "angular_gaussian", "finite_volume", "particles"),
    *("characteristics", "jko", "normalised", "log", "linear", "cosine", "power", "entropy"),
)
KEYS = ('""', '"a b"', "a" * 3000, ".".join("a" * 3000), "kind", "kind.kind", "'\\'", '"\\u001b[31m"', "1", "-", "é")


def bases() -> list[str]:
    """The problems that ship and all that `wgflow new` writes, small."""
    texts = [path.read_text(encoding="utf-8") for path in shipped_problems()]
    kinds = [
        (problem, domain)
        for problem in ("two_layer", "quadratic", "energy")
        for domain in ("circle", "sphere", "box", "space", "hypersphere")
    ]
    texts += [problem_template(*pair) for pair in [*kinds, ("deconvolution", "circle"), ("deconvolution", "box")]]
    return [_small(text) for text in texts]


def _small(text: str) -> str:
    for pattern, instead in SMALL:
        text = re.sub(pattern, instead, text)
    return text


def _assignments(lines: list[str]) -> list[int]:
    return [number for number, line in enumerate(lines) if re.match(r"#?\w+ =", line)]


def wrong_value(text: str, generator: random.Random) -> str:
    """A value of the wrong type, size or form."""
    lines = text.splitlines()
    row = generator.choice(_assignments(lines))
    key = lines[row].split(" =")[0].lstrip("#")
    lines[row] = f"{key} = {generator.choice(VALUES)}"
    return "\n".join(lines)


def wrong_values(text: str, generator: random.Random) -> str:
    """Several of them."""
    for _ in range(generator.randint(2, 5)):
        text = wrong_value(text, generator)
    return text


def wrong_number(text: str, generator: random.Random) -> str:
    """A number somewhere in a value, by many orders of magnitude."""
    found = [match.span() for match in re.finditer(r"(?<![\w.])\d+\.?\d*(?:e-?\d+)?(?!\w)", text)]
    start, end = generator.choice(found)
    numbers = [value for value in VALUES if re.fullmatch(r"-?[\d.]+(e-?\d+)?|nan|-?inf", value)]
    return text[:start] + generator.choice(numbers) + text[end:]


def wrong_path(text: str, generator: random.Random) -> str:
    """A path that leads nowhere, or where nobody should go."""
    path = f'"{generator.choice(PATHS)}"'
    if "path =" in text:
        return re.sub(r"(?m)^path = .*", lambda _: f"path = {path}", text)
    if generator.random() < 0.5 and "[initial]" in text:
        return re.sub(
            r"(?ms)^\[initial\].*?\n\[", lambda _: f'[initial]\nkind = "file"\npath = {path}\n\n[', text, count=1
        )
    return re.sub(r"(?m)^data = .*", lambda _: f"data = {path}", text) + f"\n[problem.dataset]\npath = {path}\n"


def wrong_key(text: str, generator: random.Random) -> str:
    """A key, or the name of a section, that is no such thing."""
    lines = text.splitlines()
    rows = [number for number, line in enumerate(lines) if re.match(r"\w+ =|\[", line)]
    row = generator.choice(rows)
    key = generator.choice(KEYS)
    lines[row] = f"[{key}]" if lines[row].startswith("[") else f"{key} = {lines[row].partition('=')[2]}"
    return "\n".join(lines)


def other_kind(text: str, generator: random.Random) -> str:
    """The kind of another section, method or domain."""
    found = list(re.finditer(r'(?m)^kind = ".*?"', text))
    chosen = generator.choice(found)
    return text[: chosen.start()] + f'kind = "{generator.choice(KINDS)}"' + text[chosen.end() :]


def moved_lines(text: str, generator: random.Random) -> str:
    """A line left out, twice, or elsewhere."""
    lines = text.splitlines()
    row, place = generator.randrange(len(lines)), generator.randrange(len(lines))
    kind = generator.randrange(3)
    line = lines[row] if kind == 1 else lines.pop(row)
    if kind > 0:
        lines.insert(place, line)
    return "\n".join(lines)


def wrong_bytes(text: str, generator: random.Random) -> bytes:
    """Bytes that are replaced, put in or cut off."""
    content = bytearray(text.encode())
    for _ in range(generator.randint(1, 4)):
        place = generator.randrange(len(content))
        kind = generator.randrange(3)
        piece = bytes(generator.choices(b'[]="{},.#x\t\x00\xff\xfe\x1b\r\n\x80\xc0\xe9', k=generator.randint(1, 3)))
        content[place : place + (len(piece) if kind == 0 else 0)] = piece if kind < 2 else b""
        if kind == 2:
            del content[place : place + generator.randint(1, 40)]
    return bytes(content)


def wrong_encoding(text: str, generator: random.Random) -> bytes:
    """Another encoding, end of lines or length."""
    kind = generator.randrange(8)
    if kind < 4:
        return ("# é\n" + text).encode(("utf-16", "utf-32", "latin-1", "utf-8-sig")[kind])
    if kind == 4:
        return text.replace("\n", "\r").encode()
    if kind == 5:
        return text[: generator.randrange(len(text))].encode()
    return b"" if kind == 6 else text.encode() + b"\n#" + b"x" * 20_000_000


def deep_or_long(text: str, generator: random.Random) -> str:
    """Tables in tables, many keys, long arrays."""
    kind = generator.randrange(6)
    if kind == 0:
        return text + f"\n[{'.'.join('a' * generator.choice((100, 1000, 5000)))}]\nb = 1\n"
    if kind == 1:
        return text + "\n[x]\n" + "".join(f"k{number} = {number}\n" for number in range(20000))
    if kind == 2:
        return text + "\n[output]\ntimes = [" + ", ".join(f"{number}e-6" for number in range(40000)) + "]\n"
    if kind == 3:
        return text + "\n[[initial.components]]\nkind = 'uniform'\n" * generator.choice((1, 1000))
    depth = generator.choice((50, 500, 5000))
    return f"x = {'[' * depth}{']' * depth}\n{text}" if kind == 4 else f"x = {'{a = ' * depth}1{'}' * depth}\n{text}"


MUTATIONS: tuple[Mutation, ...] = (
    *(wrong_value, wrong_values, wrong_number, wrong_value, wrong_path, wrong_number, wrong_key, other_kind),
    *(moved_lines, wrong_bytes, wrong_encoding, deep_or_long),
)


def cases(folder: Path, count: int, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Write problem files, each with something wrong, and give a label and the command line that runs it."""
    generator, texts = random.Random(f"problems {seed}"), bases()
    shutil.copytree(shipped_folder("data/datasets"), folder / "datasets", dirs_exist_ok=True)
    (folder / "problems").mkdir(exist_ok=True)
    path = folder / "problems" / "mutant.toml"
    for number in range(count):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        mutant = mutation(generator.choice(texts), generator)
        path.write_bytes(mutant if isinstance(mutant, bytes) else mutant.encode("utf-8", "surrogatepass"))
        limited = [] if mutation is deep_or_long and generator.random() < 0.5 else QUICKLY
        yield mutation.__name__, ["run", str(path), "-o", "out.h5", "--quiet", *limited]
