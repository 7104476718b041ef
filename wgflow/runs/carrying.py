"""Carrying a solver through its output times, with progress, and what Ctrl-C does where a person sits at a notebook."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np

from wgflow.errors import FlowWarning
from wgflow.flows import Evolution
from wgflow.flows.growth import RunSetup, evolve_on
from wgflow.flows.loop import Limits, Observers, RunInterrupt
from wgflow.flows.recorder import Recorder
from wgflow.measures import Particles
from wgflow.ranks.work import shared_work
from wgflow.runs.progress import Outlook, shown_progress
from wgflow.system.notebook import ipython_shell
from wgflow.typing import FloatArray


def carry_through(
    run_setup: RunSetup,
    evolution: Evolution,
    times: FloatArray,
    recorder: Recorder,
    *,
    limits: Limits | None = None,
    observers: Observers | None = None,
    progress: bool = False,
    record_start: bool = True,
    within: bool = False,
    earlier: FloatArray | None = None,
) -> None:
    """Carry a flow through its output times as `evolve_on` does, and show how far it is, if that is wanted.

    Of a run that goes on, ``earlier`` has the times of its steps so far, shape (n,).

    Raises
    ------
    ComputationError
        As `evolve_on` does.
    KeyboardInterrupt
        After Ctrl-C, but in IPython, where the recorder then holds what there is; after SIGTERM, SIGHUP and SIGUSR1 in
        any case.
    """
    done = np.empty(0) if earlier is None else earlier
    outlook = Outlook(float(times[-1]), times.size, evolution.labels, limits or Limits(), done)
    # Densities are shared as they are; of particles each rank has all, and what they are summed for is shared.
    work = shared_work() if isinstance(evolution.measure, Particles) else nullcontext()
    with shown_progress(progress) as display, _returning(evolution), work:
        shown = display.watch(outlook)
        evolve_on(
            run_setup,
            evolution,
            times,
            recorder,
            limits=limits,
            observers=(observers or Observers()).joined(shown),
            record_start=record_start,
            within=within,
        )


@contextmanager
def _returning(evolution: Evolution) -> Iterator[None]:
    """In IPython, end a run well at Ctrl-C: the cell goes on with what there is, where a script must not."""
    try:
        yield
    except RunInterrupt:
        if ipython_shell() is None:
            raise
        warnings.warn(
            f"interrupted at t = {evolution.time:g}: this is the trajectory so far, with the status 'interrupted'; the "
            "same call with output=... and resume=True goes on with one that is in a file (`save` puts it there)",
            FlowWarning,
            stacklevel=6,
        )
