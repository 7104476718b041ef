"""The two calls of a sweep from Python: `sweep` and `open_sweep`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wgflow.app.sweeps.axes import Values
from wgflow.app.sweeps.cluster import check_libraries, connect
from wgflow.app.sweeps.folder import prepare_folder, read_plan
from wgflow.app.sweeps.gather import DATASET, gather, write_dataset
from wgflow.app.sweeps.launching import parse_launcher
from wgflow.app.sweeps.plan import Plan, make_plan
from wgflow.app.sweeps.runs import Outcome, Watcher, read_outcome
from wgflow.app.sweeps.scheduling import dispatch
from wgflow.app.sweeps.watching import shown_runs
from wgflow.errors import FlowWarning, InputError
from wgflow.flows.endings import COMPLETE
from wgflow.problems.running import ProblemSource
from wgflow.runs.memory import MemoryEstimate
from wgflow.runs.memory.estimate import describe_largest, format_size
from wgflow.system import free_memory
from wgflow.system.launchers import refuse_ranks
from wgflow.system.signals import terminations_interrupt

if TYPE_CHECKING:
    import xarray

    from wgflow.app.sweeps.cluster import Scheduler


def sweep(
    problem: ProblemSource,
    over: Mapping[str, Values],
    folder: str | Path,
    *,
    settings: Iterable[str] = (),
    scheduler: Scheduler | None = None,
    workers: int | None = None,
    threads: int = 1,
    force: bool = False,
    allow_code: bool = False,
    launcher: str | Sequence[str] = (),
    progress: bool = False,
) -> xarray.Dataset:
    """Run a problem for all combinations of some values, in parallel processes.

    Each run is written to ``folder`` as a trajectory of its own. The same call again continues a sweep: complete runs
    are read, unfinished ones are resumed, failed ones are tried again.

    Parameters
    ----------
    problem : path or mapping
        A TOML file (or the name of one that ships with wgflow), or a dictionary of the same shape.
    over : mapping of str to values
        For each ``section.key`` an iterable of values, or a text such as ``"0:30"`` as on the command line.
    folder : path
        Folder of the sweep, created where it does not exist.
    settings : iterable of str
        Changes of the problem of the form ``section.key=value``.
    scheduler : str or cluster, optional
        Address of a dask scheduler whose workers see ``folder``, or a cluster of dask such as ``SLURMCluster`` of
        dask-jobqueue, whose first worker is waited for; by default processes are started on this machine, which nobody
        else can speak to. Anyone who reaches a scheduler without TLS runs code as the user of its workers;
        for ``tls://...`` the keys are those of dask's configuration (``distributed.comm.tls``).
    workers : int, optional
        Number of processes, or of tasks at once on a scheduler; by default all cores, or all workers.
    threads : int
        Threads of the kernels in each process that is started here.
    force : bool
        Whether to run what needs more memory than is free; else so many processes are started here as fit, with a
        warning where these are fewer than wanted.
    allow_code : bool
        Whether to run the Python files that the problem names.
    launcher : str or sequence of str
        Command that starts each run as processes of its own, e.g. ``"mpiexec -n 4"``, one run at a time unless
        ``workers`` is given; by default the workers do the runs themselves.
    progress : bool
        Whether to show how many runs are done: a bar on a terminal, one line that changes in a notebook, else a few
        lines.

    Returns
    -------
    xarray.Dataset
        Also written to ``folder/sweep.nc``. Dimensions are the keys of ``over``, in their order, and ``time``: all
        output times of the runs. Variables are the scalars of trajectories (``risk``, ``mass``, ...), nan where a run
        has no such time; ``final_time``, ``final_risk``, ... of each last snapshot, also where a run stopped between
        output times; ``status`` ("complete", "failed", ...) and ``message`` (the error of a failed run).

    Raises
    ------
    InputError
        If any of the runs is not allowed or needs more memory than is free, or ``folder`` holds something else;
        nothing is computed then.
    MissingExtraError
        If a library is missing; all come with the extra ``sweep``.
    KeyboardInterrupt
        After Ctrl-C, SIGTERM, SIGHUP or SIGUSR1, once the processes are gone; the same call continues.

    Notes
    -----
    Other values of ``initial.seed`` draw independent particles. The same seed with another ``particles.count`` draws
    from the same random numbers: with ``particles.start = "random"`` the first particles of both draws are the same
    ones, so that runs along an axis of counts are not independent of each other.

    Examples
    --------
    >>> import wgflow
    >>> students = wgflow.sweep(
    ...     "teacher",
    ...     over={"initial.seed": range(30), "particles.count": [5, 20]},
    ...     folder="students",
    ...     settings=["solver.kind=particles"],
    ... )  # doctest: +SKIP
    >>> students.risk.mean("initial.seed").sel({"particles.count": 20})  # doctest: +SKIP

    Each run is checked before any begins:

    >>> wgflow.sweep("teacher", over={"particles.cuont": [5, 20]}, folder="students")
    Traceback (most recent call last):
    wgflow.errors.InputError: the run particles.cuont=5 is not allowed: ... did you mean 'count'? ...
    """
    words = parse_launcher(launcher, here=scheduler is None)
    plan = replace(make_plan(problem, over, settings), allow_code=allow_code, launcher=words)
    with shown_runs(wanted=progress) as watcher:
        return carry_out(
            plan, Path(folder), scheduler=scheduler, workers=workers, threads=threads, force=force, watcher=watcher
        )


def carry_out(
    plan: Plan,
    folder: Path,
    *,
    scheduler: Scheduler | None = None,
    workers: int | None = None,
    threads: int = 1,
    force: bool = False,
    watcher: Watcher | None = None,
) -> xarray.Dataset:
    """Carry out a plan; see `sweep`. The watcher is told of each run."""
    for name, number in (("workers", workers), ("threads", threads)):
        if number is not None and number < 1:
            raise InputError(f"{name} = {number} is not allowed; give at least 1")
    refuse_ranks(
        "a sweep", "start it without mpiexec; its workers share out the runs, and --launcher starts each of them"
    )
    check_libraries()
    plan = replace(plan, force=force)
    # The workers of a scheduler have memory of their own, and ask for themselves.
    (plan if scheduler is None else replace(plan, force=True)).check()
    prepare_folder(plan, folder)
    outcomes = read_outcomes(plan, folder)
    pending = [index for index in range(plan.count) if index not in outcomes or outcomes[index].status != COMPLETE]
    if watcher is not None:
        watcher.begin(plan.count, plan.count - len(pending))
    if pending:
        (folder / DATASET).unlink(missing_ok=True)  # until all runs are in it again
        processes = min(workers or _default_workers(plan, threads), len(pending))
        if scheduler is None and not force:
            processes = processes_that_fit(processes, plan.memory())
        tasks = workers or 1 if scheduler is not None else processes
        with terminations_interrupt(), connect(scheduler, processes, threads) as client:
            for outcome in dispatch(client, plan, folder.resolve(), pending, tasks):
                outcomes[outcome.index] = outcome
                if watcher is not None:
                    watcher.note(outcome)
    dataset = gather(plan, outcomes)
    if pending or not (folder / DATASET).exists():
        write_dataset(dataset, folder)
    return dataset


def open_sweep(folder: str | Path) -> xarray.Dataset:
    """Read the dataset of a sweep, or what there is of one that goes on or was interrupted.

    Parameters
    ----------
    folder : path
        Folder that `sweep` or ``wgflow sweep`` wrote.

    Returns
    -------
    xarray.Dataset
        See `sweep`; the status of a run without a file is "missing".

    Raises
    ------
    InputError
        If the folder holds no sweep, or its dataset is damaged.
    MissingExtraError
        If a library is missing; all come with the extra ``sweep``.

    Examples
    --------
    >>> wgflow.open_sweep("students").final_risk.min("initial.seed")  # doctest: +SKIP
    >>> wgflow.open_sweep(".")  # a folder without one
    Traceback (most recent call last):
    wgflow.errors.InputError: . holds no sweep: sweep.toml does not exist; `wgflow sweep ... -o .` makes one
    """
    check_libraries()
    import xarray

    plan = read_plan(Path(folder))
    path = Path(folder) / DATASET
    if not path.exists():
        return gather(plan, read_outcomes(plan, Path(folder)))
    try:
        return xarray.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is damaged ({error}); remove it, and the runs are read again") from None


def read_outcomes(plan: Plan, folder: Path) -> dict[int, Outcome]:
    """Read what there is of each run, by its number."""
    found = ((index, read_outcome(plan, folder, index)) for index in range(plan.count))
    return {index: outcome for index, outcome in found if outcome is not None}


def processes_that_fit(processes: int, largest: MemoryEstimate) -> int:
    """Number of processes whose runs fit into memory at once, at least one; warns where these are fewer."""
    free = free_memory()
    if free is None or processes * largest.total <= free:
        return processes
    fitting = max(int(free / largest.total), 1)
    warnings.warn(
        f"{processes} runs at once need about {format_size(processes * largest.total)} of memory, and "
        f"{format_size(free)} are free: {fitting} at once (--force, force=True for all; {describe_largest(largest)})",
        FlowWarning,
        stacklevel=4,
    )
    return fitting


def _default_workers(plan: Plan, threads: int) -> int:
    from dask.system import CPU_COUNT

    return 1 if plan.launcher else max(int(CPU_COUNT) // threads, 1)
