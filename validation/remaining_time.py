"""The remaining time that runs show, over what they then took, at a quarter, a half and three quarters of each.

Every problem that ships is run as it is. Where a share of its steps is done, the number of steps and the seconds that
are left are read as the progress of a run shows them; the seconds are those of a machine on that day. Beside them stand
those of a straight line in time, which is how far off a mean pace would be.
"""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wgflow import Observers, open_problem, run
from wgflow.app.validation import Row, Setting, between, measured
from wgflow.compilation import watch_compilation
from wgflow.flows import Evolution
from wgflow.problems.shipped import shipped_problems
from wgflow.runs.pace import Pace

SHARES = (0.25, 0.5, 0.75)
FACTOR = 2.0
QUOTED = (("deconvolution", 0.25), ("teacher", 0.25), ("teacher", 0.5))
QUICK = ("deconvolution", "quadratic", "riccati_jko", "spikes")
BREAKS = {"teacher": 5.0, "teacher_box": 2.5}  # steps grow tenfold when the risk falls at last: not foreseen


@dataclass(frozen=True)
class Steps:
    """The steps of a run: the end of the run, their times, and the seconds of computing up to each."""

    end: float
    times: list[float]
    seconds: list[float]

    def pace_after(self, done: int) -> Pace:
        """What its progress knows after some steps."""
        pace = Pace(self.end)
        for time, seconds in zip(self.times[:done], self.seconds[:done], strict=True):
            pace.note(time, seconds)
        return pace


def steps_of(path: Path) -> Steps:
    """Run a problem and note each step."""
    problem = open_problem(path)
    steps = Steps(problem.config.solver.t_end, [], [])
    with watch_compilation(lambda: None) as compiled:
        began: list[float] = []

        def note(evolution: Evolution) -> None:
            now = clock.perf_counter() - compiled()
            began.append(now)
            steps.times.append(evolution.time)
            steps.seconds.append(now - began[0])

        run(problem, observers=Observers(step=[note]))
    return steps


def rows_of(name: str, steps: Steps) -> Iterator[Row]:
    """Predicted over true at each share of the steps."""
    count, factor = len(steps.times), BREAKS.get(name, FACTOR)
    for share in SHARES:
        done = max(round(share * count), 1)
        left, took = count - done, steps.seconds[-1] - steps.seconds[done - 1]
        pace, line = steps.pace_after(done), done * (steps.end / steps.times[done - 1] - 1.0) / left
        beside = f"{left} of {count} steps; a straight line in time gives {line:.3g}"
        what, found = f"{name}: steps left over true at {share:g}", pace.steps_left / left
        row = between(what, found, 1.0 / factor, factor, beside)
        yield row.quote() if (name, share) in QUOTED else row
        yield measured(f"{name}: seconds left over true at {share:g}", pace.seconds_left / took, f"{took:.2f} s")


def validate(setting: Setting) -> Iterator[Row]:
    """All problems that ship; quick, a few that are done soon."""
    for path in shipped_problems():
        if not setting.quick or path.stem in QUICK:
            yield from rows_of(path.stem, steps_of(path))
