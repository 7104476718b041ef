"""The files that a problem names: data, samples and starts, and the memory of a run with them."""

from __future__ import annotations

from pathlib import Path

from wgflow.domains import Domain
from wgflow.measures import Particles
from wgflow.problems.columns import Columns
from wgflow.problems.datasets import Dataset, read_samples
from wgflow.problems.initial.file import FileInitial
from wgflow.problems.memory import estimate_memory
from wgflow.problems.models import ProblemFile
from wgflow.problems.own_code import OwnCode
from wgflow.problems.restart import StoredMeasure, read_measure
from wgflow.runs.memory import MemoryEstimate


def estimate_file(config: ProblemFile, folder: Path) -> MemoryEstimate:
    """Estimate the memory of a run that is not built; reads data and start, whose sizes count."""
    return estimate_read(config, read_data(config, folder, force=True), read_start(config, folder))


def estimate_read(
    config: ProblemFile,
    data: Dataset | None,
    start: StoredMeasure | None,
    *,
    domain: Domain | None = None,
    in_memory: bool = False,
    estimate: bool = False,
) -> MemoryEstimate:
    """Estimate the memory of a run with its data and its start; see `estimate_memory`."""
    return estimate_memory(
        config,
        None if data is None else data.inputs.shape,
        domain=domain,
        count=None if start is None or start.particles is None else len(start.particles.weights),
        in_memory=in_memory,
        estimate=estimate,
    )


def read_start(config: ProblemFile, folder: Path) -> StoredMeasure | None:
    """Read the initial measure, where it comes from a file."""
    initial = config.initial
    if not isinstance(initial, FileInitial):
        return None
    return read_measure(folder / Path(initial.path).expanduser(), initial.snapshot)


def read_data(
    config: ProblemFile, folder: Path, given: Columns | None = None, *, force: bool, code: OwnCode | None = None
) -> Dataset | None:
    """Read the data, where the problem has any and Python has not given them.

    Without its code, targets of a loss that a Python file holds count as numbers, no labels.

    Raises
    ------
    InputError
        If they cannot be read, or are larger than memory, unless forced.
    """
    section = config.problem if code is None else config.problem.bound(code)
    return section.read_data(folder, given, force=force)


def read_samples_of(config: ProblemFile, folder: Path) -> Particles | None:
    """Read the samples of a target, where the problem has any."""
    path = config.problem.sample_file
    return None if path is None else read_samples(folder / Path(path).expanduser())
