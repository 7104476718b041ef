"""Docstrings as Sphinx reads them, and names in them: to which public name each leads."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Literals, mathematics, links and references, in which a bar is a bar; else it would begin a substitution.
_CODE = re.compile(r"(``.+?``|:[a-z:]+:`[^`]*`|`[^`]*`)")


def escape_bars(lines: list[str]) -> list[str]:
    """Write ``|x|`` so that reStructuredText takes it for what it is, outside of code, examples and mathematics.

    Parameters
    ----------
    lines : list of str
        Lines of a docstring.

    Returns
    -------
    list of str
    """
    return [line if is_code else _escaped(line) for line, is_code in zip(lines, _in_code(lines), strict=True)]


def _escaped(line: str) -> str:
    parts = _CODE.split(line)
    return "".join(part if number % 2 else part.replace("|", "\\|") for number, part in enumerate(parts))


def _in_code(lines: list[str]) -> Iterator[bool]:
    """Whether each line belongs to an example, or to an indented block after ``::`` or a directive of mathematics."""
    block: int | None = None  # indentation of the line that began a block
    example = False
    for line in lines:
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if block is not None and text and indent <= block:
            block = None
        example = text.startswith(">>>") or (example and bool(text))
        formula = text.startswith(".. math::")
        yield example or formula or block is not None
        if block is None and (formula or text.endswith("::")):
            block = indent
