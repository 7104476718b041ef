"""Trajectory files that are damaged or foreign, with seeded random mutations, and the commands to try on each.

Bytes are flipped, zeroed and cut off; through h5py, attributes and variables become others of wrong types, shapes,
sizes, links, filters and values. Half of these get a new seal, as if by a writer; others pretend to be of schema 1.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tomli_w

import wgflow
from wgflow.trajectory.schema import SEAL

from ._damaged_bytes import BYTES
from ._malformed_seals import renew_checksums, renew_seal

Generator = np.random.Generator
Mutation = Callable[[h5py.File, Generator, Path], None]

TEACHER = {"kind": "two_layer", "data": "gaussian_teacher", "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]}}
POINTS = {"kind": "two_layer", "data": "points.csv"}
CIRCLE = {"kind": "circle", "cells": 8, "signed": True}
LINE = {"kind": "box", "bounds": [[-2.0, 2.0]], "shape": [8], "wall_limit": 1.0, "wall_warning": 1.0}
HILL = {"kind": "energy", "potential": {"kind": "quadratic"}, "internal": {"kind": "entropy", "temperature": 0.5}}
ORIGINALS: Mapping[str, Mapping[str, Any]] = {
    "teacher": {"problem": TEACHER, "domain": CIRCLE},
    "points": {"problem": POINTS, "domain": CIRCLE},
    "particles": {"problem": POINTS, "domain": CIRCLE, "solver": {"kind": "particles"}, "particles": {"count": 6}},
    "line": {"problem": HILL, "domain": LINE},
}
SECRET = "secret.txt"  # a file that no command may show
STRANGE_TEXTS = (
    "\x1b]0;title\x07\x1b[31mred",
    "\u202egnp.\u2066x",
    "two\nlines\r\nand\ttabs",
    "x" * 100_000,
    "",
    "{" * 5000,
    "[" * 5000,
    '{"kind": "circle", "cells": 1000000000}',
    '{"kind": "sphere", "cells": 2621442}',
    '{"kind": "box", "bounds": [[0, 1]], "shape": [4, 4, 4, 4]}',
    '{"kind": "space", "dimension": 10000000000}',
    "[problem]\nkind = 'energy'\n",
)


def originals(folder: Path) -> dict[str, Path]:
    """Run the small problems whose files are mutated; gives their files by name, beside each its problem.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "points.csv").write_text("x,y\n0,1\n1,2\n2,0\n3,5\n", encoding="utf-8")
    (folder / SECRET).write_bytes(np.arange(64.0).tobytes())
    found = {}
    for name, sections in ORIGINALS.items():
        solver = {"t_end": 0.5, **sections.get("solver", {})}
        text = tomli_w.dumps({**sections, "solver": solver, "output": {"snapshots": 4}})
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        found[name] = folder / f"{name}.h5"
        wgflow.run(wgflow.open_problem(folder / f"{name}.toml"), found[name], overwrite=True)
    return found


def mutated_trajectories(seed: int, count: int, folder: Path) -> Iterator[tuple[str, Path]]:
    """Damaged copies of small trajectories, one after the other.

    Parameters
    ----------
    seed : int
        Seed of all choices.
    count : int
        Number of files.
    folder : Path
        Where they are written.

    Yields
    ------
    label, path : str, Path
        What was done, and the file.
    """
    sources = originals(folder)
    for number in range(count):
        generator = np.random.default_rng([seed, number])
        name = str(generator.choice(list(sources)))
        path = folder / f"mutated_{number:05d}.h5"
        shutil.copyfile(sources[name], path)
        yield f"{name}: {_mutate(path, generator, number)}", path


def cases(folder: Path, count: int, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Labels, and arguments of ``wgflow`` command lines, each on a mutated trajectory of its own.

    Parameters
    ----------
    folder : Path
        Where files are written.
    count : int
        Number of cases.
    seed : int
        Seed of all choices.

    Yields
    ------
    label, arguments : str, list of str
        What was done to the file, and the command line to try on it, without the name of the program.
    """
    for number, (label, path) in enumerate(mutated_trajectories(seed, count, folder)):
        commands = commands_for(path, folder / f"{label.partition(':')[0]}.h5")
        yield label, commands[np.random.default_rng([seed, number, 1]).integers(len(commands))]


def commands_for(path: Path, original: Path) -> list[list[str]]:
    """Command lines that read a file, one of which resumes a run in it."""
    output = path.with_name("output")
    problem = str(original.with_suffix(".toml"))
    start = ["initial.kind=file", f"initial.path={path}", "solver.t_end=0.1"]
    settings = [word for setting in start for word in ("--set", setting)]
    return [
        ["info", str(path)],
        ["info", "--check", str(path)],
        ["cite", str(path)],
        ["plot", str(path), "-o", f"{output}.png"],
        ["animate", str(path), "-o", f"{output}.gif", "--frames", "2"],
        ["compare", str(path), str(original)],
        ["compare", str(original), str(path)],
        ["report", str(path), "-o", f"{output}.html", "--frames", "2"],
        ["export", str(path), "-o", f"{output}.csv"],
        ["export", str(path), "-o", f"{output}.csv", "--snapshot", "-1"],
        ["export", str(path), "-o", f"{output}.mat"],
        ["export", str(path), "-o", f"{output}.pvd"],
        ["certify", str(path)],
        ["run", problem, "-o", str(path), "--resume", "--set", "solver.t_end=0.6", "-q"],
        ["run", problem, "-o", f"{output}.h5", "--overwrite", "-q", *settings],
    ]


def _mutate(path: Path, generator: Generator, number: int) -> str:
    """Change a file, every third one in its bytes; gives what was done."""
    if number % 3 == 0:
        damage = BYTES[generator.integers(len(BYTES))]
        content = bytearray(path.read_bytes())
        damage(content, generator)
        path.write_bytes(content)
        return damage.__name__.strip("_")
    mutation = _MUTATIONS[generator.integers(len(_MUTATIONS))]
    sealed = bool(generator.integers(2))
    with h5py.File(path, "r+") as file:
        with suppress(ValueError, TypeError, KeyError, OSError, RuntimeError):  # what was done until then stays
            mutation(file, generator, path)
        renew_checksums(file)
        if not sealed:
            file.attrs["schema_version"] = 1
            file.attrs.pop(SEAL, None)
    if sealed:
        renew_seal(path)
    return f"{mutation.__name__.strip('_')}, {'sealed' if sealed else 'without a seal'}"


def _variables(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def _one(file: h5py.File, generator: Generator) -> str:
    """A variable; the known ones that every command reads are more likely."""
    return str(generator.choice([*_variables(file), *(("time", "risk", "mass", "energy") * 3)]))


def _strange_array(generator: Generator) -> Any:
    """An array of a type or shape that no column has."""
    pair = np.dtype([("a", "f8"), ("b", "i4")])
    arrays = (
        np.array(["a", "b"], dtype=object),
        np.array([b"abc", b"d"]),
        np.zeros(4, pair),
        np.zeros(4, complex),
        np.zeros((4, 3)),
        np.zeros(9),
        np.zeros(0),
        np.float64(1.0),
        np.full(4, np.nan),
        np.arange(4, dtype="i2"),
        np.zeros(4, "f4"),
        np.zeros(4, bool),
        np.zeros(4, "V7"),
        np.zeros((1,) * 20),
        h5py.Empty("f8"),
    )
    return arrays[generator.integers(len(arrays))]


def _replace_variable(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    name = _one(file, generator)
    values = _strange_array(generator)
    del file[name]
    dtype = h5py.string_dtype() if isinstance(values, np.ndarray) and values.dtype.kind == "O" else None
    grows = np.ndim(values) > 0 and np.size(values) > 0 and bool(generator.integers(2))
    options = {"maxshape": (None, *np.shape(values)[1:])} if grows else {}
    file.create_dataset(name, data=values, dtype=dtype, **options)


def _lead_elsewhere(file: h5py.File, generator: Generator, path: Path) -> None:
    """Let a variable be a link, or be stored in another file."""
    name, secret = _one(file, generator), str(path.with_name(SECRET))
    shape = file[name].shape
    del file[name]
    kind = generator.integers(5)
    if kind == 0:
        file.create_dataset(name, shape=(4,), dtype="f8", external=[(secret, 0, 8 * 64)])
    elif kind == 1:
        file[name] = h5py.ExternalLink(str(path.with_name("teacher.h5")), "risk")
    elif kind == 2:
        file[name] = h5py.SoftLink(str(generator.choice(["/time", "/nowhere", f"/{name}"])))
    elif kind == 3:
        layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
        layout[:] = h5py.VirtualSource(str(path.with_name("teacher.h5")), "risk", shape=(4,))
        file.create_virtual_dataset(name, layout)
    else:
        file[name] = file if shape else file.create_group("other")


def _promise_much(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    """Declare a variable far larger than the file."""
    name, kind = _one(file, generator), generator.integers(4)
    variable = file[name]
    if kind == 0 and variable.maxshape[:1] == (None,):
        variable.resize(10 ** int(generator.integers(6, 10)), axis=0)
        return
    del file[name]
    if kind == 1:
        file.create_dataset(name, shape=(10**9,), dtype="f8")
    elif kind == 2:
        file.create_dataset(name, shape=(10**9,), maxshape=(None,), dtype="f8", chunks=(512,), fillvalue=1.0)
    else:  # zeros that are compressed by a thousand
        bomb = file.create_dataset(name, shape=(4, 2, 10**6), dtype="f8", chunks=(1, 2, 10**6), compression="gzip")
        bomb[0] = 0.0


def _filter(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    name = _one(file, generator)
    values = file[name][()]
    if np.ndim(values) == 0:
        return
    del file[name]
    filters: tuple[Any, ...] = ("lzf", "gzip", None)
    chosen = filters[generator.integers(len(filters))]
    file.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]), compression=chosen, fletcher32=True)


def _replace_attribute(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    name = str(generator.choice([*file.attrs, "problem", "domain", "status"]))
    values: list[object] = [*STRANGE_TEXTS, *STRANGE_TEXTS, 0, -1, 2**40, np.nan, np.zeros(100), np.zeros((3, 3))]
    values += [np.bytes_(b"\xff\xfe"), h5py.Empty("f8"), np.zeros(2, complex), ["a", "b"], np.float32(1.0), True]
    file.attrs[name] = values[generator.integers(len(values))]


def _delete_attribute(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    del file.attrs[str(generator.choice(list(file.attrs)))]


def _delete_variable(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    del file[_one(file, generator)]


def _strange_name(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    name = "a\x1b[31m\u202e\n" + "b" * int(generator.integers(1, 3000))
    if generator.integers(2):
        file.attrs[name[:500]] = np.zeros((2, 2))
    else:
        file[name] = h5py.SoftLink("/time")


def _damage_problem(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    """Change characters, words or numbers of the problem."""
    lines = file.attrs["problem"].splitlines()
    at = int(generator.integers(len(lines)))
    key = lines[at].partition("=")[0]
    strange = ["1e308", "-1", "nan", "[]", "''", '"\\u001b[31m"', "true", "10" * 3000, "[" * 3000, "{}", "1e-300", "3"]
    lines[at] = f"{key}= {strange[generator.integers(len(strange))]}" if generator.integers(4) else ""
    file.attrs["problem"] = "\n".join(lines)


def _damage_domain(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    parameters = json.loads(file.attrs["domain"])
    key = str(generator.choice(list(parameters)))
    strange: tuple[Any, ...] = (
        None,
        -1,
        10**9,
        10**400,
        1.5,
        "x" * 1000,
        [],
        {},
        [[0, 1]],
        True,
        16,
        "sphere",
        [10**6, 10**6, 10**6],
    )
    parameters[key] = strange[generator.integers(len(strange))]
    file.attrs["domain"] = json.dumps(parameters)


def _damage_values(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    """Put numbers that no run has among the values of a variable."""
    variable = file[_one(file, generator)]
    if variable.dtype.kind != "f" or variable.size == 0 or variable.ndim == 0:
        return
    values = variable[()]
    strange = (np.nan, np.inf, -np.inf, 1e308, -1.0, 0.0, 5e-324)
    share = generator.choice([0.0, 0.5, 1.0])
    chosen = generator.random(values.shape) < share
    chosen.flat[generator.integers(values.size)] = True
    values[chosen] = strange[generator.integers(len(strange))]
    variable[...] = values


def _damage_scales(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    """Replace what the library reads on its own: dimension scales and their names."""
    variable = file[_one(file, generator)]
    name = str(generator.choice(["DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "long_name", "units"]))
    values = (np.zeros(3), 10**12, "x" * 60000, np.zeros(0), b"DIMENSION_SCALE", ["a"], -1)
    variable.attrs[name] = values[generator.integers(len(values))]


def _damage_checkpoint(file: h5py.File, generator: Generator, path: Path) -> None:  # noqa: ARG001
    content, kind = io.BytesIO(), generator.integers(4)
    if kind == 0:
        np.savez_compressed(content, time=np.zeros(10**6), end=np.zeros(10**6))
    elif kind == 1:
        np.savez(content, time=0.5, end=0.5)
    elif kind == 2:
        np.savez(content, time=np.nan, end="text", density=np.zeros(3))
    else:
        content.write(generator.bytes(1000))
    del file["checkpoint/state"]
    file["checkpoint/state"] = np.frombuffer(content.getvalue(), dtype="u1")


_MUTATIONS: tuple[Mutation, ...] = (
    _replace_variable,
    _replace_variable,
    _lead_elsewhere,
    _lead_elsewhere,
    _promise_much,
    _promise_much,
    _filter,
    _replace_attribute,
    _replace_attribute,
    _delete_attribute,
    _delete_variable,
    _strange_name,
    _damage_problem,
    _damage_problem,
    _damage_domain,
    _damage_values,
    _damage_values,
    _damage_scales,
    _damage_checkpoint,
)
