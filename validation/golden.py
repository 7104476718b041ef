"""Golden trajectories: small runs of every solver on every domain, whose bits a change of the code must keep.

Without a file, each run is done twice, on one thread and on all, and must give the same bits. With ``record=FILE`` the
digests of all arrays are written, and with ``compare=FILE`` they are compared with those of now; ``only=PATTERN``
chooses runs whose names fit or contain it. Digests depend on the machine and on the libraries below, so that a file
serves for the machine that it was made on. Kernels of order 5 that the process compiled itself may differ, in the last
bits of densities of 1e-22, from those that it found in the cache: record and compare such runs with an empty cache of
kernels, and with one seed of hashes, ``PYTHONHASHSEED=0 XDG_CACHE_HOME=$(mktemp -d) wgflow validate golden``.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import math
import platform
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import wgflow
from wgflow.app.validation import Row, Setting, agrees, measured
from wgflow.errors import InputError

from ._golden_files import FILED, LAYOUT, file_runs
from ._golden_python import python_runs
from ._golden_table import Run, table_runs, write_data

Digests = dict[str, dict[str, Any]]
"""Of a run: ``arrays``, with digest and sum of sizes of each, ``numbers``, and ``said``: warnings, failure, status."""

COUNTS = ("accepted_steps", "rejected_steps", "evaluations")
TEXTS = ("status", "stop_reason")
STATED = ("problem", "solver", "reaction", "seed")  # attributes of files, whose problems name no folder
LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "h5py", "ducc0")
QUICK = (
    "box 1-D: well and heat, tr_bdf2",
    "box 2-D: data, sgd",
    "circle: quadratic, explicit",
    "signed circle: teacher, jko",
    "wide circle: data, explicit",
    "wide box 2-D: slope, explicit",
    "wide sphere: slope, explicit",
)


def all_runs(pattern: str) -> dict[str, Run]:
    """Runs by name, of those that fit a pattern."""
    named = [*table_runs(), *python_runs(), *file_runs()]
    runs = dict(named)
    if len(runs) < len(named):
        raise RuntimeError(f"{len(named) - len(runs)} names of runs are there twice")
    return {name: run for name, run in runs.items() if _is_chosen(name, pattern)}


def _is_chosen(name: str, pattern: str) -> bool:
    return fnmatch.fnmatch(name, pattern) or pattern in name


def digest(values: Any) -> dict[str, Any]:
    """Digest of an array, its type and shape included, and the sum of its finite sizes."""
    array = np.ascontiguousarray(values)
    found = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    found.update(array.tobytes())
    finite = array[np.isfinite(array)]
    return {"sha256": found.hexdigest(), "size": float(np.abs(finite).sum())}


def arrays_of(trajectory: wgflow.Trajectory) -> dict[str, Any]:
    """All arrays that a trajectory holds, by name."""
    found = {
        "time": trajectory.time,
        **trajectory.scalars,
        **{name: trajectory.fields[name][:] for name in trajectory.fields},
    }
    found |= {f"steps/{name}": values for name, values in trajectory.steps.items()}
    found |= {f"errors/{name}": values for name, values in trajectory.errors.items()}
    found |= {f"orders/{name}": values for name, values in trajectory.orders.items()}
    return found if trajectory.sign is None else found | {"sign": trajectory.sign}


def digests_of(run: Run, *, filed: bool = False) -> Digests:
    """Do a run in a folder of its own; failures of the computation are outcomes too."""
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        folder = Path(place)
        write_data(folder)
        try:
            trajectory = run(folder)
        except wgflow.ComputationError as error:
            return {"arrays": {}, "numbers": {}, "said": _said(caught, str(error))}
        arrays = {name: digest(values) for name, values in arrays_of(trajectory).items()}
    numbers = {name: float(getattr(trajectory, name)[-1]) for name in ("energy", "mass")}
    numbers |= {name: float(trajectory.attributes[name]) for name in COUNTS if name in trajectory.attributes}
    stated = [f"{name}: {trajectory.attributes.get(name)}" for name in (*TEXTS, *(STATED if filed else ()))]
    said = _said(caught, *stated) | {
        f"file {name}": text for name, text in trajectory.attributes.get(LAYOUT, {}).items()
    }
    return {"arrays": arrays, "numbers": numbers, "said": said}


def _said(caught: list[warnings.WarningMessage], *others: str) -> dict[str, str]:
    """What wgflow warned of, and other texts, by number."""
    told = [f"{type(one.message).__name__}: {one.message}" for one in caught if _is_own(one)]
    return {str(number): text for number, text in enumerate([*told, *others])}


def _is_own(caught: warnings.WarningMessage) -> bool:
    return isinstance(caught.message, wgflow.FlowWarning)


def machine() -> dict[str, str]:
    """What digests depend on."""
    found = {"machine": platform.machine(), "processor": _processor(), "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def differences(before: Digests, after: Digests) -> list[str]:
    """What is different in a run, with the relative change of its size where it has one."""
    found = []
    for kind in ("arrays", "numbers", "said"):
        for name in sorted({*before[kind], *after[kind]}):
            old, new = before[kind].get(name), after[kind].get(name)
            if not _same(old, new):
                found.append(_told(name if kind != "said" else "what it says", old, new))
    return found


def _same(old: Any, new: Any) -> bool:
    both_nan = isinstance(old, float) and isinstance(new, float) and math.isnan(old) and math.isnan(new)
    return both_nan or bool(old == new)


def _told(name: str, old: Any, new: Any) -> str:
    if old is None or new is None:
        return f"{name} ({'new' if old is None else 'gone'})"
    if isinstance(old, str):
        return f"{name} ({old!r}, now {new!r})"
    sizes = [values["size"] if isinstance(values, Mapping) else values for values in (old, new)]
    scale = max(abs(size) for size in sizes)
    return f"{name} ({abs(sizes[1] - sizes[0]) / scale if scale > 0.0 else 0.0:.1e})"


def write_digests(runs: Mapping[str, Run], file: Path) -> Iterator[Row]:
    """Write the digests of all runs."""
    found = {name: digests_of(run, filed=name in FILED) for name, run in runs.items()}
    file.write_text(json.dumps({"made": machine(), "runs": found}, indent=1, sort_keys=True) + "\n")
    yield measured("runs whose digests are recorded", len(found), str(file))


def compare_digests(runs: Mapping[str, Run], file: Path, only: str, setting: Setting) -> Iterator[Row]:
    """Show each run that is not as it was recorded."""
    stored, now, changed = _read_digests(file), machine(), 0
    for name in sorted(name for name in {*now, *stored["made"]} if now.get(name) != stored["made"].get(name)):
        setting.say(f"{name} was {stored['made'].get(name)!r} and is {now.get(name)!r}: bits may differ")
    wanted = {name: one for name, one in stored["runs"].items() if _is_chosen(name, only)}
    for name in sorted(runs.keys() - wanted.keys()):
        setting.say(f"{name}: not recorded, so not compared")
    for name, before in wanted.items():
        gone = ["the run is gone"]
        found = differences(before, digests_of(runs[name], filed=name in FILED)) if name in runs else gone
        if found:
            changed += 1
            yield agrees(f"{name}: differences", len(found), 0, ", ".join(found))
    yield agrees("runs whose bits are not those that were recorded", changed, 0, f"of {len(wanted)}")


def _read_digests(file: Path) -> dict[str, Any]:
    try:
        stored = json.loads(file.read_text())
        return {name: stored[name] for name in ("made", "runs")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} holds no digests ({error}); write them with --set record={file}") from None


def compare_threads(runs: Mapping[str, Run]) -> Iterator[Row]:
    """Do each run on one thread and on all."""
    import numba

    most, changed = int(numba.config.NUMBA_NUM_THREADS), 0
    for name, run in runs.items():
        found = []
        for count in (1, most):
            numba.set_num_threads(count)
            found.append(digests_of(run, filed=name in FILED))
        changes = differences(*found)
        if changes:
            changed += 1
            yield agrees(f"{name}: differences", len(changes), 0, ", ".join(changes))
    yield agrees("runs whose bits differ between one thread and all", changed, 0, f"of {len(runs)}").quote()


def validate(
    setting: Setting, *, record: Path | None = None, compare: Path | None = None, only: str = ""
) -> Iterator[Row]:
    """Record, compare or check the runs; quick, a few of them where no file is given.

    Parameters
    ----------
    setting : Setting
        How much is computed.
    record : Path or None
        File to which the digests of now are written.
    compare : Path or None
        File with digests that were recorded, to compare with.
    only : str
        Runs whose names fit or contain this.
    """
    if record is not None and compare is not None:
        raise InputError("--set record and compare are given; give one of them")
    runs = all_runs(only)
    if record is not None:
        yield from write_digests(runs, record)
    elif compare is not None:
        yield from compare_digests(runs, compare, only, setting)
    else:
        yield from compare_threads({name: run for name, run in runs.items() if name in QUICK or not setting.quick})
