"""From a trajectory file to its trajectory, with its functional, and to its problem."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from wgflow.errors import InputError
from wgflow.flows.endings import RUNNING
from wgflow.functionals import Functional
from wgflow.problems.own_code import stored_code
from wgflow.problems.problem import Problem, assemble, references_in, restore_dataset, restore_samples
from wgflow.problems.stored_problem import check_fit, stored_columns, stored_config
from wgflow.runs.record import attach_functional
from wgflow.trajectory import Trajectory, read_trajectory
from wgflow.trajectory.named_functionals import restore_functional
from wgflow.trajectory.reader import DAMAGE, reason
from wgflow.typing import FloatArray


def load(path: str | Path, functional: Functional | None = None, *, allow_code: bool = False) -> Trajectory:
    """Read a trajectory file.

    Parameters
    ----------
    path : path
        A file that `run`, `wgflow.solve` or `wgflow.simulate` wrote.
    functional : Functional, optional
        F, for files that no problem file describes and whose parts have no names (functions of your own); needed for
        ``potential``.
    allow_code : bool
        Whether to run the Python files that its problem names, where they were and if they are still the same; else
        what needs F is refused.

    Returns
    -------
    Trajectory
        With its ``problem``, where a problem file described it and no functional is given.

    Raises
    ------
    InputError
        If the file is not a readable trajectory, or its code has changed.

    Examples
    --------
    >>> import tempfile
    >>> import wgflow
    >>> problem = wgflow.open_problem("quadratic", ["domain.cells=16", "output.snapshots=3"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trajectory = wgflow.load(wgflow.run(problem).save(f"{folder}/run.h5"))
    >>> len(trajectory), trajectory.problem.solver
    (3, 'finite_volume')
    """
    trajectory, arrays = read_trajectory(Path(path))
    problem = None
    if functional is None and "problem" in trajectory.attributes:
        problem = _restore(trajectory, arrays, Path(path), allow_code=allow_code)
        functional = problem.functional
    elif functional is None:
        functional = restore_functional(trajectory.attributes, arrays)
    return replace(attach_functional(trajectory, functional), problem=problem)


def follow(path: str | Path, poll: float = 0.5) -> Iterator[tuple[Trajectory, int]]:
    """Follow a run of another process while it writes its trajectory.

    Parameters
    ----------
    path : path
        Its file, which must exist.
    poll : float
        Seconds between two looks at it.

    Yields
    ------
    trajectory, index : Trajectory, int
        The trajectory so far and the number of a snapshot, each snapshot once; ends when the run has ended.

    Raises
    ------
    InputError
        If the file is not a readable trajectory.

    Examples
    --------
    >>> import tempfile
    >>> problem = wgflow.open_problem("quadratic", ["domain.cells=16", "output.snapshots=3"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = wgflow.run(problem).save(f"{folder}/run.h5")
    ...     [index for trajectory, index in wgflow.follow(file)]
    [0, 1, 2]

    The file may be that of a run which goes on in another process:

    >>> for trajectory, index in wgflow.follow("teacher.h5"):  # doctest: +SKIP
    ...     print(trajectory.time[index], trajectory.risk[index])
    """
    seen = 0
    while True:
        trajectory = load(path)
        for index in range(seen, len(trajectory.time)):
            yield trajectory, index
        seen = len(trajectory.time)
        if trajectory.status != RUNNING:
            return
        clock.sleep(poll)


def load_problem(path: str | Path, *, allow_code: bool = False) -> Problem:
    """Rebuild the problem, data included, from a trajectory file.

    Parameters
    ----------
    path : path
        The file, of a run from a problem file, its name or a dictionary; those from Python objects hold no problem.
    allow_code : bool
        Whether to run the Python files that the problem names; else its functional cannot be used.

    Returns
    -------
    Problem
        As `open_problem` gave it, with all defaults and changes; `run` takes it. Data come from the file itself.

    Raises
    ------
    InputError
        If it is no trajectory, holds no problem, or its code has changed.

    Examples
    --------
    >>> import tempfile
    >>> import wgflow
    >>> flow = wgflow.run(wgflow.open_problem("el_nino", ["domain.cells=16", "solver.t_end=1.0", "output.snapshots=3"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wgflow.load_problem(flow.save(f"{folder}/run.h5")).dataset.names
    ('month', 'temperature')
    """
    trajectory, arrays = read_trajectory(Path(path))
    return _restore(trajectory, arrays, Path(path), allow_code=allow_code)


def _restore(
    trajectory: Trajectory, arrays: Mapping[str, FloatArray], path: Path, *, allow_code: bool = False
) -> Problem:
    config = stored_config(trajectory, path)
    code = stored_code(references_in(config), trajectory.attributes, path, allow=allow_code)
    try:
        dataset = restore_dataset(config, arrays, stored_columns(trajectory.attributes))
        problem = assemble(config, dataset, samples=restore_samples(arrays), code=code)
    except InputError as error:
        raise InputError(f"{path} holds a problem that is not allowed: {error}") from None
    except DAMAGE as error:
        raise InputError(f"{path} holds a problem that its data do not fit ({reason(error)})") from None
    check_fit(problem, trajectory, path)
    return problem
