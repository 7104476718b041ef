"""PDE, characteristics and both forms of particles agree on networks."""

from __future__ import annotations

import pytest

from wgflow import InputError
from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

module = load_validation("cross")


def test_all_methods_agree_on_a_teacher_and_on_a_network(tmp_path, monkeypatch):
    """Early, where risks fall fastest."""
    monkeypatch.setattr(module, "LONGEST", 2.0)
    setting = Setting("cross", tmp_path, quick=True)
    rows = list(module.validate(setting, problems=("teacher", "network")))
    assert [row.what for row in rows] == [
        "teacher: difference of the risks by 4 methods",
        "teacher: difference of the risks of polar and Cartesian particles",
        "network: difference of the risks by 2 methods",
        "network: difference of the risks of polar and Cartesian particles",
    ]
    assert all(row.passed for row in rows)


def test_particles_of_a_sphere_are_also_those_of_the_space_around_it():
    """Where a problem lives on a sphere without signs, or in a box, its Cartesian particles know of no domain."""
    for name in ("regression", "regression_box"):
        problem = module.open_problem(name, ["solver.kind=particles", "particles.count=8"])
        assert module.particle_starts(problem)[2].domain is None


def test_problems_that_are_no_networks_are_refused(tmp_path):
    rows = module.validate(Setting("cross", tmp_path), problems=("riccati",))
    with pytest.raises(InputError, match=r"problem 'riccati' is no shipped two-layer problem; choose from .*el_nino"):
        next(rows)
