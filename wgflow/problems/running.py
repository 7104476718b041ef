"""From a problem to its trajectory: `open_problem` gives the objects of a problem file, `run` carries them out."""

from __future__ import annotations

import time as clock
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wgflow.errors import InputError
from wgflow.flows.loop import Observers
from wgflow.flows.stopping import Until
from wgflow.problems.given import take_data
from wgflow.problems.parsing import apply_settings, parse_sections, read_toml
from wgflow.problems.problem import Problem, build_problem
from wgflow.problems.shipped import find_problem_file, refuse_trajectory
from wgflow.problems.stored_problem import origin_attributes, stored_attributes
from wgflow.runs.memory import check_memory
from wgflow.runs.progress import shown_progress
from wgflow.runs.record import RunFile, record_flow
from wgflow.system.launchers import refuse_ranks
from wgflow.trajectory import Trajectory, check_output

if TYPE_CHECKING:
    from wgflow.runs.estimates import EstimatePlan

ProblemSource = str | Path | Mapping[str, Any]


def open_problem(
    source: ProblemSource, settings: Iterable[str] = (), *, force: bool = False, allow_code: bool = False
) -> Problem:
    """Read and check a problem.

    Parameters
    ----------
    source : path or mapping
        A TOML file (or the name of one that ships with wgflow), or a dictionary of the same shape, in which
        ``problem.data`` may be a DataFrame or a dictionary of arrays.
    settings : iterable of str
        Changes of the form ``section.key=value``.
    force : bool
        Whether to open a problem whose run needs more memory than is free.
    allow_code : bool
        Whether to run the Python files that the problem names.

    Raises
    ------
    InputError
        With the key, the value and what is allowed; or with the memory that is needed, and what takes most of it.

    Examples
    --------
    >>> import wgflow
    >>> problem = wgflow.open_problem("quadratic", ["domain.cells=16"])
    >>> problem.domain.shape, problem.solver
    ((16,), 'finite_volume')

    Functions of one's own, in a file beside the problem, are run only where that is allowed:

    >>> own = {"kind": "energy", "potential": "mine.py:V"}
    >>> sections = {"problem": own, "domain": {"kind": "circle", "cells": 16}, "solver": {"t_end": 1.0}}
    >>> wgflow.open_problem(sections, allow_code=True)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    wgflow.errors.InputError: problem: code ...mine.py does not exist; paths are relative to the problem file
    """
    given, name = None, ""
    if isinstance(source, Mapping):
        (sections, given), folder, origin = take_data(source), Path.cwd(), "problem"
    else:
        path = find_problem_file(Path(source))
        refuse_trajectory(path)
        sections, folder, origin, name = read_toml(path), path.parent, str(path), path.stem
    config = parse_sections(apply_settings(sections, settings), origin)
    try:
        return build_problem(config, folder, given=given, force=force, allow_code=allow_code, name=name)
    except InputError as error:
        raise type(error)(f"{origin}: {error}") from None


def run(
    problem: ProblemSource | Problem,
    output: str | Path | None = None,
    resume: bool = False,
    *,
    overwrite: bool = False,
    estimate: bool = False,
    force: bool = False,
    allow_code: bool = False,
    observers: Observers | None = None,
    since: float | None = None,
    until: Until | None = None,
    progress: bool = False,
) -> Trajectory:
    """Run a problem.

    Parameters
    ----------
    problem : path, mapping or Problem
        A TOML file, a dictionary of the same shape, or what `open_problem` returned. In a dictionary ``problem.data``
        may be a DataFrame (of pandas, polars, ...) or a dictionary of arrays, which the trajectory file then stores.
    output : path, optional
        File to write the trajectory to; in memory by default.
    resume : bool
        Whether to continue the run in ``output`` from its last snapshot.
    overwrite : bool
        Whether an existing output may be replaced.
    estimate : bool
        Run on half and a quarter of the cells or particles first, and estimate errors, see `Trajectory.errors`. A run
        with estimates is resumed with them; nothing else of it depends on them.
    force : bool
        Whether to run what needs more memory than is free, by an estimate that is made before any work.
    allow_code : bool
        Whether to run the Python files that the problem names.
    observers : Observers, optional
        Called after steps and snapshots.
    since : float, optional
        Reading of ``time.perf_counter`` from which ``solver.wall_time`` counts; the call by default.
    until : callable, optional
        Stop after the first step whose state it finds True for, see `wgflow.solve`.
    progress : bool
        Whether to show how far the run is: a bar on a terminal, one line that changes in a notebook, else a few lines.

    Returns
    -------
    Trajectory

    Raises
    ------
    InputError
        If the problem or the output is not allowed, or memory is short; nothing is computed or written then.
    ComputationError
        If a step or a write failed; the snapshots before it are kept.
    KeyboardInterrupt
        After Ctrl-C, SIGTERM, SIGHUP or SIGUSR1, once the file is closed; ``resume`` continues it. After Ctrl-C in
        IPython and its notebooks the trajectory so far is returned instead, with a warning and the status
        "interrupted".

    Examples
    --------
    >>> import wgflow
    >>> trajectory = wgflow.run({
    ...     "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
    ...     "domain": {"kind": "circle", "cells": 64},
    ...     "solver": {"t_end": 1.0},
    ... })
    >>> trajectory.risk.shape
    (101,)

    Data of one's own, by name; the last column is the output unless ``dataset`` says another:

    >>> import numpy as np
    >>> x = np.linspace(-1.0, 1.0, 20)
    >>> trajectory = wgflow.run({
    ...     "problem": {"kind": "two_layer", "data": {"x": x, "y": abs(x)}, "dataset": {"output": "y"}},
    ...     "domain": {"kind": "circle", "signed": True, "cells": 64},
    ...     "solver": {"t_end": 1.0},
    ... })
    >>> bool(trajectory.risk[-1] < trajectory.risk[0])
    True
    """
    since = clock.perf_counter() if since is None else since
    if estimate:
        refuse_ranks("an estimate of errors", "leave it out, or run without mpiexec")
    with shown_progress(progress):
        if not isinstance(problem, Problem):
            problem = open_problem(problem, force=force, allow_code=allow_code)
        problem = problem.forced(force=force)
        if resume:
            if output is None:
                raise InputError("resume needs output, the trajectory file to continue")
            from wgflow.problems.resuming import resume_run

            watched: dict[str, Any] = {"observers": observers, "until": until, "progress": progress}
            return resume_run(problem, Path(output), estimate=estimate, since=since, **watched)
        if output is not None:
            check_output(Path(output), overwrite=overwrite)
        check_memory(problem.memory(in_memory=output is None, estimate=estimate), force=problem.force, built=True)
        plan = _plan_estimate(problem) if estimate else None
        evolution = problem.make_evolution()
        (observers or Observers()).tell_begin()
        trajectory = record_flow(
            evolution,
            problem.times,
            functional=problem.functional,
            run_setup=problem.run_setup,
            sign=getattr(evolution, "signs", None),
            file=RunFile(output, overwrite, problem.config.output.durable),
            attributes={**stored_attributes(problem), **origin_attributes(problem)},
            data=problem.data_arrays(),
            limits=replace(problem.limits, since=since, until=until),
            observers=observers,
            progress=progress,
            plan=plan,
        )
    return replace(trajectory, problem=problem)


def _plan_estimate(problem: Problem) -> EstimatePlan:
    """Plan the coarse runs that estimate errors; they are loaded where they are wanted."""
    from wgflow.problems.estimates import plan_estimate

    return plan_estimate(problem)
