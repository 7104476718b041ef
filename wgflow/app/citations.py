"""What to cite for a run: the methods that it used, as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from wgflow.problems.models import ProblemFile
from wgflow.registry import Cited

THE_FLOW = Cited("BachChizat2022", "the flow, and its form on the sphere")
ENTRY = re.compile(r"^@\w+\{(\w+),.*?^\}", re.MULTILINE | re.DOTALL)


class Citation(NamedTuple):
    """A publication, and what it is for."""

    bibtex: str
    why: str


def citations_of(config: ProblemFile) -> list[Citation]:
    """Publications whose methods a problem file uses, that of the equation first.

    Parameters
    ----------
    config : ProblemFile
        The sections of the problem.
    """
    flow = (THE_FLOW,) if config.problem.is_flow else ()
    used = [*flow, *config.problem.cited(), *config.options.cites(config)]
    return [Citation(references().get(key, key), why) for key, why in dict.fromkeys(used)]


def format_citations(citations: list[Citation]) -> str:
    """BibTeX entries, each with a comment that says what it is for."""
    return "\n\n".join(f"% {citation.why}\n{citation.bibtex}" for citation in citations)


@cache
def references() -> Mapping[str, str]:
    """Entries of ``references.bib`` by their keys."""
    text = (files("wgflow.problems") / "references.bib").read_text(encoding="utf-8")
    return {found.group(1): found.group(0) for found in ENTRY.finditer(text)}
