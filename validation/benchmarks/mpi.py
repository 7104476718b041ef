"""Runs on several ranks of MPI: strong and weak scaling, what messages cost, and a prediction for many ranks.

Steps with eight features are timed in processes of one thread each: alone, as one rank that has the whole box as its
slab, on two ranks of one machine, and as one process of two threads. All take turns, and medians of the ratios of a
turn count; cores must be free for them to mean anything. Messages are told twice: as steps have them, where each rank
waits for the slower one, and the same ones alone. Two processes with half of the box each that exchange nothing tell
what machines take from processes that read memory side by side. Boxes that are larger than the caches read their
features from memory in each stage, and two cores read it but somewhat faster than one: what they gain there stands
beside the speed.

The prediction for 1024^3 cells is a model with the cost of a cell, the number of messages, and their latency and
bandwidth, all measured here, within one machine: no network was there to be measured.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from wgflow.app.validation import Row, Setting, at_least, measured, within
from wgflow.domains.partition import MOST_BLOCKS
from wgflow.domains.slab import GHOSTS
from wgflow.errors import InputError
from wgflow.finite_volume.runge_kutta import SSPRK43

from . import _mpi_steps

PROGRAM = Path(_mpi_steps.__file__)
SHAPES = ((512, 512), (2048, 2048), (128, 128, 128))
QUICK_SHAPES = ((64, 64), (16, 16, 16))
WEAK = (512, 512)  # cells of each rank
TURNS, CYCLES = 5, 3
SPEED_UPS = {2: 1.5, 3: 1.35}  # of two ranks, by the dimension
PREDICTED, LARGEST_BOX = (4, 16, 64, 256, 1024, 4096), 1024
NUMBER = 8  # bytes
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "alone": {},
    "one rank": {"slab": True},
    "two ranks": {"ranks": 2},
    "two threads": {"threads": 2},
    "two apart": {"ranks": 2, "slab": True, "apart": True},
}


@dataclass(frozen=True)
class Costs:
    """What the model of a step rests on, all of it measured.

    Parameters
    ----------
    cell : float
        Seconds of a step for one cell of a box in space, on one thread.
    messages : float
        Number of messages of a step.
    latency : float
        Seconds of a small one to all.
    number : float
        Seconds for a number of a large message to a neighbour.
    """

    cell: float
    messages: float
    latency: float
    number: float

    def seconds_on(self, ranks: int, threads: int) -> tuple[float, float]:
        """Predicted seconds of a step on 1024^3 cells, and of its messages.

        Each of four stages exchanges ghost rows on both sides; messages cost more with the logarithm of the number of
        ranks; sums of 64 blocks are gathered once in a stage; threads of a rank share its cells evenly.
        """
        rows, plane = LARGEST_BOX / ranks, LARGEST_BOX**2
        computing = (rows + 2 * GHOSTS) * plane * self.cell / threads
        ghosts = len(SSPRK43.stages) * 2 * GHOSTS * plane * self.number
        sums = self.messages * self.latency * max(ranks.bit_length() - 1, 1)
        blocks = len(SSPRK43.stages) * MOST_BLOCKS * _mpi_steps.FEATURES * self.number
        return computing + ghosts + sums + blocks, ghosts + sums + blocks


def run(shape: tuple[int, ...], cycles: int, *, ranks: int = 1, threads: int = 1, **options: bool) -> dict[str, Any]:
    """Times of a configuration; raises InputError where MPI cannot be started."""
    asked = json.dumps({"shape": list(shape), "cycles": cycles, **options})
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
    if ranks > 1 and mpiexec is None:
        raise InputError("there is no mpiexec: pip install 'wgflow[mpi]'")
    start = [str(mpiexec), "-n", str(ranks)] if ranks > 1 else []
    environment = {
        **os.environ,
        "NUMBA_NUM_THREADS": str(threads),
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_MCA_hwloc_default_binding_policy": "none",  # where a core is busy, ranks must be free to leave it
    }
    command = [*start, sys.executable, str(PROGRAM), asked]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InputError(f"{ranks} ranks did not run: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def strong(shape: tuple[int, ...], turns: int, cycles: int) -> dict[str, list[dict[str, Any]]]:
    """Times of all configurations on a box, turn by turn."""
    first, *others = shape
    half = (first // 2, *others)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONFIGURATIONS}
    for _ in range(turns):
        for name, options in CONFIGURATIONS.items():
            found[name].append(run(half if options.get("apart") else shape, cycles, **options))
    return found


def ratio(found: dict[str, list[dict[str, Any]]], first: str, second: str) -> float:
    """Median over turns of the seconds of a configuration over those of another one."""
    pairs = zip(found[first], found[second], strict=True)
    return statistics.median(one["seconds"] / other["seconds"] for one, other in pairs)


def rows_of(shape: tuple[int, ...], found: dict[str, list[dict[str, Any]]], *, quick: bool) -> Iterator[Row]:
    """What is asked of a box; of the small ones of a quick run nothing is."""
    name, ranks = " x ".join(map(str, shape)), found["two ranks"]
    seconds = {key: statistics.median(turn["seconds"] for turn in turns) for key, turns in found.items()}
    beside = ", ".join(f"{key} {1e3 * value:.3g} ms" for key, value in seconds.items())
    bare, share = (statistics.median(turn[key] / turn["seconds"] for turn in ranks) for key in ("bare", "messages"))
    gained = 2.0 * found["alone"][0]["reading"] / ranks[0]["reading"]
    apart = f"speed; two that exchange nothing {ratio(found, 'two threads', 'two apart'):.2f}"
    gain = f"speed; of reading memory {gained:.2f}"
    figures = (
        (f"{name}: one rank over no MPI", ratio(found, "one rank", "alone"), within, 1.03, beside),
        (f"{name}: two ranks over two threads", ratio(found, "two threads", "two ranks"), at_least, 0.95, apart),
        (f"{name}: two ranks over one", ratio(found, "alone", "two ranks"), at_least, SPEED_UPS[len(shape)], gain),
        (f"{name}: share of messages", share, within, 0.05, "waiting for the other rank included"),
    )
    yield measured(f"{name}: share of the same messages alone", bare)
    what = f"{name}: two ranks over two processes that exchange nothing"
    yield measured(what, ratio(found, "two apart", "two ranks"), "speed")
    for what, value, bound, limit, note in figures:
        yield measured(what, value, note) if quick else bound(what, value, limit, note)


def validate(setting: Setting) -> Iterator[Row]:
    """Strong and weak scaling on two ranks, and a prediction for more."""
    shapes, turns, cycles = (QUICK_SHAPES, 1, 1) if setting.quick else (SHAPES, TURNS, CYCLES)
    found = {}
    for shape in shapes:
        found[shape] = strong(shape, turns, cycles)
        yield from rows_of(shape, found[shape], quick=setting.quick)
    first, *others = QUICK_SHAPES[0] if setting.quick else WEAK
    one = min(run((first, *others), cycles)["seconds"] for _ in range(turns))
    two = min(run((2 * first, *others), cycles, ranks=2)["seconds"] for _ in range(turns))
    yield measured("weak scaling: one rank over two with twice the cells", one / two)
    space = {name: min(turns, key=itemgetter("seconds")) for name, turns in found[shapes[-1]].items()}
    two_ranks, cells = space["two ranks"], shapes[-1][0] ** 3
    told = (two_ranks["calls"], two_ranks["latency"], two_ranks["per_number"])
    costs = Costs(space["alone"]["seconds"] / cells, *told)
    yield measured("measured: nanoseconds of a step for a cell in space", 1e9 * costs.cell)
    yield measured("measured: messages of a step", costs.messages)
    yield measured("measured: microseconds of a small message", 1e6 * costs.latency)
    yield measured("measured: bandwidth in GB/s", 1e-9 * NUMBER / costs.number)
    for cores in PREDICTED:
        ranks = min(cores, MOST_BLOCKS)
        seconds, messages = costs.seconds_on(ranks, cores // ranks)
        efficiency = LARGEST_BOX**3 * costs.cell / (cores * seconds)
        share = f"efficiency {efficiency:.2f}, messages {messages / seconds:.0%}"
        beside = f"{share}; {ranks} ranks of {cores // ranks} threads"
        yield measured(f"predicted: seconds of a step of 1024^3 on {cores} cores", seconds, beside)
