"""Results of validations that are kept with the source, and the table of them that the README shows."""

from __future__ import annotations

from wgflow.app.validation.finding import summary_of
from wgflow.app.validation.records import Record, read_record
from wgflow.app.validation.rows import Row, shown_value
from wgflow.problems.shipped import shipped_folder

HEAD = "| validation | what was found (asked) | command, date |\n| --- | --- | --- |"


def kept_results() -> list[Record]:
    """Give the records in the folder validation/results, by name: what was measured last, in full or quickly."""
    return [read_record(path) for path in sorted(shipped_folder("validation/results").glob("*.json"))]


def results_table() -> str:
    """Give the table of the README: for each validation the rows that it quotes, which `Row.quote` chooses."""
    return "\n".join([HEAD, *map(_line, kept_results())])


def _line(record: Record) -> str:
    asked = [row for row in record.rows if row.asked]
    counted = f"{sum(row.passed for row in asked)} of {len(asked)} passed"
    quoted = "; ".join([*map(_quoted, record.rows_quoted), counted])
    return f"| {_plain(summary_of(record.validation))} | {quoted} | `{record.command}`, {record.date} |"


def _quoted(row: Row) -> str:
    asked = f" ({row.asked})" if row.asked else ""
    return _plain(f"{row.what}: {shown_value(row.value)}{asked}")


def _plain(text: str) -> str:
    """Give a text as a cell of a table holds it."""
    return text.replace("|", r"\|")


if __name__ == "__main__":
    print(results_table())
