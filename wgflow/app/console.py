"""What a person sees on the terminal: progress, tables and closing lines."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.slab import whole_of
from wgflow.errors import FlowWarning, InputError
from wgflow.flows.endings import COMPLETE, RUNNING
from wgflow.flows.labels import Label
from wgflow.problems import Problem
from wgflow.runs.memory.estimate import format_size
from wgflow.system.launchers import LAUNCH
from wgflow.system.terminal import make_console, say
from wgflow.text import error_text, printable
from wgflow.trajectory import Trajectory, read_trajectory
from wgflow.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from wgflow.analysis.optimality.certificates import Certificate
    from wgflow.app.run_comparison import Comparison
    from wgflow.trajectory.checking import Check

TABLE_ROWS = 11
LONGEST_ROW, MOST_ROWS = 4000, 2000  # characters and lines of what is shown of a file


def announce(problem: Problem, path: Path, *, quiet: bool, estimate: bool = False) -> None:
    """Say what is about to run, and what an estimate of its errors will add."""
    if quiet:
        return
    config = problem.config
    factor = f", beta = {problem.reaction:g}" if config.problem.is_flow else ""
    say(f"problem     {config.problem.kind} on {_describe_domain(problem.domain)}{factor}")
    say(f"solver      {problem.solver}, to t = {config.solver.t_end:g}")
    say(f"output      {path}")
    each = f" on each of {LAUNCH.size} ranks" if LAUNCH.several else ""
    say(f"memory      about {format_size(problem.memory(estimate=estimate).total)}{each}")
    if estimate:
        from wgflow.problems.estimates import plan_estimate
        from wgflow.runs.estimates import announcement

        say(f"estimate    {announcement(plan_estimate(problem))}")


def _describe_domain(part: Domain) -> str:
    """The kind of a domain and its size, in a few words; of a part of a box those of the whole."""
    domain = whole_of(part)
    signed = "signed " if domain.sheets == 2 else ""
    if not domain.base.has_cells:
        return f"the {signed}{domain.kind}, {domain.geometry.components} components"
    cells = " x ".join(str(count) for count in domain.base.shape)
    return f"the {signed}{domain.kind}, {cells} cells"


@contextmanager
def warnings_as_lines(*, quiet: bool) -> Iterator[None]:
    """Print warnings of the flow as single lines, or none when quiet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if quiet else "always", FlowWarning)
        warnings.showwarning = lambda message, *_, **__: say(f"warning: {error_text(message)}", error=True)
        yield


@contextmanager
def frame_bar(*, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal with the remaining time of a film; nothing in a log or when quiet."""
    console = None if quiet else make_console()
    if console is None:
        yield None
        return
    from rich.progress import Progress

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("frames", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def report(trajectory: Trajectory, path: Path, *, quiet: bool) -> None:
    """Table of the run, and how it ended."""
    if quiet:
        return
    say(_table(trajectory))
    for line in (*_ending(trajectory), *error_table(trajectory)):
        say(line)
    say(f"trajectory  {path}")


def describe(trajectory: Trajectory, path: Path) -> None:
    """Show the content of a trajectory file."""
    found = trajectory.attributes
    source = printable(found.get("source", "unknown source"), longest=LONGEST_ROW)
    say(f"file        {path} ({source}), status {trajectory.status}")
    fields = ", ".join(f"{name} {values.shape}" for name, values in trajectory.fields.items())
    say(f"snapshots   {len(trajectory.time)} from t = 0 to {trajectory.time[-1]:g}: {fields}")
    if trajectory.domain is not None:
        say(f"domain      {trajectory.domain.kind} {dict(trajectory.domain.parameters)}")
    say(_table(trajectory))
    for line in (*_ending(trajectory), *error_table(trajectory)):
        say(line)
    if "problem" in found:
        say("\n" + printable(str(found["problem"]).strip(), longest=LONGEST_ROW, lines=MOST_ROWS))


def show_checks(checks: Iterable[Check], path: Path) -> None:
    """List what was checked in a file; raises InputError with the first fault."""
    faults = []
    for check in checks:
        say(f"{'ok   ' if check.passed else 'FAULT'}  {check.name:13s} {check.found}")
        if not check.passed:
            faults.append(f"{check.name}: {check.found}")
    if faults:
        raise InputError(f"{path} has {len(faults)} fault{'s' if len(faults) > 1 else ''}; {faults[0]}")


def _kernel(trajectory: Trajectory) -> list[str]:
    """A line on the averaged kernel, where a run had one."""
    found = trajectory.attributes
    if "kernel_rank" not in found:
        return []
    size = float(found["kernel_memory"]) / 2.0**20
    return [f"kernel      rank {int(found['kernel_rank'])}, error {float(found['kernel_error']):.1e}, {size:.1f} MiB"]


def _table(trajectory: Trajectory) -> str:
    labels = trajectory.labels
    columns = {
        labels.time.column: trajectory.time,
        _risk_label(trajectory).column: trajectory.risk,
        labels.mass.column: trajectory.mass,
        labels.min_potential.column: trajectory.min_potential,
        labels.step_size.column: trajectory.step_size,
    }
    if not _energy_is_risk(trajectory):
        columns[labels.energy.column] = trajectory.energy
    return _layout(columns)


def _risk_label(trajectory: Trajectory) -> Label:
    """Label of the risk; where F is the same and there is no risk, that of F."""
    labels = trajectory.labels
    return labels.of(labels.falling) if _energy_is_risk(trajectory) else labels.risk


def _energy_is_risk(trajectory: Trajectory) -> bool:
    return np.array_equal(trajectory.energy, trajectory.risk, equal_nan=True)


def _layout(columns: Mapping[str, FloatArray]) -> str:
    """Lay out columns of numbers as text, about ten rows spread over all."""
    chosen = _rows(len(next(iter(columns.values()))))
    texts = {title: [title, *(f"{values[i]:.5g}" for i in chosen)] for title, values in columns.items()}
    widths = {title: max(map(len, column)) for title, column in texts.items()}
    rows = zip(*([text.rjust(widths[title]) for text in column] for title, column in texts.items()), strict=True)
    return "\n".join("  ".join(row) for row in rows)


def _rows(count: int) -> IntArray:
    return np.linspace(0, count - 1, min(count, TABLE_ROWS)).round().astype(int)


def _ending(trajectory: Trajectory) -> list[str]:
    found = trajectory.attributes
    lines = []
    if "accepted_steps" in found and trajectory.status != RUNNING:
        lines.append(
            f"steps       {found['accepted_steps']} accepted, {found['rejected_steps']} rejected, "
            f"{found['evaluations']} evaluations of {trajectory.labels.evaluated}; ended by {found['stop_reason']} at "
            f"t = {trajectory.time[-1]:g}"
        )
        lines.append(f"time        {found['run_seconds']:.2f} s computing, {found['compile_seconds']:.2f} s compiling")
    lines += _kernel(trajectory)
    shown = {_risk_label(trajectory).column: trajectory.risk}
    if not _energy_is_risk(trajectory):
        shown[trajectory.labels.energy.column] = trajectory.energy
    lines += [f"{name:11s} {values[0]:.6g} -> {values[-1]:.6g}" for name, values in shown.items()]
    change = trajectory.mass[-1] - trajectory.mass[0]
    if found.get("reaction") == 0.0:
        lines.append(f"mass error  {change / trajectory.mass[0]:.1e} (relative)")
    return lines


def error_table(trajectory: Trajectory) -> list[str]:
    """Lines of a table of the estimated errors at the last output time; none without estimates."""
    if not trajectory.errors:
        return []
    last = trajectory.scheduled - 1
    values = {name: f"{trajectory.scalars[name][last]:.6g}" for name in ("energy", "risk", "mass")}
    titles = {name: trajectory.labels.of(name).column for name in values}
    titles |= {"density": "density (L1)", "transport": "measure (W1)"}
    rows = [(f"errors at t = {trajectory.time[last]:g}", "value", "error", "order")]
    for name, errors in trajectory.errors.items():
        if name == "risk" and _energy_is_risk(trajectory):
            continue
        if name in values or _is_measured(name, trajectory):
            rows.append(
                (
                    f"  {titles.get(name, name)}",
                    values.get(name, ""),
                    *_outcome(errors[last], trajectory.orders[name][last]),
                )
            )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _is_measured(name: str, trajectory: Trajectory) -> bool:
    """Whether there is a distance of that name at all: at the start nothing hinders it, other than its kind of run."""
    return bool(np.isfinite(trajectory.errors[name]).any() or np.isfinite(trajectory.orders[name]).any())


def _outcome(error: float, order: float) -> tuple[str, str]:
    """Error and order in a table."""
    if not np.isfinite(error):
        return "not resolved", f"{order:.2f}" if np.isfinite(order) else ""
    return f"{error:.2e}", f"{order:.2f}" if np.isfinite(order) else "round-off"


def say_resumable(problem: Path, path: Path, settings: Iterable[str], *, allow_code: bool = False) -> None:
    """After Ctrl-C: where the file is, and the command that continues it."""
    if not LAUNCH.is_first:
        return
    if not path.exists():
        say("interrupted before the first snapshot; nothing was written", error=True)
        return
    if read_trajectory(path)[0].status == COMPLETE:
        say(f"interrupted in the last step; the run in {path} is complete", error=True)
        return
    options = " ".join([f"--set {shlex.quote(setting)}" for setting in settings] + ["--allow-code"] * allow_code)
    command = f"wgflow run {shlex.quote(str(problem))} -o {shlex.quote(str(path))} --resume {options}".strip()
    say(f"interrupted; the snapshots so far are in {path}. Continue with: {command}", error=True)


def say_finished(trajectory: Trajectory, problem: Problem, *, quiet: bool) -> None:
    """Say that a run which was to go on had ended before, and how it goes on all the same; not where a warning does."""
    reached = trajectory.time[trajectory.scheduled - 1]
    if quiet or problem.times.max(initial=0.0) < reached:
        return
    stationary = trajectory.attributes.get("stop_reason") == "stationary"
    key, change = ("stationarity", "a smaller") if stationary else ("t_end", "a later")
    reached = trajectory.time[-1]
    say(
        f"resume      nothing was left to do: the run had ended by {key} at t = {reached:g}; {change} one goes on, "
        f"--set solver.{key}=..."
    )


def show_comparison(comparison: Comparison) -> None:
    """Table of a comparison."""
    say(f"A  {comparison.names[0]}\nB  {comparison.names[1]}")
    say(f"times  {comparison.times}")
    say(_layout({_compared(name, comparison): values for name, values in comparison.columns.items()}))
    for line in comparison.lines:
        say(line)


def _compared(name: str, comparison: Comparison) -> str:
    """Heading of a column of a comparison: outputs of a run are called as its solver calls them."""
    output, _, letter = name.partition(" ")
    if output not in ("time", "risk", "energy", "mass"):
        return name
    run = comparison.second if letter == "B" else comparison.first
    return f"{run.labels.of(output).column} {letter}".strip()


def show_certificate(certificate: Certificate, trajectory: Trajectory) -> None:
    """Table of a certificate of the last output, and what it says."""
    start, least = float(trajectory.energy[0]), certificate.minimum
    where = " ".join(f"{component:.6g}" for component in least.point)
    sheet = f", sheet {'+' if least.sign > 0.0 else '-'}" if certificate.sheets == 2 else ""
    rows = {
        "time": f"{trajectory.time[-1]:.6g}",
        "F": f"{certificate.value:.10g}",
        "lower bound": f"{certificate.lower_bound:.10g}",
        "by tangents": f"{certificate.linear_bound:.10g} (measures of mass up to {certificate.mass_bound:.6g})",
        "by duality": f"{certificate.dual_bound:.10g} (measures of any mass)",
        "gap": f"{certificate.gap:.3e}, {certificate.gap / start if start > 0.0 else np.nan:.3e} of F at t = 0",
        "min J": f"{least.value:.6e} at ({where}){sheet}",
        "|J| on support": f"{certificate.support_residual:.3e}",
    }
    for name, text in rows.items():
        say(f"{name:16s}{text}")
    say(certificate.verdict)


def list_files(files: Iterable[Path]) -> None:
    """List files with the comment or docstring that each begins with."""
    for file in files:
        lines = [line.strip('#" ') for line in file.read_text(encoding="utf-8").splitlines()]
        paragraph = " ".join(lines[: lines.index("")] if "" in lines else lines[:1])
        say(f"{file.stem.rstrip('_'):24s} {paragraph.split('. ')[0].rstrip('.')}")
