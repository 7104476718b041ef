"""Pages of the reference as Markdown, made from what they describe: keys, commands, results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, get_args

from wgflow.app.validation.finding import summary_of
from wgflow.app.validation.records import Record
from wgflow.app.validation.results import kept_results, results_table
from wgflow.app.validation.rows import shown_value
from wgflow.errors import InputError
from wgflow.problems.documentation import key_table, sections_of, table_of
from wgflow.problems.sections import Section
from wgflow.text import shown

if TYPE_CHECKING:
    from click import Command


def keys(place: str = "", kind: str = "") -> str:
    """Give the keys of a section of problem files, or of one kind of it, as a table for each kind; of all by default.

    Parameters
    ----------
    place : str
        Where the keys stand, e.g. ``"solver"`` or ``"problem.potential"``.
    kind : str
        One of the kinds that this section has; all of them by default.

    Raises
    ------
    InputError
        If there is no such section or kind.
    """
    if not place:
        return key_table()
    sections = sections_of(place)
    kinds = {kind_of(section): section for section in sections}
    if kind and kind not in kinds:
        raise InputError(f"[{place}] has no kind {shown(kind)}, but {', '.join(kinds)}")
    chosen = [kinds[kind]] if kind else sections
    return "\n\n".join("\n".join([*_heading(section, len(chosen)), table_of(section, place)]) for section in chosen)


def kind_of(section: type[Section]) -> str:
    """Give the value of the key ``kind`` that chooses a section; empty where it has none."""
    field = section.model_fields.get("kind")
    return str(next(iter(get_args(field.annotation)), "")) if field is not None else ""


def _heading(section: type[Section], count: int) -> list[str]:
    """What a section is, above its table, where several stand below each other."""
    meaning = " ".join((section.__doc__ or "").split())
    return [f'**`kind = "{kind_of(section)}"`** {meaning}', ""] if count > 1 else []


def commands() -> str:
    """Give all commands: what each does, its arguments and options."""
    import typer

    from wgflow.app.cli import app

    group: Any = typer.main.get_command(app)
    return "\n\n".join(_command(name, command) for name, command in sorted(group.commands.items()))


def _command(name: str, command: Command) -> str:
    words = [f"wgflow {name}"]
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    options = [item for item in command.params if item.param_type_name == "option" and item.name != "help"]
    words += [_usage(item) for item in arguments]
    words += ["[OPTIONS]"] if options else []
    lines = [f"## {name}", "", f"```text\n{' '.join(words)}\n```", "", _escaped(command.help or "")]
    if arguments or options:
        lines += ["", "| argument or option | meaning |", "| --- | --- |"]
        lines += [f"| `{_usage(item)}` | {_escaped(_help_of(item))} |" for item in arguments]
        lines += [f"| `{_names(item)}` | {_escaped(_help_of(item))} |" for item in options]
    return "\n".join(lines)


def _usage(argument: Any) -> str:
    word = argument.metavar or argument.name.upper()
    return word if argument.required else f"[{word}]"


def _names(option: Any) -> str:
    """Names of an option, and what stands behind them."""
    named = ", ".join(sorted([*option.opts, *option.secondary_opts], key=len))
    if option.is_flag:
        return named
    return f"{named} {option.metavar or option.name.upper()}"


def _help_of(item: Any) -> str:
    """What an argument is, with its default where that says something."""
    default = item.default if isinstance(item.default, int | float) and not isinstance(item.default, bool) else None
    return f"{item.help or ''}{'' if default is None else f' Default {default}.'}"


def results(*names: str) -> str:
    """Give what validations found, as the rows that they quote: a table of all, or a line for each row of some.

    Raises
    ------
    InputError
        If there is no record of a name.
    """
    return "\n\n".join(map(_quoted, names)) if names else results_table()


def _quoted(name: str) -> str:
    record = next((record for record in kept_results() if record.validation == name), None)
    if record is None:
        raise InputError(f"validation/results holds no record of {name!r}; run: wgflow validate {name}")
    rows = [("what", "found", "asked")]
    rows += [(row.what, shown_value(row.value), row.asked) for row in record.rows_quoted]
    return "\n".join([*_table(rows), "", f"(`{record.command}`, {record.date}, version {record.version}.)"])


def all_results() -> str:
    """Give all rows of all validations, a section for each."""
    return "\n\n".join(_record(record) for record in kept_results())


def _record(record: Record) -> str:
    rows = [("what", "found", "asked", "", "beside")]
    rows += [(row.what, shown_value(row.value), row.asked, row.verdict.lower(), row.beside) for row in record.rows]
    machine = ", ".join(f"{name.removesuffix('_version')} {value}" for name, value in record.machine.items())
    told = f"`{record.command}`, {record.date}, version {record.version}, {record.seconds:.0f} s ({machine})."
    return "\n".join([f"## {record.validation}", "", f"{summary_of(record.validation)}.", "", told, "", *_table(rows)])


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Lines of a table; the first row is its head."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(map(_escaped, row))} |"
        if number == 0:
            yield f"|{' --- |' * len(row)}"


def _escaped(text: str) -> str:
    """Give a text as a cell of a table holds it, in which nothing is taken for markup."""
    for sign in ("\\", "|", "*", "_", "<", "$", "^", "[", "`"):
        text = text.replace(sign, f"\\{sign}") if sign != "`" else text
    return text
