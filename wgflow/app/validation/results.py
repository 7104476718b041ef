"""Results of validations that are kept with the source, and tables of them: in the handbook, and some in the README."""

from __future__ import annotations

from wgflow.app.validation.finding import summary_of
from wgflow.app.validation.records import Record, read_record
from wgflow.app.validation.rows import Row, shown_value
from wgflow.problems.shipped import shipped_folder

HEAD = "| validation | what was found (asked) | command, date |\n| --- | --- | --- |"

# Rows that the README shows, and what it calls them.
FIGURES = {
    "observed order of finite volumes on the circle, against an exact solution": (
        "orders",
        "circle, order 2: least observed order on the finest grids",
    ),
    "exponent of m in the squared distance of m random neurons to the PDE": (
        "theorem1",
        "signed circle, ReLU and a teacher, random: exponent of m",
    ),
    "a flow that starts everywhere: certified gap at its end over F(0)": (
        "theorem3",
        "circle 0, square loss: certified gap over F(0)",
    ),
    "margin of the flow of a classifier over the largest there is": (
        "figure5",
        "k = 2, n = 20, set 0: PDE over gamma_1",
    ),
    "a Fokker-Planck equation on 80 cells: error in L1": ("energies", "Fokker-Planck, 80 cells, explicit: L1 error"),
}


def kept_results() -> list[Record]:
    """Give the records in the folder validation/results, by name: what was measured last, in full or quickly."""
    return [read_record(path) for path in sorted(shipped_folder("validation/results").glob("*.json"))]


def results_table() -> str:
    """Give the table of the handbook: for each validation the rows that it quotes, which `Row.quote` chooses."""
    return "\n".join([HEAD, *map(_line, kept_results())])


def figures_table() -> str:
    """Give the table of the README: some figures that stand for the rest."""
    rows = {(record.validation, row.what): (record, row) for record in kept_results() for row in record.rows}
    lines = ["| what | found | asked | command |", "| --- | --- | --- | --- |"]
    for what, key in FIGURES.items():
        record, row = rows[key]
        lines.append(f"| {what} | {shown_value(row.value)} | {row.asked} | `{record.command}` |")
    return "\n".join(lines)


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
    print(figures_table())
