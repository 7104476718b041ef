"""Data files with something wrong in them, as data sets, samples and initial measures."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

Mutation = Callable[[dict[str, NDArray[np.float64]], random.Random], bytes]

CELLS = (
    *(
        "nan",
        "inf",
        "-inf",
        "1e999",
        "",
        " ",
        "a",
        "1_0",
        "0x1",
        "\x00",
        '"1"',
        '"1\n2"',
        "1,2",
        "1;2",
        "\u0661",
        "1e400",
        "True",
    ),
    *(
        "1" * 200000,
        "\x1b[31m",
        "=1+1",
        "1.7e308",
        "-1.7e308",
        "1e-320",
        "None",
        "#1",
        '"',
        "1 2",
        "\ufeff1",
        "9" * 5000,
    ),
)
HEADERS = (
    *(
        "x,x",
        "1,2",
        "",
        ",",
        "#x,y",
        "x",
        "x,y,z",
        '"x,y"',
        "\x1b[31m,y",
        "x\x00,y",
        "\ufeff\ufeffx,y",
        "weight,weight",
    ),
    *(",".join(f"c{number}" for number in range(20000)), "x" * 200000 + ",y", "\u202ex,y", '"x\ny",z'),
)
ENCODINGS = ("utf-16", "utf-32", "latin-1", "cp037", "utf-8-sig", "utf-7")
TYPES = (
    *("<c16", "|S8", "<U8", "<M8[s]", "<m8[s]", "|b1", "<f2", "<f4", ">f8", "<i8", "<u8", "|u1", "<f16", "|V8", "|O"),
)
SHAPES = (
    *("(3,)", "(10**9,)", "(1000000000000,)", "(-1,)", "()", "3", "(1.5,)", "('a',)", "(99999999999999999999,)"),
    *("(1000000, 1000000)", "(0, 1000000000000)", "(True,)"),
)
HEADER_TEXTS = (
    *("(" * 5000, "-" * 5000 + "1", "[" * 90 + "]" * 90, "{}", "", "{'descr': '<f8'}", "1L", " " * 60000, "9" * 9000),
    *(
        "{'shape': (3L,), 'fortran_order': False, 'descr': '<f8'}",
        "{'descr': '<f8', 'fortran_order': 3, 'shape': (3,)}",
    ),
    *("__import__('os')", "'" + "\\N{DASH}" * 900),
)
BOMBS = (2**25, 2**27)  # bytes: one that is allowed, and one that is not


def as_csv(columns: dict[str, NDArray[np.float64]]) -> str:
    """Columns as a table."""
    rows = zip(*(np.ravel(values).tolist() for values in columns.values()), strict=False)
    return "\n".join([",".join(columns), *(",".join(map(repr, row)) for row in rows)]) + "\n"


def as_npz(columns: dict[str, NDArray[np.float64]], method: int = zipfile.ZIP_STORED) -> bytes:
    """Columns as an archive."""
    return archive({f"{name}.npy": as_npy(values) for name, values in columns.items()}, method)


def as_npy(values: object) -> bytes:
    """An array as numpy writes it."""
    file = io.BytesIO()
    npy.write_array(file, np.asanyarray(values), allow_pickle=True)
    return file.getvalue()


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of some members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as found:
        for name, content in members.items():
            found.writestr(name, content)
    return file.getvalue()


def with_header(
    header: str, content: bytes = b"", version: tuple[int, int] = (1, 0), length: int | None = None
) -> bytes:
    """An array with any header."""
    text = header.encode("latin-1", "replace") + b"\n"
    size = len(text) if length is None else length
    packed = struct.pack("<H", size % 2**16) if version == (1, 0) else struct.pack("<I", size % 2**32)
    return b"\x93NUMPY" + bytes(version) + packed + text + content


def flipped(content: bytes, generator: random.Random) -> bytes:
    """Some bytes changed, or the end cut off."""
    found = bytearray(content)
    for _ in range(generator.randint(1, 6)):
        found[generator.randrange(len(found))] = generator.randrange(256)
    return bytes(found[: generator.randrange(len(found))] if generator.random() < 0.3 else found)


def csv_cell(columns: dict[str, NDArray[np.float64]], generator: random.Random) -> bytes:
    """A value that is no number."""
    lines = as_csv(columns).splitlines()
    row = generator.randrange(1, len(lines))
    words = lines[row].split(",")
    words[generator.randrange(len(words))] = generator.choice(CELLS)
    return "\n".join([*lines[:row], ",".join(words), *lines[row + 1 :]]).encode("utf-8", "surrogatepass")


def csv_rows(columns: dict[str, NDArray[np.float64]], generator: random.Random) -> bytes:
    """Rows that are ragged, missing, or equal; one column."""
    lines = as_csv(columns).splitlines()
    kind = generator.randrange(7)
    if kind == 0:
        lines[generator.randrange(len(lines))] += ",1"
    elif kind == 1:
        lines = lines[: generator.randrange(3)]
    elif kind == 2:
        lines = [line.split(",")[0] for line in lines]
    elif kind == 3:
        lines = [lines[0], *[lines[1]] * generator.choice((1, 2, 50))]
    elif kind == 4:
        lines = [line.replace(",", generator.choice((";", "\t", " "))) for line in lines]
    elif kind == 5:
        lines = [lines[0], *(",".join(["0"] * (lines[0].count(",") + 1)) for _ in lines[1:])]
    else:
        lines = [lines[0], *(",".join(f"{generator.choice((1, -1))}e{generator.choice((300, 308, -300))}"
                                      for _ in line.split(",")) for line in lines[1:])]  # fmt: skip
    return "\n".join(lines).encode()


def csv_header(columns: dict[str, NDArray[np.float64]], generator: random.Random) -> bytes:
    """A header that is none, or a strange one."""
    lines = as_csv(columns).splitlines()
    return "\n".join([generator.choice(HEADERS), *lines[1:]]).encode()


def csv_bytes(columns: dict[str, NDArray[np.float64]], generator: random.Random) -> bytes:
    """Other bytes, encodings and ends of lines; empty and endless ones."""
    text = as_csv(columns)
    kind = generator.randrange(8)
    if kind < 3:
        return flipped(text.encode(), generator)
    if kind == 3:
        return ("# \u00e9\n" + text).encode(generator.choice(ENCODINGS), "replace")
    if kind == 4:
        return text.replace("\n", generator.choice(("\r", "\r\n", "\n\n", "\n\r", "\x0b", "\u2028"))).encode()
    if kind == 5:
        return b"\x00" * generator.choice((1, 1000, 10**7))
    return generator.choice(
        (b"", b"\n", b"#\n", b"x", b"1," * 3 * 10**6, b'"' + b"a" * 10**6, b"PK\x03\x04", as_npz(columns))
    )


def npz_bytes(columns: dict[str, NDArray[np.float64]], generator: random.Random) -> bytes:
    """Other bytes in an archive."""
    method = generator.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    content = as_npz(columns, method)
    return flipped(content, generator) if generator.random() < 0.8 else content[: generator.randrange(len(content))]


def npz_directory(columns: dict[str, NDArray[np.float64]], generator: random.Random) -> bytes:
    """Flags, methods, sizes and names in the directory of an archive."""
    content = bytearray(as_npz(columns, generator.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))))
    entry = content.find(b"PK\x01\x02")
    place, size = generator.choice(
        ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (42, 4), (6, 2), (46, 3))
    )
    value = generator.choice((0, 1, 8, 9, 12, 14, 95, 99, 255, 2**16 - 1, 2**32 - 1, 10**9)) % 256**size
    content[entry + place : entry + place + size] = value.to_bytes(size, "little")
    if generator.random() < 0.5 and place in {8, 10}:  # the same in front of the member
        content[place - 2 : place - 2 + size] = value.to_bytes(size, "little")
    return bytes(content)


def npz_members(columns: dict[str, NDArray[np.float64]], generator: random.Random) -> bytes:
    """Members that are no arrays, or of the wrong kind; other methods and names."""
    members = {f"{name}.npy": as_npy(values) for name, values in columns.items()}
    name = generator.choice(list(members))
    kind = generator.randrange(7)
    if kind == 0:
        members[name] = generator.choice(
            (b"", b"text", b"\x93NUMPY", b"\x93NUMPY\x01\x00", b"\x80\x04N.", as_csv(columns).encode())
        )
    elif kind == 1:
        members[generator.choice(("a.txt", "../x.npy", "/x.npy", ".npy", "x", "\x1b[31m.npy", "d/"))] = members[name]
    elif kind == 2:
        members = dict.fromkeys([f"{number}.npy" for number in range(generator.choice((0, 1, 12000)))], members[name])
    elif kind == 3:
        return archive(members, generator.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)))
    elif kind == 4:
        shape = generator.choice(((), (0,), (1,), (3, 3), (0, 0), (1,) * 32, (2, 0, 3), (7,)))
        members[name] = as_npy(np.ones(shape))
    elif kind == 5:
        dtype = np.dtype(generator.choice(TYPES))
        members[name] = as_npy(np.zeros(len(next(iter(columns.values()))), dtype))
    else:
        value = generator.choice((np.nan, np.inf, 1e308, -1e308, -1.0, 1e-320, 0.0))
        members[name] = as_npy(np.full_like(columns[name.removesuffix(".npy")], value))
    return archive(members)


def npz_header(columns: dict[str, NDArray[np.float64]], generator: random.Random) -> bytes:
    """Headers of arrays that are deep, huge, or lie."""
    members = {f"{name}.npy": as_npy(values) for name, values in columns.items()}
    descr = generator.choice(
        ("'<f8'", "'<f8'", "'|O'", "'<U1000000000'", "[('a', '<f8')]", "'x'", "None", "('<f8', (10,))", "'<c16'")
    )
    shape = generator.choice(SHAPES)
    whole = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    header = generator.choice((whole, whole, *HEADER_TEXTS))
    version = generator.choice(((1, 0), (1, 0), (2, 0), (3, 0), (9, 9)))
    length = generator.choice((None, None, 0, 65535, 2**32 - 1))
    members[generator.choice(list(members))] = with_header(header, b"\0" * 24, version, length)
    return archive(members, generator.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def npz_bomb(columns: dict[str, NDArray[np.float64]], generator: random.Random) -> bytes:
    """Little that unpacks to much."""
    name = generator.choice([*columns, "density", "other"])
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as found,
        found.open(f"{name}.npy", "w", force_zip64=True) as member,
    ):
        count = generator.choice(BOMBS)
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count},), }}"
        member.write(with_header(header))
        for _ in range(count // 2**22):
            member.write(bytes(2**22))
    content = bytearray(file.getvalue())
    if generator.random() < 0.3:  # the directory says that it is small
        entry = content.find(b"PK\x01\x02")
        content[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    return bytes(content)


CSV_MUTATIONS: tuple[Mutation, ...] = (csv_cell, csv_rows, csv_header, csv_bytes)
NPZ_MUTATIONS: tuple[Mutation, ...] = (npz_bytes, npz_directory, npz_members, npz_header, npz_members, npz_header)


def uses() -> dict[str, tuple[str, dict[str, NDArray[np.float64]]]]:
    """What data are used for: a problem that names the file DATA, and columns that fit."""
    solver = "[solver]\nt_end = 0.05\nwall_time = 0.3\n[output]\nsnapshots = 3\n[particles]\ncount = 10\n"
    circle, box = (
        '[domain]\nkind = "circle"\ncells = 12\n',
        '[domain]\nkind = "box"\nbounds = [[-1.0, 1.0]]\nshape = [8]\n',
    )
    angles = np.linspace(0.1, 6.0, 12)
    points = {"x0": np.cos(angles), "x1": np.sin(angles)}
    network = '[problem]\nkind = "two_layer"\n'
    energy = '[problem]\nkind = "energy"\n[problem.potential]\nkind = "quadratic"\n'
    start = '[initial]\nkind = "file"\npath = "DATA"\n'
    return {
        "data": (f'{network}data = "DATA"\n{circle}signed = true\n{solver}', {"x": angles, "y": np.sin(angles)}),
        "raw data": (
            f'{network}[problem.dataset]\npath = "DATA"\nstandardize = false\noutput = "y"\n'
            f"{circle}signed = true\n{solver}",
            {"x": angles, "y": np.sin(angles)},
        ),
        "labels": (
            f'{network}loss = "logistic"\ndata = "DATA"\n{circle}signed = true\n{solver}',
            {"x": angles, "y": np.sign(np.sin(angles))},
        ),
        "samples": (
            f'[problem]\nkind = "energy"\n[problem.kernel]\nsamples = "DATA"\n{circle}{solver}',
            {**points, "weight": np.full(12, 0.1)},
        ),
        "density": (f"{energy}{box}{start}{solver}", {"density": np.linspace(1.0, 2.0, 8)}),
        "particles": (
            f"{energy}{box}{start}{solver}".replace("[solver]", '[solver]\nkind = "particles"'),
            {"position": np.linspace(-0.9, 0.9, 6)[:, None], "weight": np.ones(6), "sign": np.ones(6)},
        ),
    }


def cases(folder: Path, count: int, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Write data files, each with something wrong, and give a label and the command line that uses it."""
    generator, known = random.Random(f"data {seed}"), uses()
    for number in range(count):
        use = generator.choice(list(known))
        text, columns = known[use]
        archived = use in {"density", "particles"} or generator.random() < 0.5
        mutation = generator.choice(NPZ_MUTATIONS if archived else CSV_MUTATIONS)
        mutation = npz_bomb if archived and number % 25 == 0 else mutation
        data = folder / ("mutant.npz" if archived else "mutant.csv")
        data.write_bytes(mutation(columns, generator))
        (folder / "problem.toml").write_text(text.replace("DATA", data.name), encoding="utf-8")
        yield f"{use}, {mutation.__name__}", ["run", str(folder / "problem.toml"), "-o", "out.h5", "--quiet"]
