"""A small problem."""

from __future__ import annotations

import pytest
import tomli_w


@pytest.fixture
def problem():
    """Particles of a quadratic problem: a run takes some milliseconds."""
    return {
        "problem": {"kind": "quadratic", "target": [[1.0, 0.2], [0.2, 0.5]]},
        "domain": {"kind": "circle", "cells": 16},
        "solver": {"kind": "particles", "t_end": 0.5},
        "particles": {"count": 4},
        "output": {"snapshots": 4},
    }


def write_problem(path, problem):
    path.write_text(tomli_w.dumps(problem))
    return str(path)
