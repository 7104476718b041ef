"""How measures are compared that concentrate: balls around atoms."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Particles
from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

concentration = load_validation("concentration")


def on_circle(angles, weights, signs):
    return Particles(np.column_stack([np.cos(angles), np.sin(angles)]), np.array(weights), np.array(signs))


def test_errors_of_atoms_are_those_of_their_balls():
    wanted = on_circle([0.0, 3.0], [2.0, 1.0], [1.0, -1.0])
    found = on_circle([-0.1, 0.2, 3.0, 0.0], [1.0, 1.0, 0.7, 5.0], [1.0, 1.0, -1.0, -1.0])
    position, weight = concentration.atom_errors(found, wanted, wanted)
    assert position == pytest.approx(0.05, rel=1e-13)
    assert weight == pytest.approx(0.1, rel=1e-13)


def test_solvers_are_compared_on_the_teacher_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(concentration, "TIMES", {"teacher": ([1.0], [1.0])})
    monkeypatch.setattr(concentration, "SIZES", ((32,), (32,)))
    monkeypatch.setattr(concentration, "REFERENCE_CELLS", {"teacher": (64, 64)})
    kept = {name: concentration.SOLVERS[name] for name in ("finite volumes", "characteristics")}
    monkeypatch.setattr(concentration, "SOLVERS", kept)
    rows = list(concentration.validate(Setting("concentration", tmp_path, quick=True)))
    assert [row.passed for row in rows] == [True] * 4
    assert rows[3].value < 1e-4 < rows[1].value  # the risk: a quadrature of nodes, and cells of second order
    assert (tmp_path / "concentration.png").exists()
