"""The part of a problem that each of several ranks computes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wgflow.runs.sharing import check_refused, share_out

if TYPE_CHECKING:
    from wgflow.problems.problem import Problem


def on_ranks(problem: Problem) -> Problem:
    """The problem on the part of its domain that this rank computes.

    Raises
    ------
    InputError
        If there are several ranks, and something of it is for one.
    """
    refused = problem.options.refused_on_ranks(problem)
    if problem.moves_particles:
        check_refused(refused)
        return problem
    part = share_out(problem.functional, problem.domain, refused, problem.options.reach)
    if part is problem.domain:  # a copy would build its functional anew
        return problem
    return replace(problem, domain=part)
