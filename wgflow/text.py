"""Text that is safe to print: files, problems and arguments may hold anything, and a terminal obeys much of it."""

from __future__ import annotations

LONGEST_VALUE = 80  # characters of a value within a message
LONGEST_LINE = 1000  # characters of a line of an error: paths may be long
MOST_LINES = 3  # of an error
_CUT = " [...] "


def printable(text: object, *, longest: int | None = None, lines: int | None = None) -> str:
    r"""Text with all that is not to be seen written as escapes; lines stay lines.

    Control characters (so escape sequences of terminals), marks that change the direction of text, characters of no
    width, private and unassigned ones and halves of surrogate pairs are written as in Python, ``\x1b`` or ``\u202e``:
    all that ``str.isprintable`` refuses.

    Parameters
    ----------
    text : object
        Anything; its ``str`` is taken.
    longest : int, optional
        Characters of a line; the middle of longer ones is left out, since their end says what to do.
    lines : int, optional
        Lines that are kept.

    Returns
    -------
    str

    Examples
    --------
    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    found = str(text).split("\n")
    kept = found[:lines]
    return "\n".join(_escaped(line if longest is None else _shortened(line, longest), longest) for line in kept)


def shown(value: object, longest: int = LONGEST_VALUE) -> str:
    r"""A value as a message shows it: strings in quotes, everything in one line of some length, safe to print.

    Parameters
    ----------
    value : object
        Anything; its ``repr`` is taken.
    longest : int
        Characters; the middle of longer values is left out.

    Returns
    -------
    str

    Examples
    --------
    >>> shown("two\nlines")
    "'two\\nlines'"
    """
    part = value[: 4 * longest] + value[-longest:] if isinstance(value, str) and len(value) > 5 * longest else value
    try:
        text = repr(part)
    except ValueError:  # integers of thousands of digits have no decimal form
        text = f"{'-' if value < 0 else ''}an integer of {value.bit_length()} bits"  # type: ignore[operator,attr-defined]
    return named(text, longest)


def named(text: object, longest: int = LONGEST_VALUE) -> str:
    """A name, or the message of another library, within a message: without quotes, in one line of some length."""
    return _escaped(_shortened(" ".join(str(text).split()), longest), longest)


def error_text(error: object) -> str:
    """An error as the command line prints it: a few lines, none of them endless."""
    return printable(error, longest=LONGEST_LINE, lines=MOST_LINES)


def _escaped(line: str, longest: int | None) -> str:
    safe = line.isprintable()  # often, and much faster
    text = line if safe else "".join(c if c.isprintable() else _escape(c) for c in line)
    return text if longest is None else _shortened(text, longest)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end - len(_CUT)]}{_CUT}{text[len(text) - end :]}"
