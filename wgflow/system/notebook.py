"""IPython, where it runs this process: which shell it is, and one line of a notebook that changes.

Nothing is imported of it unless it is there already, and no widgets are needed.
"""

from __future__ import annotations

import sys
from html import escape
from typing import Any

IN_TERMINAL = "TerminalInteractiveShell"


def ipython_shell() -> Any | None:
    """Give the shell that runs this process; None in scripts and in the prompt of Python itself."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def is_notebook() -> bool:
    """Whether what is displayed goes to a notebook, or another front end that is no terminal."""
    shell = ipython_shell()
    return shell is not None and type(shell).__name__ != IN_TERMINAL


class NotebookLine:
    """A line in the output of a cell with a bar; it is replaced by each that follows."""

    def __init__(self) -> None:
        self._handle: Any | None = None

    def show(self, share: float, text: str) -> None:
        """Show a share between 0 and 1 and a text, in the place of what was shown before."""
        content = {
            "text/plain": f"{share:4.0%}  {text}",
            "text/html": f'<progress max="1" value="{share:.4f}"></progress> {share:.0%} &nbsp; {escape(text)}',
        }
        if self._handle is None:
            from IPython.display import display

            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)
